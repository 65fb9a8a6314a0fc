"""FID (Heusel et al. 2017), with Inception's weights given as TorchScript.

The widely used `inception-2015-12-05.pt` is what is meant: it takes pictures (n, 3, h, w) from 0 to
255 at any size and, with `return_features=True`, gives (n, 2048).
"""

from pathlib import Path

import numpy as np
import torch

from voiceface.errors import VoicefaceError
from voiceface.evaluation.frechet import frechet_values
from voiceface.evaluation.metric import Material, Metric, Value, told, value


def measure(material: Material) -> dict[str, Value]:
    """FID, by split; null without weights.

    Raises:
        VoicefaceError: the weights cannot be read, or are of another network.
    """
    path = material.config.inception_weights
    if path is None:
        note = "evaluate.inception_weights is not set"
        return {
            name: value(None, None, len(faces.labels), note)
            for name, faces in material.splits.items()
        }
    try:
        network = torch.jit.load(Path(path), map_location=material.device).eval()
    except (RuntimeError, ValueError, OSError) as error:
        reason = str(error).strip().splitlines()[0]
        raise VoicefaceError(
            f"evaluate.inception_weights: {path}: no TorchScript ({reason})"
        ) from None

    def embed(faces: np.ndarray, what: str) -> np.ndarray:
        parts = []
        for start in told(range(0, len(faces), 32), f"Inception features, {what}"):
            batch = torch.from_numpy(faces[start : start + 32]).to(material.device)
            with torch.no_grad():
                features = network(batch.permute(0, 3, 1, 2), return_features=True)
            parts.append(features.flatten(1).cpu().numpy())
        return np.concatenate(parts)

    try:
        return frechet_values(material, embed)
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[0]
        raise VoicefaceError(
            f"evaluate.inception_weights: {path}: not inception-2015-12-05.pt ({reason})"
        ) from None


METRIC = Metric("FID", "", False, measure)
