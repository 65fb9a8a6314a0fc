"""Landmark detection rate: the share of faces in which all 68 landmarks are found (the paper)."""

from functools import partial
from typing import Any

import numpy as np

from voiceface import dlib_models
from voiceface.errors import VoicefaceError
from voiceface.evaluation.intervals import of_mean
from voiceface.evaluation.metric import (
    Faces,
    Material,
    Metric,
    Need,
    Value,
    of_each,
    resized,
    value,
)

WIDTH = 256
"""Faces are looked at in this width, in pixels: HOG sees no face under 80."""


def _measure(faces: Faces, material: Material) -> Value:
    """Percent of the faces with a HOG detection and 68 landmarks inside the picture."""
    find, predict = material.once("landmark models", _models)

    def found(pictures: np.ndarray, what: str) -> np.ndarray:
        has = partial(_has_landmarks, find=find, predict=predict)
        return 100.0 * np.array(of_each(pictures, "landmarks", has, what, material))

    drawn = found(faces.generated, f"{faces.name} generated")
    return value(
        drawn.mean(),
        found(faces.real, f"{faces.name} real").mean(),
        len(drawn),
        interval=of_mean(drawn, faces.people, material.config.seed),
    )


def _has_landmarks(face: np.ndarray, find: Any, predict: Any) -> bool:
    picture = resized(face, WIDTH)
    for box in find(picture, 0):
        points = [(point.x, point.y) for point in predict(picture, box).parts()]
        if len(points) == 68 and all(0 <= p < WIDTH for point in points for p in point):
            return True
    return False


def _models() -> tuple[Any, Any]:
    """The detector and the landmarks' predictor."""
    predictor = dlib_models.load("shape_predictor", "shape_predictor_68_face_landmarks.dat")
    return dlib_models.detector(), predictor


def _missing(material: Material) -> str | None:
    try:
        material.once("landmark models", _models)
    except VoicefaceError as error:
        return str(error)
    return None


NEED = Need("dlib's landmarks", _missing)
METRIC = Metric("Landmark detection rate", "%", True, _measure, (NEED,))
