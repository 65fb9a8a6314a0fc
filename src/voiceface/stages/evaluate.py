"""A trained model → every metric, and a picture of what it draws."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

from voiceface import files
from voiceface.config import Evaluate
from voiceface.data.batches import shrunk
from voiceface.data.packed import Packed, read_splits
from voiceface.data.sheets import Row, sheet, write_png
from voiceface.errors import VoicefaceError
from voiceface.evaluation.metric import Faces, Material, Training
from voiceface.evaluation.registry import GROUPS, METRICS, PAPERS, measure
from voiceface.models import saved
from voiceface.models.drawing import draw_faces, spread
from voiceface.models.registry import Model
from voiceface.models.saved import Trained
from voiceface.stages.shim import stage_main
from voiceface.training.device import pick_device

SHOWN_VOICES = 12
"""Voices of each split in the picture."""
VOICES_AGAIN, TIMES_AGAIN = 24, 4
"""Voices of each split that are drawn with several seeds, and with how many."""


def run(config: Evaluate, model: str, packed: Path, models: Path, output: Path) -> None:
    """Evaluate `models`/`model` on the packed splits; writes to `output`:

    - generated.png: some voices' true faces and the faces drawn from them, by split;
    - metrics.json: {"model", "steps", "classifier", "metrics": {name: {"group", "title", "unit",
      "higher_is_better", "needs", "values": {split: `evaluation.metric.Value`}}}, "paper":
      {"source", "note", "values": {name: {split or "all": value}}} or null, "inputs": digests}.
      A value that there is none of is null, and its note says why.

    Raises:
        VoicefaceError: the model is not trained, or was made for another kind of data.
    """
    device = pick_device(config.device)
    trained = saved.load(models / model, device)
    splits = read_splits(packed)
    _check(models / model, trained, splits["train"])
    material = Material(_training(splits["train"], trained.model.px), config, device)
    faces = [_draw(split, trained.model, config, device) for split in splits.values()]
    write_png(output / "generated.png", _picture(faces))
    result = {"model": model, "steps": trained.card["steps"], **_metrics(faces, material)}
    result["paper"] = PAPERS.get(trained.card["name"])
    files.write_json(output / "metrics.json", result | _inputs(trained, splits, config))


def _check(folder: Path, trained: Trained, train: Packed) -> None:
    rate = trained.card["sample_rate_hz"]
    if rate != train.sample_rate_hz:
        raise VoicefaceError(
            f"{folder}: was trained at {rate} Hz, but the data is at {train.sample_rate_hz} Hz; "
            "train it again"
        )
    if trained.card["speakers"] != train.speakers:
        raise VoicefaceError(f"{folder}: was trained on other speakers; train it again")


def _training(train: Packed, px: int) -> Training:
    genders, classes = np.array(train.genders, str), len(train.speakers)
    return Training(_shrunk(train.faces, px), train.labels, genders, classes)


def _draw(split: Packed, model: Model, config: Evaluate, device: torch.device) -> Faces:
    """Faces for the split's voices, or for as many of them as are asked for."""
    index = spread(len(split.faces), config.voices_per_split)
    generated = draw_faces(model, split.audio[index], device, config.seed)
    print(
        f"evaluate: {len(index)} faces drawn from {split.split} voices", file=sys.stderr, flush=True
    )
    people = np.array([split.people[row] for row in index], str)
    again_of = spread(len(index), VOICES_AGAIN)
    again = [
        draw_faces(model, split.audio[index[again_of]], device, config.seed + time)
        for time in range(TIMES_AGAIN)
    ]
    return Faces(
        split.split,
        generated,
        _shrunk(split.faces[index], model.px),
        split.labels[index],
        np.unique(people, return_inverse=True)[1],
        np.array([split.genders[row] for row in index], str),
        np.stack(again, axis=1),
        again_of,
    )


def _shrunk(faces: np.ndarray, px: int) -> np.ndarray:
    return shrunk(faces, px, torch.device("cpu")).permute(0, 2, 3, 1).numpy()


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
    classifier = "VGG-Face" if material.config.vgg_face_weights else "built-in"
    return {"classifier": classifier, "metrics": metrics}


def _inputs(trained: Trained, splits: dict[str, Packed], config: Evaluate) -> dict[str, Any]:
    """Digests of what was evaluated, and of what it was evaluated with."""
    weights = {
        name: files.sha256_file(Path(path))
        for name in ("vgg_face_weights", "inception_weights")
        if (path := getattr(config, name))
    }
    packed = {name: split.digest for name, split in splits.items()}
    return {"inputs": {"model": trained.card["sha256"], "packed": packed, **weights}}


def _picture(splits: list[Faces]) -> np.ndarray:
    rows: list[Row] = []
    for faces in splits:
        index = spread(len(faces.labels), SHOWN_VOICES)
        if len(index):
            rows.append((f"{faces.name}: true", faces.real[index]))
            rows.append((f"{faces.name}: drawn", faces.generated[index]))
    return sheet(rows)


if __name__ == "__main__":
    sys.exit(stage_main(run, trains=True))
