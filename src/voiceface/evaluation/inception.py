"""Inception's features and classes of drawn and real faces, with its weights as TorchScript.

The widely used `inception-2015-12-05.pt` is what is meant: it takes pictures (n, 3, h, w) from 0 to
255 at any size; with `return_features=True` it gives (n, 2048), with `no_output_bias=True` the
probabilities of its classes (n, 1008).
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from voiceface.errors import VoicefaceError
from voiceface.evaluation.metric import Faces, Material, Need, told


def features(faces: Faces, material: Material) -> tuple[np.ndarray, np.ndarray]:
    """Features of the drawn and of the real faces, computed once: float32 (n, 2048) each.

    Raises:
        VoicefaceError: the weights cannot be read, or are of another network.
    """
    return faces.once("inception features", lambda: _both(faces, material, "return_features"))


def probabilities(faces: Faces, material: Material) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of the classes of the drawn and of the real faces: float32 (n, 1008) each.

    Raises:
        VoicefaceError: the weights cannot be read, or are of another network.
    """
    return _both(faces, material, "no_output_bias")


def _both(faces: Faces, material: Material, option: str) -> tuple[np.ndarray, np.ndarray]:
    network = _network(material)
    where = f"evaluate.inception_weights: {material.config.inception_weights}"

    def run(pictures: np.ndarray, what: str) -> np.ndarray:
        parts = []
        for start in told(range(0, len(pictures), 32), f"Inception, {faces.name} {what}"):
            batch = torch.from_numpy(pictures[start : start + 32]).to(material.device)
            with torch.no_grad():
                given = network(batch.permute(0, 3, 1, 2), **{option: True})
            parts.append(given.flatten(1).cpu().numpy())
        return np.concatenate(parts)

    try:
        return run(faces.generated, "generated"), run(faces.real, "real")
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[0]
        raise VoicefaceError(f"{where}: not inception-2015-12-05.pt ({reason})") from None


def _network(material: Material) -> Any:
    path = str(material.config.inception_weights)

    def load() -> Any:
        try:
            return torch.jit.load(Path(path), map_location=material.device).eval()
        except (RuntimeError, ValueError, OSError) as error:
            reason = str(error).strip().splitlines()[0]
            raise VoicefaceError(
                f"evaluate.inception_weights: {path}: no TorchScript ({reason})"
            ) from None

    return material.once(f"inception {path}", load)


def _missing(material: Material) -> str | None:
    unset = material.config.inception_weights is None
    return "evaluate.inception_weights is not set" if unset else None


NEED = Need("Inception's weights", _missing)
