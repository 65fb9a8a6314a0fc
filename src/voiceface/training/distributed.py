"""Several processes that train one model together, started by torchrun.

Each takes its slice of the same global batch. What is a mean over the batch is then made one over
all slices: the gradients, BatchNorm's statistics, the metrics. So the losses are those of a single
process with the whole batch; dropout aside, which each process draws for itself.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from voiceface.errors import VoicefaceError
from voiceface.model_config import Train
from voiceface.training.device import pick_device


@dataclass(frozen=True)
class Workers:
    """The processes, as one of them sees them."""

    device: torch.device
    rank: int = 0
    count: int = 1

    @property
    def leads(self) -> bool:
        """Whether this is the one process that writes and tells."""
        return self.rank == 0

    def slice_of(self, batch: int, parts: int) -> slice:
        """This process's part of a global batch, which it goes through in `parts`.

        Raises:
            VoicefaceError: the batch can't be shared out evenly, two pairs or more to each part.
        """
        share, rest = parts * (batch // (self.count * parts)), batch % (self.count * parts)
        if rest or share < 2 * parts:
            raise VoicefaceError(
                f"a batch of {batch} can't be shared by train.devices: {self.count} × "
                f"train.accumulate: {parts}; take a multiple of that, two pairs or more for each"
            )
        return slice(self.rank * share, (self.rank + 1) * share)

    def mean(self, values: Tensor) -> Tensor:
        """The mean over the processes; without a gradient."""
        return _mean_of_all(values) if self.count > 1 else values

    def average_gradients(self, optimizer: torch.optim.Optimizer) -> None:
        """Make the gradients of the optimiser's weights those of the mean of all losses."""
        if self.count == 1:
            return
        weights = [weight for group in optimizer.param_groups for weight in group["params"]]
        gradients = [weight.grad for weight in weights if weight.grad is not None]
        means = self.mean(torch.cat([gradient.flatten() for gradient in gradients]))
        parts = means.split([gradient.numel() for gradient in gradients])
        for gradient, part in zip(gradients, parts, strict=True):
            gradient.copy_(part.view(gradient.shape))

    def agree(self, decision: bool) -> bool:
        """The leading process's decision: what depends on the time must be the same in all."""
        if self.count == 1:
            return decision
        told = torch.tensor([int(decision)], device=self.device)
        dist.broadcast(told, 0)
        return bool(told.item())

    def collect(self, state: Tensor) -> list[Tensor]:
        """The same tensor of every process, on the CPU, by rank."""
        if self.count == 1:
            return [state.cpu()]
        parts = [torch.empty_like(state, device=self.device) for _ in range(self.count)]
        dist.all_gather(parts, state.to(self.device))
        return [part.cpu() for part in parts]


@contextmanager
def joined(config: Train) -> Iterator[Workers]:
    """Join the other processes that torchrun started; alone where there is none.

    Raises:
        VoicefaceError: there is no such device, or torchrun started another number of processes
            than `train.devices`.
    """
    device, count = pick_device(config.device), int(os.environ.get("WORLD_SIZE", "1"))
    if count != config.devices:
        raise VoicefaceError(
            f"train.devices is {config.devices}, but training was started in {count} processes; "
            f"start it with torchrun --standalone --nproc-per-node={config.devices}"
        )
    if count == 1:
        yield Workers(device)
        return
    if device.type == "cuda":
        device = _own_cuda_device()
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield Workers(device, dist.get_rank(), count)
        dist.barrier()  # none ends before the leading one has written all
    finally:
        dist.destroy_process_group()


def batch_mean(values: Tensor) -> Tensor:
    """The mean over the global batch: (B, …) → (…), with a gradient to all processes' values.

    For what a loss does to a mean other than to add it up: a plain mean of losses needs none of it.
    """
    return _mean(values.mean(0))


def whole_batch(values: Tensor) -> Tensor:
    """The global batch's values, (B / processes, …) → (B, …), with a gradient to all of them.

    For what a loss tells of all pairs of a batch. The parts that it is gone through in
    (`train.accumulate`) are not joined.
    """
    if not dist.is_initialized():
        return values
    count, rank = dist.get_world_size(), dist.get_rank()
    parts = [values if part == rank else torch.zeros_like(values) for part in range(count)]
    return count * _mean(torch.cat(parts))


def share_statistics(network: nn.Module, workers: Workers) -> None:
    """Replace each BatchNorm in a network by one over the global batch, with the same weights."""
    for name, layer in network.named_children():
        if workers.count > 1 and isinstance(layer, _BatchNorm):
            setattr(network, name, GlobalBatchNorm(layer))
        else:
            share_statistics(layer, workers)


class GlobalBatchNorm(_BatchNorm):
    """BatchNorm over the slices of all processes. torch's own SyncBatchNorm takes CUDA alone."""

    def __init__(self, local: _BatchNorm) -> None:
        """Take over the weights and the statistics of a BatchNorm."""
        super().__init__(local.num_features, local.eps, local.momentum, local.affine)
        self.weight, self.bias = local.weight, local.bias
        self.running_mean, self.running_var = local.running_mean, local.running_var
        self.num_batches_tracked = local.num_batches_tracked

    def forward(self, input: Tensor) -> Tensor:
        """(B, c, …) → the same, each of the c channels with mean 0 and variance 1 over all B."""
        if not self.training:
            return super().forward(input)
        axes = [0, *range(2, input.ndim)]
        shape = [-1, *[1] * (input.ndim - 2)]
        values = input.float()
        mean = _mean(values.mean(axes))
        centred = values - mean.view(shape)
        variance = _mean(centred.square().mean(axes))
        self._track(mean, variance, values.numel() // self.num_features)
        scaled = centred * (variance + self.eps).rsqrt().view(shape)
        if self.affine:
            scaled = scaled * self.weight.view(shape) + self.bias.view(shape)
        return scaled.to(input.dtype)

    def _check_input_dim(self, input: Tensor) -> None:
        pass  # any number of dimensions

    @torch.no_grad()
    def _track(self, mean: Tensor, variance: Tensor, count: int) -> None:
        count *= dist.get_world_size()
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        self.running_mean.lerp_(mean, self.momentum or 0.0)
        self.running_var.lerp_(variance * count / (count - 1), self.momentum or 0.0)
        self.num_batches_tracked += 1


class _Mean(torch.autograd.Function):
    """The mean over the processes; its gradient is the mean of their gradients."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        return _mean_of_all(values)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return _mean_of_all(gradients[0])


def _mean(values: Tensor) -> Tensor:
    if not dist.is_initialized():
        return values
    mean: Tensor = _Mean.apply(values)
    return mean


def _mean_of_all(values: Tensor) -> Tensor:
    total = values.contiguous().clone()
    dist.all_reduce(total)
    return total.div_(dist.get_world_size())


def _own_cuda_device() -> torch.device:
    rank = int(os.environ["LOCAL_RANK"])
    if rank >= torch.cuda.device_count():
        raise VoicefaceError(
            f"train.devices: there are {torch.cuda.device_count()} CUDA devices here, "
            f"but torchrun started {os.environ['LOCAL_WORLD_SIZE']} processes"
        )
    torch.cuda.set_device(rank)
    return torch.device("cuda", rank)
