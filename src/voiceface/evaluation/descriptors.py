"""dlib's 128-d face descriptors of drawn and real faces: the space in which faces are compared.

Whole crops are described, not detected faces, so that a picture without a face counts as well.
"""

from collections.abc import Callable

import numpy as np

from voiceface.errors import VoicefaceError
from voiceface.evaluation.metric import Described, Faces, Material, Need, of_each, resized

Find = Callable[[Faces, Material], Described]
"""Gives the descriptors that stand for what was drawn, and those of the true faces."""


def described(faces: Faces, material: Material) -> Described:
    """The descriptors of some faces, computed once."""
    return faces.once(
        "descriptors",
        lambda: Described(
            describe_crops(faces.generated, f"{faces.name} generated", material),
            describe_crops(faces.real, f"{faces.name} real", material),
        ),
    )


def describe_crops(crops: np.ndarray, what: str, material: Material) -> np.ndarray:
    """Descriptors of whole crops: uint8 (n, px, px, 3) → float64 (n, 128).

    Args:
        what: words for the progress.
    """
    from voiceface.media.descriptor import describe

    found = of_each(
        crops, "descriptors", lambda crop: describe(resized(crop, 150)[None])[0], what, material
    )
    return np.array(found, np.float64).reshape(-1, 128)


def distances(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Euclidean distances of descriptors (n, d) and (m, d): float64 (n, m)."""
    squares = (first**2).sum(1)[:, None] + (second**2).sum(1) - 2 * first @ second.T
    return np.sqrt(np.clip(squares, 0, None))


def _missing(material: Material) -> str | None:
    from voiceface.media.descriptor import describe

    try:
        describe(np.zeros((1, 150, 150, 3), np.uint8))
    except VoicefaceError as error:
        return str(error)
    return None


NEED = Need("dlib's face descriptor", _missing)
