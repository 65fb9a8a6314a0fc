"""All state of a training run, and what one step changes of it."""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor

from voiceface.data.batches import Batch, Batches
from voiceface.data.packed import Packed
from voiceface.errors import VoicefaceError
from voiceface.model_config import Train, TrainedSection
from voiceface.models.options import gender_of, rate_factor, repeats
from voiceface.models.registry import Mapper, Trainable
from voiceface.models.step import Losses
from voiceface.training.distributed import Workers, share_statistics
from voiceface.training.graphs import Recorder, make_recordable
from voiceface.training.logs import History


class Run:
    """A run as one of its processes sees it: the weights are the same in all."""

    def __init__(
        self,
        config: Train,
        section: TrainedSection,
        packed: Packed,
        workers: Workers,
        build: Callable[[int], Trainable],
    ) -> None:
        """Start from fresh networks.

        Args:
            build: makes them, for so many speakers, from torch's global random state.
        """
        self.config, self.section, self.workers = config, section, workers
        self.device = workers.device
        if config.compile:
            _check_compiler(self.device)
        torch.manual_seed(config.seed)
        self.model = build(len(packed.speakers))
        _check_data(self.model, section, packed)
        for network in self.model.networks.values():
            share_statistics(network, workers)
            network.to(self.device).train()
            if config.compile:
                network.compile()
        if workers.rank:
            torch.manual_seed(config.seed + workers.rank)  # another dropout than the others'
        self.optimizers = self.model.optimizers()
        self.rates = {
            name: [group["lr"] for group in each.param_groups]
            for name, each in self.optimizers.items()
        }
        self.batches = Batches(
            packed,
            px=self.model.px,
            samples=self.model.crop_samples,
            batch=section.batch,
            flip=self.model.flip,
            seed=config.seed,
            device=self.device,
            pairing=self.model.pairing,
            repeats=repeats(self.model),
            gender=gender_of(self.model),
            babble_snr_db=config.babble_snr_db,
            most_gib=config.most_data_gib,
            mine=workers.slice_of(section.batch, config.accumulate),
        )
        self.history = History(workers.mean)
        self.average = self.weights() if config.ema else {}
        self._share = torch.zeros((), device=self.device)  # of the new weights in the average
        self._recorder = self._make_recorder()
        self.step = 0
        self.spent_s = 0.0

    def advance(self) -> Mapping[str, Tensor]:
        """Do one step; returns its metrics, still on the device, until the next one."""
        epochs = self.step * self.section.batch / len(self.batches.rows)
        factor = rate_factor(self.model, epochs)
        for optimizer, rates in self.rates.items():
            for group, rate in zip(self.optimizers[optimizer].param_groups, rates, strict=True):
                group["lr"] = rate * factor
        batch = self.batches.next()
        # A young average remembers less: it would long be made of the weights of the start.
        self._share.fill_(1 - min(self.config.ema, (1 + self.step) / (10 + self.step)))
        if self._recorder:
            metrics = self._recorder((batch.audio.shape, factor), batch)
        else:
            metrics = self._learn(batch)
        self.step += 1
        self.history.add(metrics)
        return metrics

    def precision(self) -> torch.autocast:
        """The context of the forward passes."""
        bf16 = self.config.precision == "bf16"
        return torch.autocast(self.device.type, torch.bfloat16, enabled=bf16)

    def weights(self) -> dict[str, dict[str, Tensor]]:
        """A copy of the drawing networks' states, by network."""
        states = {name: self.model.networks[name].state_dict() for name in self.model.drawing}
        return {
            name: {key: value.clone() for key, value in state.items()}
            for name, state in states.items()
        }

    def result(self) -> dict[str, dict[str, Tensor]]:
        """The weights to draw with: the moving average where there is one."""
        return self.average or self.weights()

    def broken(self) -> list[str]:
        """What of the weights is not finite, in words; the last losses do not tell of them."""
        states = {name: network.state_dict() for name, network in self.model.networks.items()}
        parts = [(f"weights of {name}", state) for name, state in states.items()]
        parts += [(f"average of {name}", state) for name, state in self.average.items()]
        return [
            name
            for name, state in parts
            if not all(torch.isfinite(value).all() for value in state.values())
        ]

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Draw with `result()` for a while."""
        if not self.average:
            yield
            return
        own = self.weights()
        self._load_weights(self.average)
        try:
            yield
        finally:
            self._load_weights(own)

    def finished(self) -> Trainable:
        """The model, with the weights of `result()` from here on."""
        self._load_weights(self.average)
        return self.model

    def state_dict(self) -> dict[str, Any]:
        """Everything that the rest of the run depends on; torch's random states aside."""
        networks, optimizers = self.model.networks, self.optimizers
        return {
            "step": self.step,
            "spent_s": self.spent_s,
            "networks": {name: network.state_dict() for name, network in networks.items()},
            "optimizers": {name: each.state_dict() for name, each in optimizers.items()},
            "average": self.average,
            "batches": self.batches.state_dict(),
            "history": self.history.rows,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        for name, network in self.model.networks.items():
            network.load_state_dict(state["networks"][name])
        for name, optimizer in self.optimizers.items():
            optimizer.load_state_dict(state["optimizers"][name])
            if self._recorder:
                make_recordable(optimizer)
        self.average = {
            name: {key: value.to(self.device) for key, value in part.items()}
            for name, part in state["average"].items()
        }
        self.batches.load_state_dict(state["batches"])
        self.history.rows = state["history"]
        self.step, self.spent_s = state["step"], state["spent_s"]

    def _make_recorder(self) -> Recorder | None:
        is_one_gpu = self.device.type == "cuda" and self.workers.count == 1
        if not is_one_gpu or not self.config.cuda_graphs:
            return None
        for optimizer in self.optimizers.values():
            make_recordable(optimizer)
        return Recorder(self._learn, self.device)

    def _learn(self, batch: Batch) -> dict[str, Tensor]:
        losses = [self.model.step(part) for part in batch.parts(self.config.accumulate)]
        while not (metrics := self._phase(losses)):
            pass
        if self.config.ema:
            self._move_average()
        return metrics

    def _phase(self, losses: list[Losses]) -> dict[str, Tensor]:
        """Change one optimiser's weights by its losses of all parts of the batch.

        Returns: the metrics, each the mean over the parts, once the model has no more losses.
        """
        name, metrics = "", []
        for part in losses:
            try:
                with self.precision():
                    name, loss = next(part)
                (loss / len(losses)).backward()
            except StopIteration as end:
                metrics.append(end.value)
        if metrics:
            return {key: torch.stack([each[key] for each in metrics]).mean(0) for key in metrics[0]}
        self.workers.average_gradients(self.optimizers[name])
        self.optimizers[name].step()
        for optimizer in self.optimizers.values():
            optimizer.zero_grad(set_to_none=True)
        return {}

    def _move_average(self) -> None:
        for name, part in self.average.items():
            for key, now in self.model.networks[name].state_dict().items():
                # Spectral norm's vectors have length 1, which a mean of several has not;
                # BatchNorm's statistics are means themselves.
                is_vector = key.endswith(("._u", "._v"))
                if now.is_floating_point() and not is_vector:
                    part[key].lerp_(now, self._share.to(now.dtype))
                else:
                    part[key].copy_(now)

    def _load_weights(self, weights: dict[str, dict[str, Tensor]]) -> None:
        for name, part in weights.items():
            self.model.networks[name].load_state_dict(part)


def _check_data(model: Trainable, section: TrainedSection, packed: Packed) -> None:
    if model.rate_hz not in (None, packed.sample_rate_hz):
        raise VoicefaceError(
            f"the data is at {packed.sample_rate_hz} Hz, but the model takes "
            f"{model.rate_hz}; set speech.sample_rate_hz"
        )
    # To learn from, segments are joined; to draw from, there is one.
    if packed.audio.shape[1] < model.input_samples and not repeats(model):
        lower = ", or lower the model's input_samples" if hasattr(section, "input_samples") else ""
        raise VoicefaceError(
            f"{packed.split} split: segments of {packed.audio.shape[1]} samples are shorter than "
            f"the {model.input_samples} that the model hears at least; raise speech.segment_s"
            + lower
        )
    if isinstance(model, Mapper) and np.isnan(packed.descriptors).any():
        raise VoicefaceError(
            "the model learns from face descriptors, and not all faces have one; set"
            " faces.descriptor to true"
        )


def _check_compiler(device: torch.device) -> None:
    compiler = os.environ.get("CXX", "g++")
    if device.type == "cpu" and shutil.which(compiler) is None:
        raise VoicefaceError(
            f"train.compile: on a CPU it takes a C++ compiler, and there is no {compiler}; install "
            "it, or set train.compile to false"
        )
