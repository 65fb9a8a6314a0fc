"""How much the drawn faces differ: between speakers, and when one voice is drawn again.

Mean Euclidean distances of dlib's face descriptors. Real faces differ between people and within
one; a model that draws one face for everybody has 0 between, one that ignores the voice and draws
at random as much within as between.
"""

import numpy as np

from voiceface.evaluation import descriptors
from voiceface.evaluation.descriptors import describe_crops, described, distances
from voiceface.evaluation.intervals import interval, mean_of_pairs, of_mean
from voiceface.evaluation.metric import Faces, Material, Metric, Value, value


def _measure_between(faces: Faces, material: Material) -> Value:
    """Between all pairs of faces of two speakers."""
    speakers = int(faces.people.max()) + 1
    if speakers == 1:
        return value(None, None, len(faces.people), "takes two speakers or more")
    member = (faces.people[:, None] == np.arange(speakers)).astype(np.float64)
    counts = np.outer(member.sum(0), member.sum(0))
    np.fill_diagonal(counts, 0)

    def sums(found: np.ndarray) -> np.ndarray:
        inner = member.T @ distances(found, found) @ member
        np.fill_diagonal(inner, 0)
        return inner

    drawn, real = (sums(found) for found in described(faces, material))
    return value(
        drawn.sum() / counts.sum(),
        real.sum() / counts.sum(),
        len(faces.people),
        interval=interval(
            speakers, material.config.seed, lambda times: mean_of_pairs(drawn, counts, times)
        ),
    )


def _measure_within(faces: Faces, material: Material) -> Value:
    """Between drawings of one voice with several seeds; of real faces, between those of one."""
    voices, times = faces.again.shape[:2]
    crops = faces.again.reshape(voices * times, *faces.again.shape[2:])
    found = describe_crops(crops, f"{faces.name} drawn again", material)
    pairs = np.triu_indices(times, 1)
    found = found.reshape(voices, times, -1)
    drawn = np.array([distances(one, one)[pairs].mean() for one in found])
    real = described(faces, material).real
    theirs = (faces.people[:, None] == faces.people) & ~np.eye(len(real), dtype=bool)
    return value(
        drawn.mean(),
        distances(real, real)[theirs].mean() if theirs.any() else None,
        voices,
        interval=of_mean(drawn, faces.people[faces.again_of], material.config.seed),
    )


BETWEEN = Metric(
    "Distance between drawn faces of two speakers", "", None,
    _measure_between, (descriptors.NEED,),
)  # fmt: skip
WITHIN = Metric(
    "Distance between drawings of one voice", "", None,
    _measure_within, (descriptors.NEED,),
)  # fmt: skip
