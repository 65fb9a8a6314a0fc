"""Steps recorded as CUDA graphs: a GPU does a small step faster than Python can ask for it."""

from collections.abc import Callable, Hashable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from voiceface.data.batches import Batch

Step = Callable[[Batch], Mapping[str, Tensor]]
"""One step of the run; returns its metrics, still on the device."""


class _Recorded(NamedTuple):
    graph: torch.cuda.CUDAGraph
    batch: Batch
    """Where the graph reads its batch."""
    metrics: Mapping[str, Tensor]
    """Where it leaves these: until the next step."""


class Recorder:
    """Does each kind of step plainly once, then records it, and from then on replays the record.

    A record does again exactly what was done in it, on the memory it was done on. So steps of one
    kind have batches of one shape and the same numbers in all that is no tensor, and the weights,
    the optimisers' states and the random states stay where they are.
    """

    def __init__(self, step: Step, device: torch.device) -> None:
        self._step = step
        self._stream = torch.cuda.Stream(device)
        self._pool = torch.cuda.graph_pool_handle()
        self._records: dict[Hashable, _Recorded | None] = {}

    def __call__(self, kind: Hashable, batch: Batch) -> Mapping[str, Tensor]:
        """Do the step on the batch; the metrics hold until the next one."""
        if kind not in self._records:
            # What libraries plan and optimisers allocate the first time can't be recorded.
            self._records[kind] = None
            return self._plainly(batch)
        recorded = self._records[kind]
        if recorded is None:
            recorded = self._records[kind] = self._record(batch)
        for place, values in zip(recorded.batch, batch, strict=True):
            place.copy_(values)
        recorded.graph.replay()
        return recorded.metrics

    def _plainly(self, batch: Batch) -> Mapping[str, Tensor]:
        current = torch.cuda.current_stream(self._stream.device)
        self._stream.wait_stream(current)
        with torch.cuda.stream(self._stream):
            metrics = self._step(batch)
        current.wait_stream(self._stream)
        return metrics

    def _record(self, batch: Batch) -> _Recorded:
        graph, place = torch.cuda.CUDAGraph(), Batch(*(field.clone() for field in batch))
        # What a thread that reads ahead asks of the GPU meanwhile is no part of the record.
        with torch.cuda.graph(graph, self._pool, self._stream, capture_error_mode="thread_local"):
            metrics = self._step(place)
        return _Recorded(graph, place, metrics)


def make_recordable(optimizer: torch.optim.Optimizer) -> None:
    """Keep on the device what an optimiser counts, where it can be told to."""
    for group in optimizer.param_groups:
        if "capturable" in group:
            group["capturable"] = True
