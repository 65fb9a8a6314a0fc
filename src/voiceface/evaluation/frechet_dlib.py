"""Fréchet distance in the space of dlib's 128-d face descriptor. It is no FID.

Whole crops are described, not detected faces, so that a picture without a face counts as well.
"""

import numpy as np

from voiceface.evaluation.frechet import frechet_values
from voiceface.evaluation.metric import Material, Metric, Value, resized, told
from voiceface.media.descriptor import describe


def measure(material: Material) -> dict[str, Value]:
    """The distance, by split."""

    def embed(faces: np.ndarray, what: str) -> np.ndarray:
        chips = told([resized(face, 150) for face in faces], f"descriptors, {what}")
        return np.concatenate([describe(chip[None]) for chip in chips])

    return frechet_values(material, embed)


METRIC = Metric("Fréchet distance of dlib's face descriptors", "", False, measure)
