"""A trained model → every metric, and a picture of what it draws."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

from voiceface import files
from voiceface.config import Evaluate
from voiceface.data.packed import Packed, read_splits
from voiceface.data.sheets import Row, sheet, write_png
from voiceface.data.store import shrunk
from voiceface.errors import VoicefaceError
from voiceface.evaluation.metric import Faces, Material
from voiceface.evaluation.registry import METRICS, PAPERS
from voiceface.models import saved
from voiceface.models.drawing import draw_faces, spread
from voiceface.models.saved import Trained
from voiceface.stages.shim import stage_main
from voiceface.training.device import pick_device

SHOWN_VOICES = 12
"""Voices of each split in the picture."""


def run(config: Evaluate, model: str, packed: Path, models: Path, output: Path) -> None:
    """Evaluate `models`/`model` on the packed splits; writes to `output`:

    - generated.png: some voices' true faces and the faces drawn from them, by split;
    - metrics.json: {"model", "steps", "classifier", "metrics": {name: {"title", "unit",
      "higher_is_better", "values": {split: {"generated", "real", "n"[, "note"]}}}}, "paper":
      {"source", "note", "values": {name: {split or "all": value}}} or null, "inputs": digests}.
      A value that there is none of is null, and its note says why.

    Raises:
        VoicefaceError: the model is not trained, or was made for another kind of data.
    """
    device = pick_device(config.device)
    trained = saved.load(models / model, device)
    splits = read_splits(packed)
    _check(models / model, trained, splits["train"])
    material = _material(config, trained, splits, device)
    write_png(output / "generated.png", _picture(material))
    files.write_json(output / "metrics.json", _metrics(model, trained, splits, material))


def _check(folder: Path, trained: Trained, train: Packed) -> None:
    rate = trained.card["sample_rate_hz"]
    if rate != train.sample_rate_hz:
        raise VoicefaceError(
            f"{folder}: was trained at {rate} Hz, but the data is at {train.sample_rate_hz} Hz; "
            "train it again"
        )
    if trained.card["speakers"] != train.speakers:
        raise VoicefaceError(f"{folder}: was trained on other speakers; train it again")


def _material(
    config: Evaluate, trained: Trained, splits: dict[str, Packed], device: torch.device
) -> Material:
    px = trained.model.px
    chosen = {}
    for name, split in splits.items():
        index = spread(len(split.faces), config.voices_per_split)
        generated = draw_faces(trained.model, split.audio[index], device, config.seed)
        real = _shrunk(split.faces[index], px)
        chosen[name] = Faces(generated, real, split.labels[index])
        print(f"evaluate: {len(index)} faces drawn from {name} voices", file=sys.stderr, flush=True)
    train = splits["train"]
    everything = Faces(np.empty((0, px, px, 3), np.uint8), _shrunk(train.faces, px), train.labels)
    return Material(chosen, everything, len(train.speakers), config, device)


def _shrunk(faces: np.ndarray, px: int) -> np.ndarray:
    return shrunk(faces, px, torch.device("cpu")).permute(0, 2, 3, 1).numpy()


def _metrics(
    model: str, trained: Trained, splits: dict[str, Packed], material: Material
) -> dict[str, Any]:
    metrics = {}
    for name, metric in METRICS.items():
        print(f"evaluate: {metric.title}", file=sys.stderr, flush=True)
        metrics[name] = {
            "title": metric.title,
            "unit": metric.unit,
            "higher_is_better": metric.higher_is_better,
            "values": metric.measure(material),
        }
    return {
        "model": model,
        "steps": trained.card["steps"],
        "classifier": "VGG-Face" if material.config.vgg_face_weights else "built-in",
        "metrics": metrics,
        "paper": PAPERS.get(trained.card["name"]),
        "inputs": {
            "model": trained.card["sha256"],
            "packed": {name: split.digest for name, split in splits.items()},
            **{
                key: files.sha256_file(Path(path))
                for key in ("vgg_face_weights", "inception_weights")
                if (path := getattr(material.config, key))
            },
        },
    }


def _picture(material: Material) -> np.ndarray:
    rows: list[Row] = []
    for name, faces in material.splits.items():
        index = spread(len(faces.labels), SHOWN_VOICES)
        if len(index):
            rows.append((f"{name}: true", faces.real[index]))
            rows.append((f"{name}: drawn", faces.generated[index]))
    return sheet(rows)


if __name__ == "__main__":
    sys.exit(stage_main(run, trains=True))
