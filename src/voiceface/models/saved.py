"""A trained model's files: its weights and its card."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from voiceface import files
from voiceface.errors import VoicefaceError, hardship
from voiceface.models import registry
from voiceface.models.judging import judge_names
from voiceface.models.registry import Model, SpeakerModel, Trainable


@dataclass(frozen=True)
class Trained:
    """A model that can draw."""

    model: Model
    card: dict[str, Any]
    """`model.json`: name, config, px, sample_rate_hz, input_samples, speakers, data, steps, …"""


@dataclass(frozen=True)
class TrainedRecogniser:
    """What can tell speakers apart."""

    model: SpeakerModel
    card: dict[str, Any]
    """`model.json`, as above; its speakers are in the order of the model's guesses."""


def save(
    folder: Path, weights: dict[str, dict[str, Tensor]], card: dict[str, Any], name: str
) -> None:
    """Write networks' states, by network, and the card that tells what they are, also in words.

    Args:
        name: the file of the states, without its ending.
    """
    flat = {
        f"{network}.{key}": tensor.detach().cpu().contiguous()
        for network, state in weights.items()
        for key, tensor in state.items()
    }
    path = folder / f"{name}.safetensors"
    files.write_bytes(path, safetensors.torch.save(flat))
    card = card | {"sha256": files.sha256_file(path)}
    page = folder / "README.md"
    files.write_text(page, _words(card, path.name))
    files.write_sealed(folder / "model.json", card | {"page_sha256": files.sha256_file(page)})


def load(folder: Path, device: torch.device) -> Trained:
    """Load a trained model.

    Raises:
        VoicefaceError: it is missing, is not trained yet, or its files are damaged.
    """
    card = _card(folder, "generator")
    with _of_this_version(folder):
        config = registry.entry(card["name"]).section.model_validate(card["config"], strict=False)
        known = registry.Known(card["sample_rate_hz"], len(card["emotions"]))
        model = registry.build(card["name"], config, len(card["speakers"]), known)
        names = (*model.drawing, *judge_names(model))
        _take(model, names, folder / "generator.safetensors", device)
        if not card["sample_rate_hz"] > 0 or not card["input_samples"] > 0:
            raise ValueError("it draws from no sound")
    return Trained(model, card)


def load_recogniser(folder: Path, device: torch.device) -> TrainedRecogniser:
    """Load a trained recogniser of speakers.

    Raises:
        VoicefaceError: it is missing, is not trained yet, or its files are damaged.
    """
    card = _card(folder, "encoder")
    with _of_this_version(folder):
        entry = registry.recogniser(card["name"])
        config = entry.section.model_validate(card["config"], strict=False)
        known = registry.Known(card["sample_rate_hz"], len(card["emotions"]))
        model = entry.fresh(config, len(card["speakers"]), known)
        _take(model, model.drawing, folder / "encoder.safetensors", device)
        if not card["sample_rate_hz"] > 0:
            raise ValueError("it hears no sound")
        for network in model.networks.values():
            network.eval()
    return TrainedRecogniser(model, card)


def begin_with(model: Trainable, path: Path | None) -> None:
    """Give a fresh model the networks that were trained before it.

    Raises:
        VoicefaceError: it needs some, and the file is not named, missing, or of other networks.
    """
    if not model.pretrained:
        return
    if path is None or not path.is_file():
        raise VoicefaceError(
            f"{path or 'no file'}: takes a trained {' and '.join(model.pretrained)}; train the "
            "voice embedding with `voiceface build`"
        )
    try:
        _fill(model, model.pretrained, path)
    except (RuntimeError, SafetensorError) as error:
        raise VoicefaceError(
            f"{path}: not of this model's layers ({_reason(error)}); train the voice embedding "
            "again, with the same `variant`"
        ) from None


def _words(card: dict[str, Any], weights: str) -> str:
    """The card as a page for whoever finds the model."""
    settings = "".join(f"- {key}: {json.dumps(value)}\n" for key, value in card["config"].items())
    return f"""# {card["name"]}

Trained by voiceface for {card["steps"]} steps, on the voices and faces of {len(card["speakers"])} \
speakers in {len(card["videos"])} videos (dataset {card["data"][:12]}), at \
{card["sample_rate_hz"]} Hz. `{weights}` has the weights (SHA-256 {card["sha256"]}), \
`model.json` all that they depend on, and marks of the videos, by which a takedown finds the model.

For research on what a voice tells of a face. What it draws goes with a voice; it is not the
speaker's face, and says nothing about who somebody is. It knows what its speakers have in common,
and no more.

## Settings

{settings}"""


def _card(folder: Path, weights: str) -> dict[str, Any]:
    files_of = (f"{weights}.safetensors", "model.json")
    if not all((folder / name).is_file() for name in files_of):
        raise VoicefaceError(f"{folder}: holds no trained model; train one with `voiceface build`")
    card: dict[str, Any] = files.read_json(folder / "model.json")
    return card


@contextmanager
def _of_this_version(folder: Path) -> Iterator[None]:
    try:
        yield
    except (LookupError, TypeError, ValueError, RuntimeError, SafetensorError) as error:
        if hardship(error):
            raise
        raise VoicefaceError(
            f"{folder}: not a model of this version ({_reason(error)}); train it again"
        ) from None


def _take(model: Trainable, names: tuple[str, ...], path: Path, device: torch.device) -> None:
    _fill(model, names, path)
    for name in names:
        model.networks[name].to(device)


def _fill(model: Trainable, names: tuple[str, ...], path: Path) -> None:
    flat = safetensors.torch.load_file(path)
    for name in names:
        state = {
            key.removeprefix(f"{name}."): tensor
            for key, tensor in flat.items()
            if key.startswith(f"{name}.")
        }
        model.networks[name].load_state_dict(state)


def _reason(error: Exception) -> str:
    return (str(error) or repr(error)).splitlines()[0]
