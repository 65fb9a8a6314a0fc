"""Whose face it is: a speaker's face descriptors in crowds, one for each person among them."""

from dataclasses import dataclass

import numpy as np

LEAST_FACES = 3
"""With fewer faces nobody can say which of them is the usual one."""

LEAST_SHARE = 0.2
"""Someone who has so much of a video's faces is one of its people, and no passer-by."""

_CANDIDATES = 256  # faces that are tried as the centre, so that the cost stays linear
_ROUNDS = 20
_MOST_CROWDS = 16  # a label that hides more people than that is told from fewer


@dataclass(frozen=True)
class Crowd:
    """Faces that lie around one centre, which are taken for one person."""

    centre: np.ndarray
    """(d,), each video counting alike"""
    faces: np.ndarray
    """(n,), places of the faces that are nearer to this centre than to another, ascending"""
    shares: dict[int, float]
    """video → the share of its faces that are these, above 0 to 1"""

    @property
    def rank(self) -> tuple[int, float, int]:
        """Sort key: the greatest is the person whom the videos are of.

        First the number of videos in which it is one of the people; then one vote per video, in
        proportion; then the faces. A long video of somebody else has no more weight than a short.
        """
        present = sum(share >= LEAST_SHARE for share in self.shares.values())
        return present, round(sum(self.shares.values()), 9), len(self.faces)


def find_crowds(descriptors: np.ndarray, videos: np.ndarray, radius: float) -> list[Crowd]:
    """Tell the people among a speaker's faces apart; the first crowd is the speaker.

    The densest place is looked for, and the centre moves to the mean of the faces within `radius`
    until it rests (mean shift with a flat kernel); then the same among the faces that are left.
    Every video has one vote, however long it is. The cost grows with the number of faces, not
    with its square.

    Args:
        descriptors: (n, d), of all of the speaker's videos.
        videos: (n,), a whole number for each face's video.
        radius: Euclidean distance up to which a face belongs to a centre.

    Returns: the greatest `Crowd.rank` first; empty with fewer than `LEAST_FACES`.
    """
    if len(descriptors) < LEAST_FACES:
        return []
    faces = descriptors.astype(np.float32)
    _, video, counts = np.unique(videos, return_inverse=True, return_counts=True)
    votes = (1.0 / counts[video]).astype(np.float64)
    centres: list[np.ndarray] = []
    left = np.ones(len(faces), bool)
    while left.any() and len(centres) < _MOST_CROWDS:
        centre = _densest(faces, votes * left, radius)
        inside = left & (distances(faces, centre) <= radius)
        centres.append(centre)
        left &= ~inside
    apart = np.stack([distances(faces, centre) for centre in centres])
    nearest = np.where(apart.min(axis=0) <= radius, apart.argmin(axis=0), -1)
    crowds = []
    for number, centre in enumerate(centres):
        mine = np.flatnonzero(nearest == number)
        if len(mine):
            crowds.append(Crowd(centre, mine, _shares(videos[mine], videos)))
    return sorted(crowds, key=lambda crowd: crowd.rank, reverse=True)


def distances(descriptors: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """Euclidean distance of each of (n, d) descriptors to `centre` (d,): (n,)."""
    return np.sqrt(np.square(descriptors - centre).sum(axis=1))


def _densest(faces: np.ndarray, weights: np.ndarray, radius: float) -> np.ndarray:
    """Where most of the weight lies within `radius`: a centre (d,); some weight is not 0."""
    places = _spread(weights)
    square = np.square(faces).sum(axis=1)
    apart = square[places, None] + square[None] - 2 * faces[places] @ faces.T
    best = int(np.argmax((apart <= radius**2) @ weights))
    inside = (apart[best] <= radius**2) & (weights > 0)
    inside[places[best]] = True  # whatever rounding made of its distance to itself
    centre = np.average(faces[inside], axis=0, weights=weights[inside])
    for _ in range(_ROUNDS):
        now_inside = (distances(faces, centre) <= radius) & (weights > 0)
        if not now_inside.any() or np.array_equal(now_inside, inside):
            break
        inside = now_inside
        centre = np.average(faces[inside], axis=0, weights=weights[inside])
    return centre


def _spread(weights: np.ndarray) -> np.ndarray:
    """Places of at most `_CANDIDATES` faces, as many of each video as its weight asks for."""
    there = np.flatnonzero(weights)
    if len(there) <= _CANDIDATES:
        return there
    steps = (np.arange(_CANDIDATES) + 0.5) / _CANDIDATES
    summed = np.cumsum(weights[there])
    return np.unique(there[np.searchsorted(summed, steps * summed[-1])])


def _shares(mine: np.ndarray, videos: np.ndarray) -> dict[int, float]:
    numbers, counts = np.unique(mine, return_counts=True)
    return {
        int(number): float(count / np.count_nonzero(videos == number))
        for number, count in zip(numbers, counts, strict=True)
    }
