"""Packed dataset → a voice embedding that tells speakers apart, and how well it does."""

import json
import sys
from pathlib import Path

import torch
from torch import Tensor

from voiceface import files
from voiceface.data.batches import unit
from voiceface.data.packed import Packed, read_packed, read_splits
from voiceface.data.recordings import whole_recordings
from voiceface.model_config import Train
from voiceface.models import registry
from voiceface.models.drawing import spread
from voiceface.models.registry import ByWindows, SpeakerModel
from voiceface.section import parse_section
from voiceface.stages.shim import stage_main
from voiceface.training.device import keep_memory
from voiceface.training.engine import train_networks

AT_A_TIME = 16
JUDGED = 500
"""Samples of each split that are judged, at most: SincNet hears one in a second of CPU."""


def run(config: Train, recogniser_config: str, recogniser: str, packed: Path, output: Path) -> None:
    """Train a recogniser, or go on with it where a run was killed. Writes to `output`:

    - encoder.safetensors, model.json, README.md, history.parquet, and beside them checkpoint/ and
      tensorboard/;
    - accuracy.json: {split: {"n", "top1", "top5", "window_top1", "chance"}}, in percent of the `n`
      voices that were judged: whose speaker is the likeliest, or among the five likeliest, and of
      the single windows where it decides by these (then of a segment, otherwise of the whole
      recording from there on); without `unseen`, whom it can't know.

    Args:
        recogniser_config: the recogniser's own section, as JSON.
        recogniser: its name in the registry.

    Raises:
        VoicefaceError: as `training.engine.train`.
    """
    entry = registry.recogniser(recogniser)
    section = parse_section(entry.section, json.loads(recogniser_config), recogniser)

    known = registry.known_of(read_packed(packed / "train"))

    def build(speakers: int) -> SpeakerModel:
        return entry.fresh(section, speakers, known)

    trained = train_networks(config, recogniser, section, packed, output, build, "encoder")
    if isinstance(trained, SpeakerModel):
        splits = read_splits(packed)
        accuracy = {name: _accuracy(trained, splits[name]) for name in ("train", "test")}
        files.write_sealed(output / "accuracy.json", accuracy)


def _accuracy(trained: SpeakerModel, split: Packed) -> dict[str, float | int | None]:
    rows = spread(len(split.labels), JUDGED)
    if not len(rows):
        return {"n": 0, **dict.fromkeys(("top1", "top5", "chance", "window_top1"))}
    device = next(trained.networks["encoder"].parameters()).device
    found, in_windows = [], []
    for at in range(0, len(rows), AT_A_TIME):
        part = rows[at : at + AT_A_TIME]
        labels = torch.from_numpy(split.labels[part]).to(device)[:, None]
        if isinstance(trained, ByWindows):
            likely = trained.posteriors(unit(torch.tensor(split.audio[part], device=device)))
            found.append(trained.decided(likely) == labels)
            in_windows.append((likely.argmax(2) == labels).double().mean(1))
        else:
            sound = torch.tensor(whole_recordings(split, part), device=device)
            found.append(trained.recognise(unit(sound)) == labels)
    right = torch.cat(found)
    return {
        "n": len(rows),
        "top1": _percent(right[:, 0]),
        "top5": _percent(right[:, :5].any(1)),
        "window_top1": _percent(torch.cat(in_windows)) if in_windows else None,
        "chance": 100 / len(split.speakers),
    }


def _percent(right: Tensor) -> float:
    return 100 * right.double().mean().item()


if __name__ == "__main__":
    keep_memory()
    sys.exit(stage_main(run, trains=True))
