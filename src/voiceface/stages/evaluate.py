"""A trained model → every metric, and a picture of what it draws."""

import sys
from pathlib import Path
from typing import Any

import numpy as np

from voiceface import files
from voiceface.config import Evaluate
from voiceface.data.packed import Packed, read_splits
from voiceface.data.sheets import Row, sheet, write_png
from voiceface.errors import VoicefaceError
from voiceface.evaluation.drawing import Drawer, training_faces
from voiceface.evaluation.metric import Faces, Material, Value
from voiceface.evaluation.registry import BY_INPUT, GROUPS, METRICS, PAPERS, measure
from voiceface.models import saved
from voiceface.models.drawing import spread
from voiceface.models.saved import Trained
from voiceface.stages.shim import stage_main
from voiceface.training.device import pick_device

SHOWN_VOICES = 12
"""Voices of each split in the picture."""


def run(config: Evaluate, model: str, packed: Path, models: Path, output: Path) -> None:
    """Evaluate `models`/`model` on the packed splits; writes to `output`:

    - generated.png: some voices' true faces and the faces drawn from them, by split;
    - metrics.json: {"model", "steps", "classifier", "metrics": {name: {"group", "title", "unit",
      "higher_is_better", "needs", "values": {split: value}}}, "noise": {split: {name: value}},
      "seconds": {split: {seconds: {name: value}}}, "input_s", "paper": {"source", "note",
      "values": {name: {split or "all": number}}} or null, "inputs": digests}. A value is an
      `evaluation.metric.Value`: where there is none it is null, and its note says why.

    Raises:
        VoicefaceError: the model is not trained, or was made for another kind of data.
    """
    device = pick_device(config.device)
    trained = saved.load(models / model, device)
    splits = read_splits(packed)
    _check(models / model, trained, splits["train"])
    material = Material(training_faces(splits["train"], trained.model.px), config, device)
    drawers = [Drawer(split, trained.model, config, device) for split in splits.values()]
    faces, noise = [one.speech() for one in drawers], [one.noise() for one in drawers]
    write_png(output / "generated.png", _picture(faces, noise))
    result = {
        "model": model,
        "steps": trained.card["steps"],
        "input_s": trained.card["input_samples"] / trained.card["sample_rate_hz"],
        "classifier": "VGG-Face" if config.vgg_face_weights else "built-in",
        "metrics": _metrics(faces, material),
        "noise": {
            one.split.split: _by_input(drawn, material)
            for one, drawn in zip(drawers, noise, strict=True)
        },
        "seconds": {one.split.split: _by_seconds(one, material) for one in drawers},
        "paper": PAPERS.get(trained.card["name"]),
        "inputs": _inputs(trained, splits, config),
    }
    files.write_json(output / "metrics.json", result)


def _check(folder: Path, trained: Trained, train: Packed) -> None:
    rate = trained.card["sample_rate_hz"]
    if rate != train.sample_rate_hz:
        raise VoicefaceError(
            f"{folder}: was trained at {rate} Hz, but the data is at {train.sample_rate_hz} Hz; "
            "train it again"
        )
    if trained.card["speakers"] != train.speakers:
        raise VoicefaceError(f"{folder}: was trained on other speakers; train it again")


def _metrics(splits: list[Faces], material: Material) -> dict[str, Any]:
    groups = {name: group for group, members in GROUPS.items() for name in members}
    metrics = {}
    for name, metric in METRICS.items():
        print(f"evaluate: {metric.title}", file=sys.stderr, flush=True)
        metrics[name] = {
            "group": groups[name],
            "title": metric.title,
            "unit": metric.unit,
            "higher_is_better": metric.higher_is_better,
            "needs": [need.title for need in metric.needs],
            "values": {faces.name: measure(name, faces, material) for faces in splits},
        }
    return metrics


def _by_input(faces: Faces, material: Material) -> dict[str, Value]:
    """The metrics that are told of other input than the packed voices."""
    print(f"evaluate: {faces.name}", file=sys.stderr, flush=True)
    return {name: measure(name, faces, material) for name in BY_INPUT}


def _by_seconds(drawer: Drawer, material: Material) -> dict[str, dict[str, Value]]:
    return {
        f"{seconds:g}": _by_input(faces, material) for seconds, faces in drawer.lengths().items()
    }


def _inputs(trained: Trained, splits: dict[str, Packed], config: Evaluate) -> dict[str, Any]:
    """Digests of what was evaluated, and of what it was evaluated with."""
    weights = {
        name: files.sha256_file(Path(path))
        for name in ("vgg_face_weights", "inception_weights")
        if (path := getattr(config, name))
    }
    packed = {name: split.digest for name, split in splits.items()}
    return {"model": trained.card["sha256"], "packed": packed, **weights}


def _picture(splits: list[Faces], noise: list[Faces]) -> np.ndarray:
    rows: list[Row] = []
    for faces in splits:
        index = spread(len(faces.labels), SHOWN_VOICES)
        if len(index):
            rows.append((f"{faces.name}: true", faces.real[index]))
            rows.append((f"{faces.name}: drawn", faces.generated[index]))
    drawn = np.concatenate([faces.generated for faces in noise])
    rows.append(("noise: drawn", drawn[spread(len(drawn), SHOWN_VOICES)]))
    return sheet(rows)


if __name__ == "__main__":
    sys.exit(stage_main(run, trains=True))
