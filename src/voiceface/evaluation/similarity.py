"""How alike the drawn and the true face are in descriptor space: cosine and L1 (as in SF2F).

Real faces are compared with the others of their speaker; by chance a drawn face is compared with
somebody else's.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
import torch

from voiceface.evaluation import descriptors
from voiceface.evaluation.descriptors import Find, described
from voiceface.evaluation.intervals import of_mean
from voiceface.evaluation.metric import Faces, Material, Metric, Value, value

Compare = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Descriptors (n, d) and (m, d) → (n, m)."""


def cosines(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Cosines of the angles between descriptors: (n, d), (m, d) → (n, m)."""
    lengths = np.linalg.norm(first, axis=1)[:, None] * np.linalg.norm(second, axis=1)
    return first @ second.T / lengths


def l1_distances(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Sums of absolute differences of descriptors: (n, d), (m, d) → (n, m)."""
    far: np.ndarray = torch.cdist(torch.from_numpy(first), torch.from_numpy(second), p=1).numpy()
    return far


def measure_pairs(compare: Compare, find: Find, faces: Faces, material: Material) -> Value:
    """The mean over the voices, by the descriptors that `find` gives, as `compare` sees them."""
    found = find(faces, material)
    drawn = compare(found.generated, found.real)
    real = compare(found.real, found.real)
    theirs = faces.people[:, None] == faces.people
    others = theirs & ~np.eye(len(theirs), dtype=bool)
    own = np.diagonal(drawn)
    return value(
        own.mean(),
        real[others].mean() if others.any() else None,
        len(own),
        interval=of_mean(own, faces.people, material.config.seed),
        chance=drawn[~theirs].mean() if not theirs.all() else None,
    )


COSINE = Metric(
    "Cosine of dlib's face descriptors", "", True,
    partial(measure_pairs, cosines, described), (descriptors.NEED,),
)  # fmt: skip
L1 = Metric(
    "L1 distance of dlib's face descriptors", "", False,
    partial(measure_pairs, l1_distances, described), (descriptors.NEED,),
)  # fmt: skip
