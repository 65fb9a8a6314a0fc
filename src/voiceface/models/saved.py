"""A trained model's files: its weights and its card."""

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
from voiceface.models.registry import Model


@dataclass(frozen=True)
class Trained:
    """A model that can draw."""

    model: Model
    card: dict[str, Any]
    """`model.json`: name, config, px, sample_rate_hz, input_samples, speakers, data, steps, …"""


def save(folder: Path, weights: dict[str, dict[str, Tensor]], card: dict[str, Any]) -> None:
    """Write the networks' states, by network, and the card that tells what they are."""
    flat = {
        f"{network}.{key}": tensor.detach().cpu().contiguous()
        for network, state in weights.items()
        for key, tensor in state.items()
    }
    path = folder / "generator.safetensors"
    files.write_bytes(path, safetensors.torch.save(flat))
    files.write_sealed(folder / "model.json", card | {"sha256": files.sha256_file(path)})


def load(folder: Path, device: torch.device) -> Trained:
    """Load a trained model.

    Raises:
        VoicefaceError: it is missing, is not trained yet, or its files are damaged.
    """
    path = folder / "generator.safetensors"
    if not folder.is_dir() or not path.is_file() or not (folder / "model.json").is_file():
        raise VoicefaceError(f"{folder}: holds no trained model; train one with `voiceface build`")
    card = files.read_json(folder / "model.json")
    try:
        config = registry.entry(card["name"]).section.model_validate(card["config"], strict=False)
        model = registry.build(card["name"], config, len(card["speakers"]))
        flat = safetensors.torch.load_file(path)
        for name in (*model.drawing, *judge_names(model)):
            state = {
                key.removeprefix(f"{name}."): tensor
                for key, tensor in flat.items()
                if key.startswith(f"{name}.")
            }
            model.networks[name].load_state_dict(state)
            model.networks[name].to(device)
        if not card["sample_rate_hz"] > 0 or not card["input_samples"] > 0:
            raise ValueError("it draws from no sound")
    except (LookupError, TypeError, ValueError, RuntimeError, SafetensorError) as error:
        if hardship(error):
            raise
        reason = (str(error) or repr(error)).splitlines()[0]
        raise VoicefaceError(
            f"{folder}: not a model of this version ({reason}); train it again"
        ) from None
    return Trained(model, card)
