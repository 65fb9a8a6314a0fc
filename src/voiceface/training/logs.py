"""What a run tells while it goes on: progress lines, the curves, and TensorBoard."""

import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter

from voiceface import files
from voiceface.errors import VoicefaceError
from voiceface.model_config import TrainedSection
from voiceface.tables import HISTORY

if TYPE_CHECKING:
    from rich import progress

PROGRESS_EVERY_S = 4.0
REDRAW_EVERY_S = 0.25


class History:
    """The training curves: means of the metrics over each stretch of steps."""

    def __init__(self, across: Callable[[Tensor], Tensor]) -> None:
        """Start empty.

        Args:
            across: the mean of a tensor over the processes that train together.
        """
        self._across = across
        self.rows: dict[str, list[int] | list[str] | list[float]] = {
            name: [] for name in HISTORY.names
        }
        self._names: list[str] = []
        self._sums = torch.zeros(0)
        self._count = 0

    def add(self, metrics: Mapping[str, Tensor]) -> None:
        """Take in one step's metrics; they stay on the device until they are asked for."""
        values = torch.stack([value.detach().float() for value in metrics.values()]).double()
        self._sums = self._sums + values if self._count else values
        self._names = list(metrics)
        self._count += 1

    def close(self, step: int) -> dict[str, float]:
        """End a stretch at `step`: its means, which join the curves."""
        totals = self._across(self._sums)
        means = dict(zip(self._names, (totals / self._count).tolist(), strict=True))
        for name, mean in means.items():
            for column, value in zip(HISTORY.names, (step, name, mean), strict=True):
                self.rows[column].append(value)
        self._count = 0
        return means

    def since_best(self, metric: str) -> int:
        """Stretches since a metric was at its best: the highest accuracy, the least of all else.

        Raises:
            VoicefaceError: there is no such metric.
        """
        rows = zip(self.rows["metric"], self.rows["value"], strict=True)
        values = np.array([value for name, value in rows if name == metric], np.float64)
        if not len(values):
            known = ", ".join(sorted({str(name) for name in self.rows["metric"]}))
            raise VoicefaceError(f"train.stop_metric: no metric {metric}; there are: {known}")
        best = values.argmax() if metric.startswith("accuracy/") else values.argmin()
        return len(values) - 1 - int(best)

    def write(self, path: Path) -> None:
        """Write the curves as a table."""
        files.write_table(path, pa.table(self.rows, schema=HISTORY))


class Progress:
    """How far a run is: a bar with all losses on a terminal, else a line on stderr now and then."""

    def __init__(self, name: str, start: int, section: TrainedSection, *, tells: bool) -> None:
        """Begin at step `start`.

        Args:
            tells: whether this process is the one that does.
        """
        self.name, self.start, self.steps, self.batch = name, start, section.steps, section.batch
        self.began = self.told = time.monotonic()
        self.tells = tells
        self._bar = _bar(name, start, section.steps) if tells and sys.stderr.isatty() else None

    def __enter__(self) -> Self:
        """Take the terminal, if there is one."""
        if self._bar:
            self._bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        """Leave the last state on it."""
        if self._bar:
            self._bar.stop()

    def tell(self, step: int, metrics: Mapping[str, Tensor]) -> None:
        """Say where the run is, unless that was said a moment ago."""
        now = time.monotonic()
        every_s = REDRAW_EVERY_S if self._bar else PROGRESS_EVERY_S
        if not self.tells or (now - self.told < every_s and step < self.steps):
            return
        self.told = now
        pace = (step - self.start) / max(now - self.began, 1e-9)
        losses = [(name, loss) for name, loss in metrics.items() if name.startswith("loss/")]
        if self._bar:
            told = "  ".join(f"{name[5:]} {loss.item():.3f}" for name, loss in losses)
            speed = f"{pace:.1f} steps/s, {pace * self.batch:.0f} samples/s"
            self._bar.update(self._bar.task_ids[0], completed=step, losses=told, speed=speed)
            return
        left = round((self.steps - step) / pace)
        print(
            f"{self.name}: step {step}/{self.steps}, {pace * self.batch:.1f} samples/s, "
            f"loss {losses[0][1].item():.3f}, {left // 60}:{left % 60:02d} to go",
            file=sys.stderr,
            flush=True,
        )


def _bar(name: str, start: int, steps: int) -> "progress.Progress":
    from rich import progress
    from rich.console import Console

    bar = progress.Progress(
        progress.TextColumn("{task.description}"),
        progress.BarColumn(bar_width=20),
        progress.MofNCompleteColumn(),
        progress.TextColumn("{task.fields[speed]}"),
        progress.TextColumn("{task.fields[losses]}", style="dim"),
        progress.TimeRemainingColumn(),
        console=Console(stderr=True),
    )
    bar.add_task(name, total=steps, completed=start, speed="", losses="")
    return bar


class Board:
    """TensorBoard's log of one run."""

    def __init__(self, folder: Path, start: int) -> None:
        # What a killed run wrote after its last checkpoint is taken back.
        self._writer = SummaryWriter(str(folder), purge_step=start + 1 if start else None)

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Log metrics."""
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)

    def picture(self, step: int, picture: np.ndarray) -> None:
        """Log a sample grid (uint8, h × w × 3)."""
        self._writer.add_image("voices", picture, step, dataformats="HWC")

    def close(self) -> None:
        """Write out what is left."""
        self._writer.close()
