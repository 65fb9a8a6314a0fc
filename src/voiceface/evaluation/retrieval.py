"""Retrieval of the speaker by the drawn face, as in SF2F (Bai et al., ACM MM 2022).

Each speaker stands there once, as the mean of the descriptors of their faces, so that nobody is
found for having many; all speakers of the split are ranked by their distance to the drawn face.
"""

from functools import partial

import numpy as np

from voiceface.evaluation import descriptors
from voiceface.evaluation.descriptors import Find, described, distances
from voiceface.evaluation.intervals import median, of_mean, of_median
from voiceface.evaluation.metric import Faces, Material, Metric, Value, value


def ranks(probes: np.ndarray, faces: np.ndarray, people: np.ndarray, *, own: bool) -> np.ndarray:
    """The true speaker's place among all speakers, 1 for the nearest: float64 (n,).

    Args:
        probes: descriptors (n, d).
        faces: descriptors (n, d) of which the speakers' means are taken.
        people: int64 (n,), whose both are, from 0 on.
        own: whether the face of a probe's own row is one of its speaker's; without it, a speaker of
            one face has no place (NaN).
    """
    counts = np.bincount(people)[:, None].astype(np.float64)
    sums = np.zeros((len(counts), faces.shape[1]))
    np.add.at(sums, people, faces)
    far = distances(probes, sums / counts)
    true = far[np.arange(len(people)), people]
    if not own:
        with np.errstate(invalid="ignore"):
            others = (sums[people] - faces) / (counts[people] - 1)
        true = np.linalg.norm(probes - others, axis=1)
        far[np.arange(len(people)), people] = true
    places = (far <= true[:, None]).sum(1).astype(np.float64)
    return np.where(np.isnan(true), np.nan, places)


def _ranks(find: Find, faces: Faces, material: Material) -> tuple[np.ndarray, np.ndarray]:
    """The places by the drawn faces, and those by the real ones that there are."""
    found = find(faces, material)

    def make() -> tuple[np.ndarray, np.ndarray]:
        real = ranks(found.real, found.real, faces.people, own=False)
        drawn = ranks(found.generated, found.real, faces.people, own=True)
        return drawn, real[~np.isnan(real)]

    return faces.once(f"ranks by {find.__name__}", make)


def measure_recall(most: int, find: Find, faces: Faces, material: Material) -> Value:
    """Percent of the voices whose speaker is among the `most` nearest, by what `find` gives."""
    drawn, real = _ranks(find, faces, material)
    speakers = int(faces.people.max()) + 1
    if speakers <= most:
        note = f"takes more than {most} speaker{'s' if most > 1 else ''}"
        return value(None, None, len(drawn), note)
    hits = 100.0 * (drawn <= most)
    return value(
        hits.mean(),
        100 * float((real <= most).mean()) if len(real) else None,
        len(drawn),
        interval=of_mean(hits, faces.people, material.config.seed),
        chance=100 * most / speakers,
    )


def _measure_median(faces: Faces, material: Material) -> Value:
    drawn, real = _ranks(described, faces, material)
    speakers = int(faces.people.max()) + 1
    if speakers == 1:
        return value(None, None, len(drawn), "takes more than 1 speaker")
    return value(
        median(drawn),
        median(real) if len(real) else None,
        len(drawn),
        interval=of_median(drawn, faces.people, material.config.seed),
        chance=(speakers + 1) / 2,
    )


RECALL = {
    most: Metric(
        f"Retrieval of the speaker, R@{most}", "%", True,
        partial(measure_recall, most, described), (descriptors.NEED,),
    )
    for most in (1, 5, 10)
}  # fmt: skip
MEDIAN = Metric(
    "Retrieval of the speaker, median rank", "", False, _measure_median, (descriptors.NEED,)
)
