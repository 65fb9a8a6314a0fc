"""Fréchet distance in the space of dlib's 128-d face descriptor. It is no FID.

Whole crops are described, not detected faces, so that a picture without a face counts as well.
"""

import numpy as np

from voiceface import dlib_models
from voiceface.evaluation.frechet import frechet_values
from voiceface.evaluation.metric import Material, Metric, Value, resized, told


def measure(material: Material) -> dict[str, Value]:
    """The distance, by split."""
    network = dlib_models.load(
        "face_recognition_model_v1", "dlib_face_recognition_resnet_model_v1.dat"
    )

    def embed(faces: np.ndarray, what: str) -> np.ndarray:
        chips = told([resized(face, 150) for face in faces], f"descriptors, {what}")
        return np.array([network.compute_face_descriptor(chip) for chip in chips])

    return frechet_values(material, embed)


METRIC = Metric("Fréchet distance of dlib's face descriptors", "", False, measure)
