"""Where dlib's models are. dlib itself is imported when one of them is asked for."""

import importlib.util
from pathlib import Path
from typing import Any

from voiceface.errors import VoicefaceError

DETECTOR_SHA256 = "f3f7aa833fb4a14a46fc48689f45b98d85ef72d6dfaf8bdc012b7d3c522a5426"
"""Of `frontal_faces.svm`: stages are made anew when code changes, so it must stand in the code."""


def path(file: str) -> Path:
    """One of the files of face-recognition-models.

    Raises:
        VoicefaceError: the models are not installed.
    """
    # The package's own __init__ needs pkg_resources, which is gone: find its files without it.
    spec = importlib.util.find_spec("face_recognition_models")
    if spec is None or spec.origin is None:
        raise VoicefaceError("dlib's models are missing; pip install face-recognition-models")
    return Path(spec.origin).parent / "models" / file


def load(kind: str, file: str) -> Any:
    """A model of dlib (`shape_predictor`, …) from its file in face-recognition-models.

    Raises:
        VoicefaceError: dlib or the models are not installed.
    """
    return getattr(_dlib(), kind)(str(path(file)))


def detector() -> Any:
    """dlib's HOG detector of frontal faces.

    dlib builds its own from text, which takes 0.3 s in every process; what `save` wrote of it once
    is read in 1 ms.

    Raises:
        VoicefaceError: dlib is not installed.
    """
    return _dlib().fhog_object_detector(str(Path(__file__).with_name("frontal_faces.svm")))


def _dlib() -> Any:
    try:
        import dlib
    except ImportError:
        raise VoicefaceError("dlib is missing; pip install dlib-bin") from None
    return dlib
