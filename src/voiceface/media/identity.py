"""Whose face it is: distance of face descriptors to a speaker's usual face."""

import numpy as np

LEAST_FACES = 3
"""With fewer faces nobody can say which of them is the usual one."""

_CANDIDATES = 512  # faces that are tried as the centre, so that the cost stays linear
_ROUNDS = 20


def usual_face(descriptors: np.ndarray, radius: float) -> np.ndarray | None:
    """The centre of the largest crowd of a speaker's descriptors.

    It starts at the face that most others are near to, and moves to the mean of those within
    `radius` until it rests; faces of other people do not pull it, as long as they are fewer.

    Args:
        descriptors: (n, d), of all of the speaker's videos.
        radius: Euclidean distance up to which two descriptors are taken for one person.

    Returns: (d,), or None with fewer than `LEAST_FACES`.
    """
    if len(descriptors) < LEAST_FACES:
        return None
    places = np.unique(np.linspace(0, len(descriptors) - 1, _CANDIDATES).round().astype(int))
    near = [distances(descriptors, descriptors[place]) <= radius for place in places]
    inside = near[int(np.argmax([crowd.sum() for crowd in near]))]
    for _ in range(_ROUNDS):
        centre = descriptors[inside].mean(axis=0)
        now_inside = distances(descriptors, centre) <= radius
        if not now_inside.any() or np.array_equal(now_inside, inside):
            break
        inside = now_inside
    return centre


def distances(descriptors: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """Euclidean distance of each of (n, d) descriptors to `centre` (d,): (n,)."""
    return np.sqrt(np.square(descriptors - centre).sum(axis=1))
