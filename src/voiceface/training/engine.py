"""The trainer of every model: device, precision, data, logs, checkpoints, averages."""

import math
import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from voiceface.codehash import code_digest
from voiceface.config import ModelSection, Train
from voiceface.data.batches import Batches, shrunk
from voiceface.data.packed import Packed, read_splits
from voiceface.data.sheets import Row, sheet, write_png
from voiceface.errors import VoicefaceError
from voiceface.ids import video_mark
from voiceface.models import registry, saved
from voiceface.models.drawing import draw_faces, spread
from voiceface.models.judging import judge_weights
from voiceface.training import checkpoint
from voiceface.training.device import pick_device
from voiceface.training.logs import Board, History, Progress

GRID_VOICES = 8
"""Fixed voices of each split in the sample grid."""

# Settings that change when something is written or how far a run goes, not what it computes: a run
# may go on from a checkpoint of other values.
_FREE = {"checkpoint_every_s", "grid_every", "steps"}


class Run:
    """All state of a training run."""

    def __init__(self, config: Train, name: str, section: ModelSection, packed: Packed) -> None:
        self.config, self.section = config, section
        self.device = pick_device(config.device)
        if config.compile:
            _check_compiler(self.device)
        torch.manual_seed(config.seed)
        self.model = registry.build(name, section, len(packed.speakers))
        for network in self.model.networks.values():
            network.to(self.device).train()
            if config.compile:
                network.compile()
        self.optimizers = self.model.optimizers()
        self.batches = Batches(
            packed,
            px=section.px,
            samples=self.model.input_samples,
            batch=section.batch,
            flip=section.flip,
            seed=config.seed,
            device=self.device,
        )
        self.history = History()
        self.average = self.weights() if config.ema else {}
        self.step = 0

    def advance(self) -> dict[str, Tensor]:
        """Do one step; returns its metrics, still on the device."""
        with self.precision():
            metrics = self.model.step(self.batches.next(), self._update)
        self.step += 1
        self.history.add(metrics)
        if self.config.ema:
            self._move_average()
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

    def state_dict(self) -> dict[str, Any]:
        """Everything that the rest of the run depends on; torch's random states aside."""
        networks, optimizers = self.model.networks, self.optimizers
        return {
            "step": self.step,
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
        self.average = {
            name: {key: value.to(self.device) for key, value in part.items()}
            for name, part in state["average"].items()
        }
        self.batches.load_state_dict(state["batches"])
        self.history.rows = state["history"]
        self.step = state["step"]

    def _update(self, name: str, loss: Tensor) -> None:
        optimizer = self.optimizers[name]
        with torch.autocast(self.device.type, enabled=False):
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()

    def _move_average(self) -> None:
        for name, part in self.average.items():
            for key, now in self.model.networks[name].state_dict().items():
                if now.is_floating_point():
                    part[key].lerp_(now, 1 - self.config.ema)
                else:
                    part[key].copy_(now)

    def _load_weights(self, weights: dict[str, dict[str, Tensor]]) -> None:
        for name, part in weights.items():
            self.model.networks[name].load_state_dict(part)


def train(config: Train, name: str, section: ModelSection, packed: Path, output: Path) -> None:
    """Train a model on the packed dataset, or go on from where a run was killed.

    Writes generator.safetensors, model.json, history.parquet and grid.png to `output`, and beside
    them checkpoint/ and tensorboard/. With the same settings, data and machine they are the same.

    Raises:
        VoicefaceError: there is too little data, no such device, or the losses are not finite.
    """
    torch.backends.cudnn.deterministic = True
    splits = read_splits(packed)
    run = Run(config, name, section, splits["train"])
    digest = checkpoint.digest_of(
        config.model_dump(mode="json", exclude=_FREE),
        {name: section.model_dump(mode="json", exclude=_FREE)},
        splits["train"].digest,
        [run.device.type, torch.__version__, code_digest("voiceface.training.engine")],
        registry.code_of(name),
    )
    _resume(run, output, digest)
    board = Board(output / "tensorboard", run.step)
    _loop(run, name, output, digest, splits, board)
    board.close()
    write_png(output / "grid.png", _grid(run, splits))
    run.history.write(output / "history.parquet")
    saved.save(output, run.result() | judge_weights(run.model), _card(run, name, splits["train"]))


def _check_compiler(device: torch.device) -> None:
    compiler = os.environ.get("CXX", "g++")
    if device.type == "cpu" and shutil.which(compiler) is None:
        raise VoicefaceError(
            f"train.compile: on a CPU it takes a C++ compiler, and there is no {compiler}; install "
            "it, or set train.compile to false"
        )


def _resume(run: Run, output: Path, digest: str) -> None:
    state, why_not = checkpoint.load(output, digest, run.section.steps)
    if state:
        run.load_state_dict(state)
        print(f"going on from step {run.step} of {output}", file=sys.stderr)
        return
    if why_not:
        print(f"starting from the beginning: {why_not}", file=sys.stderr)
    shutil.rmtree(output / "tensorboard", ignore_errors=True)


def _loop(
    run: Run, name: str, output: Path, digest: str, splits: dict[str, Packed], board: Board
) -> None:
    config, steps = run.config, run.section.steps
    progress = Progress(name, run.step, steps, run.section.batch)
    written = time.monotonic()
    while run.step < steps:
        metrics = run.advance()
        progress.tell(run.step, metrics["loss/generator"])
        if run.step % config.grid_every == 0:
            board.picture(run.step, _grid(run, splits))
        # Checkpoints come between stretches only: a stretch's sums are not part of the state.
        if run.step % config.log_every == 0 or run.step == steps:
            means = run.history.close(run.step)
            _check_finite(name, run.step, means)
            board.scalars(run.step, means)
            if time.monotonic() - written >= config.checkpoint_every_s or run.step == steps:
                checkpoint.save(output, digest, run.state_dict())
                written = time.monotonic()


def _check_finite(name: str, step: int, means: dict[str, float]) -> None:
    wrong = [metric for metric, value in means.items() if not math.isfinite(value)]
    if wrong:
        raise VoicefaceError(
            f"{name}: {', '.join(wrong)} no longer finite at step {step}; lower the learning rates "
            "or train in fp32"
        )


def _grid(run: Run, splits: dict[str, Packed]) -> np.ndarray:
    """The fixed voices' drawn faces under their true ones."""
    rows: list[Row] = []
    with run.averaged(), run.precision():
        for name, split in splits.items():
            index = spread(len(split.faces), GRID_VOICES)
            if len(index):
                true = shrunk(split.faces[index], run.section.px, run.device)
                rows.append((f"{name}: true", true.permute(0, 2, 3, 1).cpu().numpy()))
                drawn = draw_faces(run.model, split.audio[index], run.device)
                rows.append((f"{name}: drawn", drawn))
    return sheet(rows)


def _card(run: Run, name: str, packed: Packed) -> dict[str, Any]:
    return {
        "name": name,
        "config": run.section.model_dump(mode="json"),
        "train": run.config.model_dump(mode="json"),
        "px": run.section.px,
        "sample_rate_hz": packed.sample_rate_hz,
        "input_samples": run.model.input_samples,
        "speakers": packed.speakers,
        "data": packed.digest,
        "videos": sorted(video_mark(video) for video in packed.videos),
        "steps": run.step,
        "versions": {"torch": str(torch.__version__)},
    }
