"""A trained model → every metric, and a picture of what it draws."""

import sys
from collections.abc import Mapping
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
from voiceface.evaluation.registry import BY_INPUT, GROUPS, HEADLINES, METRICS, PAPERS, measure
from voiceface.models import saved
from voiceface.models.drawing import spread
from voiceface.models.judging import Judge
from voiceface.models.options import gender_of
from voiceface.models.saved import Trained
from voiceface.stages.shim import stage_main
from voiceface.training.device import pick_device

SHOWN_VOICES = 12
"""Voices of each split in the picture."""


def run(config: Evaluate, model: str, packed: Path, models: Path, output: Path) -> None:
    """Evaluate `models`/`model` on the packed splits; writes to `output`:

    - generated.png: some voices' true faces and the faces drawn from them, by split;
    - metrics.json: {"model", "steps", "input_s", "classifier", "groups": [{"title", "metrics":
      names}], "headlines": [[name, split]], "metrics": {name: {"title", "unit",
      "higher_is_better", "needs", "values": {split: value}}}, "noise": {name: {split: value}},
      "seconds": {name: {split: {seconds: value}}}, "babble": {name: {split: {SNR in dB: value}}},
      "paper": {"source", "note", "values": {name: {split or "all": number}}} or null, "inputs":
      digests}. A value is an `evaluation.metric.Value`: where there is none it is null, and its
      note says why.

    Raises:
        VoicefaceError: the model is not trained, or was made for another kind of data.
    """
    device = pick_device(config.device)
    trained = saved.load(models / model, device)
    splits = read_splits(packed)
    _check(models / model, trained, splits["train"])
    known = training_faces(splits["train"], trained.model.px)
    material = Material(known, config, device, isinstance(trained.model, Judge))
    drawers = {name: Drawer(split, trained.model, config, device) for name, split in splits.items()}
    speech = {name: drawer.speech() for name, drawer in drawers.items()}
    noise = {name: drawer.noise() for name, drawer in drawers.items()}
    lengths = {name: drawer.lengths() for name, drawer in drawers.items()}
    babble = {name: drawer.babble() for name, drawer in drawers.items()}
    write_png(output / "generated.png", _picture(speech, noise))
    result = {
        "model": model,
        "steps": trained.card["steps"],
        "input_s": _input_s(trained),
        "classifier": "VGG-Face" if config.vgg_face_weights else "built-in",
        "groups": [{"title": title, "metrics": list(of)} for title, of in GROUPS.items()],
        "headlines": HEADLINES,
        "metrics": {name: _metric(name, speech, material) for name in METRICS},
        "noise": {name: _values(name, noise, material) for name in BY_INPUT},
        "seconds": _by_input(lengths, material),
        "babble": _by_input(babble, material),
        "paper": PAPERS.get(f"{trained.card['name']} {gender_of(trained.model)}".rstrip()),
        "inputs": _inputs(trained, splits, config),
    }
    files.write_sealed(output / "metrics.json", result)


def _input_s(trained: Trained) -> float | None:
    """How many seconds of a voice a face is drawn from; None: from all of it."""
    if trained.model.whole:
        return None
    return float(trained.card["input_samples"] / trained.card["sample_rate_hz"])


def _check(folder: Path, trained: Trained, train: Packed) -> None:
    rate = trained.card["sample_rate_hz"]
    if rate != train.sample_rate_hz:
        raise VoicefaceError(
            f"{folder}: was trained at {rate} Hz, but the data is at {train.sample_rate_hz} Hz; "
            "train it again"
        )
    if trained.card["speakers"] != train.speakers:
        raise VoicefaceError(f"{folder}: was trained on other speakers; train it again")


def _metric(name: str, splits: Mapping[str, Faces], material: Material) -> dict[str, Any]:
    metric = METRICS[name]
    print(f"evaluate: {metric.title}", file=sys.stderr, flush=True)
    return {
        "title": metric.title,
        "unit": metric.unit,
        "higher_is_better": metric.higher_is_better,
        "needs": [need.title for need in metric.needs],
        "values": _values(name, splits, material),
    }


def _values(name: str, inputs: Mapping[str, Faces], material: Material) -> dict[str, Value]:
    return {key: measure(name, faces, material) for key, faces in inputs.items()}


def _by_input(
    splits: Mapping[str, Mapping[str, Faces]], material: Material
) -> dict[str, dict[str, dict[str, Value]]]:
    """By metric and split, the values of each kind of input."""
    return {
        name: {split: _values(name, of, material) for split, of in splits.items()}
        for name in BY_INPUT
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


def _picture(speech: dict[str, Faces], noise: dict[str, Faces]) -> np.ndarray:
    rows: list[Row] = []
    for name, faces in speech.items():
        index = spread(len(faces.labels), SHOWN_VOICES)
        if len(index):
            rows.append((f"{name}: true", faces.real[index]))
            rows.append((f"{name}: drawn", faces.generated[index]))
    drawn = np.concatenate([faces.generated for faces in noise.values()])
    rows.append(("noise: drawn", drawn[spread(len(drawn), SHOWN_VOICES)]))
    return sheet(rows)


if __name__ == "__main__":
    sys.exit(stage_main(run, trains=True))
