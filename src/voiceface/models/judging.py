"""What a model's discriminator says of faces, for the models that keep theirs."""

from typing import Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from voiceface.models.drawing import heard
from voiceface.models.registry import Model


@runtime_checkable
class Judge(Model, Protocol):
    """A model whose discriminator can be asked after the training."""

    @property
    def judging(self) -> tuple[str, ...]:
        """Names of the networks that are needed for it, beside those that draw."""
        ...

    def score_faces(self, faces: Tensor, audio: Tensor) -> Tensor:
        """(B, 3, px, px), -1 to 1, and their voices (B, input_samples) → (B,), high for real.

        A probability where the discriminator was taught one.
        """
        ...


def judge_names(model: object) -> tuple[str, ...]:
    """The networks of a model's discriminator; none when it keeps none."""
    return model.judging if isinstance(model, Judge) else ()


def judge_weights(model: object) -> dict[str, dict[str, Tensor]]:
    """The states of the networks of a model's discriminator, by network."""
    if not isinstance(model, Judge):
        return {}
    return {name: model.networks[name].state_dict() for name in model.judging}


def score_faces(
    model: Judge, faces: np.ndarray, audio: np.ndarray, device: torch.device
) -> np.ndarray:
    """The discriminator's scores of faces, each with what the model draws from of its voice.

    Args:
        faces: uint8 (n, px, px, 3), RGB.
        audio: int16 (n, at least the model's input).

    Returns: float32 (n,).
    """
    scores = [np.empty(0, np.float32)]
    with torch.no_grad():
        for start in range(0, len(faces), 64):
            part = slice(start, start + 64)
            pictures = torch.from_numpy(faces[part]).to(device).permute(0, 3, 1, 2).float()
            sound = heard(model, torch.from_numpy(audio[part]).to(device))
            scores.append(model.score_faces(pictures / 127.5 - 1, sound).float().cpu().numpy())
    return np.concatenate(scores)
