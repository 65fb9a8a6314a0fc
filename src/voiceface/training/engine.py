"""The trainer of every model: runs its steps, tells how they go, keeps and writes the result."""

import hashlib
import math
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from voiceface.codehash import code_digest
from voiceface.data.packed import Packed, read_packed, read_splits
from voiceface.data.sheets import Row, sheet, write_png
from voiceface.data.store import shrunk
from voiceface.errors import VoicefaceError
from voiceface.ids import video_mark
from voiceface.model_config import ModelSection, Train, TrainedSection
from voiceface.models import registry, saved
from voiceface.models.drawing import draw_faces, spread, voices_of
from voiceface.models.judging import judge_weights
from voiceface.models.options import gender_of, notes_of
from voiceface.models.registry import Model, Trainable
from voiceface.training import checkpoint
from voiceface.training.distributed import joined
from voiceface.training.logs import Board, Progress
from voiceface.training.run import Run

GRID_VOICES = 8
"""Fixed voices of each split in the sample grid."""

# Settings that change when something is written or how far a run goes, not what it computes: a run
# may go on from a checkpoint of other values.
_FREE = {
    "checkpoint_every_s", "grid_every", "steps", "budget_s", "stop_metric", "stop_patience",
    "most_data_gib", "cuda_graphs",
}  # fmt: skip


def train(
    config: Train,
    name: str,
    section: ModelSection,
    packed: Path,
    output: Path,
    begin_with: Path | None = None,
) -> None:
    """Train a model on the packed dataset, or go on from where a run was killed.

    Writes generator.safetensors, model.json, README.md, history.parquet and grid.png to `output`,
    and beside them checkpoint/ and tensorboard/. With the same settings, data and machine they are
    the same.
    In each of the processes that torchrun started, it does that process's part.

    Args:
        begin_with: weights of the networks that the model takes as trained before.

    Raises:
        VoicefaceError: there is too little data, no such device, no or other weights to begin with,
            or the losses, the weights or what they draw are not finite.
    """

    known = registry.known_of(read_packed(packed / "train"))

    def build(speakers: int) -> Trainable:
        model = registry.build(name, section, speakers, known)
        saved.begin_with(model, begin_with)
        return model

    train_networks(config, name, section, packed, output, build, "generator")


def train_networks(
    config: Train,
    name: str,
    section: TrainedSection,
    packed: Path,
    output: Path,
    build: Callable[[int], Trainable],
    file: str,
) -> Trainable | None:
    """`train` for whatever networks; without a grid.png where they draw no faces.

    Args:
        build: makes the fresh networks, for so many speakers.
        file: of the weights, without its ending.

    Returns: the trained networks, in the leading process.
    """
    torch.backends.cudnn.deterministic = True
    splits = read_splits(packed)
    with joined(config) as workers:
        run = Run(config, section, splits["train"], workers, build)
        _Session(run, name, splits, output, file).train()
        return run.finished() if workers.leads else None


class _Session:
    """A run with all around it that is read or written. Only the leading process writes."""

    def __init__(
        self, run: Run, name: str, splits: dict[str, Packed], output: Path, file: str
    ) -> None:
        self.run, self.name, self.splits, self.output, self.file = run, name, splits, output, file
        self.leads = run.workers.leads
        self.digest = checkpoint.digest_of(
            run.config.model_dump(mode="json", exclude=_FREE),
            {name: run.section.model_dump(mode="json", exclude=_FREE)},
            [splits["train"].digest, _weights_digest(run.model)],
            [run.device.type, torch.__version__, code_digest("voiceface.training.engine")],
            registry.code_of(self.name),
        )

    def train(self) -> None:
        run, output = self.run, self.output
        self._resume()
        for note in notes_of(run.model) if self.leads else ():
            print(f"{self.name}: {note}", file=sys.stderr)
        self.board = Board(output / "tensorboard", run.step) if self.leads else None
        with Progress(self.name, run.step, run.section, tells=self.leads) as progress:
            self._loop(progress)
        if self.board:
            self.board.close()
            if isinstance(run.model, Model):
                write_png(output / "grid.png", _grid(run, run.model, self.splits))
            run.history.write(output / "history.parquet")
            card = _card(run, self.name, self.splits["train"])
            saved.save(output, run.result() | judge_weights(run.model), card, self.file)

    def _resume(self) -> None:
        run, output = self.run, self.output
        state, why_not = checkpoint.load(output, self.digest, run.section.steps, run.workers)
        if state:
            run.load_state_dict(state)
        if not self.leads:
            return
        if state:
            print(f"going on from step {run.step} of {output}", file=sys.stderr)
            return
        if why_not:
            print(f"starting from the beginning: {why_not}", file=sys.stderr)
        shutil.rmtree(output / "tensorboard", ignore_errors=True)

    def _loop(self, progress: Progress) -> None:
        run, config, steps = self.run, self.run.config, self.run.section.steps
        began, written = time.monotonic() - run.spent_s, time.monotonic()
        ends = run.step > 0 and self._is_over()
        while run.step < steps and not ends:
            metrics = run.advance()
            progress.tell(run.step, metrics)
            if self.board and run.step % config.grid_every == 0 and isinstance(run.model, Model):
                self.board.picture(run.step, _grid(run, run.model, self.splits))
            # Checkpoints come between stretches only: a stretch's sums are not part of the state.
            if run.step % config.log_every == 0 or run.step == steps:
                self._end_stretch()
                run.spent_s = time.monotonic() - began
                ends = self._is_over()
                waited = time.monotonic() - written >= config.checkpoint_every_s
                if run.workers.agree(waited) or run.step == steps or ends:
                    _check_finite(self.name, run.step, run.broken())
                    checkpoint.save(self.output, self.digest, run.state_dict(), run.workers)
                    written = time.monotonic()

    def _end_stretch(self) -> None:
        means = self.run.history.close(self.run.step)
        wrong = [metric for metric, value in means.items() if not math.isfinite(value)]
        _check_finite(self.name, self.run.step, wrong)
        if self.board:
            self.board.scalars(self.run.step, means)

    def _is_over(self) -> bool:
        # By nothing but what a checkpoint keeps: whoever goes on from the last one ends there, too.
        run, config = self.run, self.run.config
        is_late = config.budget_s is not None and run.spent_s >= config.budget_s
        metric, patience = config.stop_metric, config.stop_patience
        is_past = metric is not None and run.history.since_best(metric) >= patience
        return run.workers.agree(is_late or is_past)


def _weights_digest(model: Trainable) -> str:
    """Of the networks that the run began with, and does not change."""
    digest = hashlib.sha256()
    for name in model.pretrained:
        for value in model.networks[name].state_dict().values():
            digest.update(value.cpu().numpy().tobytes())
    return digest.hexdigest()


def _check_finite(name: str, step: int, wrong: list[str]) -> None:
    if wrong:
        raise VoicefaceError(
            f"{name}: {', '.join(wrong)} no longer finite at step {step}; lower the learning rates "
            "or train in fp32"
        )


def _grid(run: Run, model: Model, splits: dict[str, Packed]) -> np.ndarray:
    """The fixed voices' drawn faces under their true ones."""
    rows: list[Row] = []
    with run.averaged():
        for name, split in splits.items():
            some = split.rows_of(gender_of(model))
            index = some[spread(len(some), GRID_VOICES)]
            if len(index):
                true = shrunk(split.faces[index], model.px, run.device)
                rows.append((f"{name}: true", true.permute(0, 2, 3, 1).cpu().numpy()))
                drawn = draw_faces(model, voices_of(model, split, index), run.device)
                rows.append((f"{name}: drawn", drawn))
    return sheet(rows)


def _begins_with(section: TrainedSection) -> str | None:
    return section.begins_with if isinstance(section, ModelSection) else None


def _card(run: Run, name: str, packed: Packed) -> dict[str, Any]:
    return {
        "name": name,
        "config": run.section.model_dump(mode="json"),
        "begins_with": _begins_with(run.section),
        "train": run.config.model_dump(mode="json"),
        "px": run.model.px,
        "sample_rate_hz": packed.sample_rate_hz,
        "input_samples": run.model.input_samples,
        "speakers": packed.speakers,
        "emotions": packed.emotion_classes,
        "data": packed.digest,
        "videos": sorted(video_mark(video) for video in packed.videos),
        "steps": run.step,
        "pretrained": list(run.model.pretrained),
        "notes": list(notes_of(run.model)),
        "versions": {"torch": str(torch.__version__)},
    }
