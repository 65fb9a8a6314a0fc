"""Landmark detection rate: the share of faces in which all 68 landmarks are found (the paper)."""

from typing import Any

import numpy as np

from voiceface import dlib_models
from voiceface.evaluation.metric import Material, Metric, Value, resized, told, value

WIDTH = 256
"""Faces are looked at in this width, in pixels: HOG sees no face under 80."""


def measure(material: Material) -> dict[str, Value]:
    """Percent of the faces with a HOG detection and 68 landmarks inside the picture."""
    find = dlib_models.detector()
    predict = dlib_models.load("shape_predictor", "shape_predictor_68_face_landmarks.dat")

    def rate(faces: np.ndarray, what: str) -> float | None:
        if not len(faces):
            return None
        found = [
            _has_landmarks(face, find, predict) for face in told(list(faces), f"landmarks, {what}")
        ]
        return 100 * float(np.mean(found))

    return {
        name: value(
            rate(faces.generated, f"{name} generated"),
            rate(faces.real, f"{name} real"),
            len(faces.labels),
            None if len(faces.labels) else "the split has no samples",
        )
        for name, faces in material.splits.items()
    }


def _has_landmarks(face: np.ndarray, find: Any, predict: Any) -> bool:
    picture = resized(face, WIDTH)
    for box in find(picture, 0):
        points = [(point.x, point.y) for point in predict(picture, box).parts()]
        if len(points) == 68 and all(0 <= p < WIDTH for point in points for p in point):
            return True
    return False


METRIC = Metric("Landmark detection rate", "%", True, measure)
