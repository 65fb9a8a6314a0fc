"""Whose face it is: a speaker's face descriptors in crowds, one for each person among them."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

LEAST_FACES = 3
"""With fewer faces nobody can say which of them is the usual one."""

LEAST_SHARE = 0.2
"""Someone who has so much of a video's faces is one of its people, and no passer-by."""

_CANDIDATES = 256  # faces that are tried as the centre, so that the cost stays linear
_ROUNDS = 20
_MOST_GROUPS = 16  # people told apart in one video
_TIGHT = 0.8  # of the radius: how far one person's faces lie from their centre within a video
_ONE_PERSON = 0.85  # of the radius: how far one person's centres in two videos lie apart


@dataclass(frozen=True)
class Crowd:
    """Faces that lie around one centre, which are taken for one person."""

    centre: np.ndarray
    """(d,), each video counting alike"""
    faces: np.ndarray
    """(n,), places of the faces, ascending"""
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

    First within each video, where one person's faces lie close together: the densest place is
    looked for, its centre moves to the mean of the faces around it until it rests (mean shift with
    a flat kernel), and then the same among the faces that are left. Then these groups are joined
    over the videos by their centres. A centre says more than its faces do: one man in two videos
    has faces 0.6 apart and centres 0.32, two people have faces 0.45 apart and centres 0.42.
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
    counts = _counts(videos)
    groups: list[_Group] = []
    for video, mine in rows_by_code(videos):
        for inside in _tight_groups(faces[mine], radius):
            groups.append(_Group(faces[mine[inside]].mean(axis=0), mine[inside], counts[video]))
    crowds = [
        Crowd(group.centre, np.sort(group.faces), _shares(videos[group.faces], counts))
        for group in _joined(groups, radius)
    ]
    return sorted(crowds, key=lambda crowd: crowd.rank, reverse=True)


def rows_by_code(codes: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Each distinct value of `codes` (n,), ascending, and the rows that have it, ascending."""
    order = np.argsort(codes, kind="stable")
    names, starts = np.unique(codes[order], return_index=True)
    if len(names):
        yield from zip(names.tolist(), np.split(order, starts[1:]), strict=True)


def distances(descriptors: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """Euclidean distance of each of (n, d) descriptors to `centre` (d,): (n,)."""
    return np.sqrt(np.square(descriptors - centre).sum(axis=1))


class _Group:
    """Faces around a centre, and how many votes they have."""

    def __init__(self, centre: np.ndarray, faces: np.ndarray, of: int) -> None:
        self.centre = centre
        self.faces = faces
        self.votes = len(faces) / of

    def take(self, other: "_Group") -> None:
        """Join another group to this one."""
        votes = self.votes + other.votes
        self.centre = (self.centre * self.votes + other.centre * other.votes) / votes
        self.faces = np.concatenate([self.faces, other.faces])
        self.votes = votes


def _tight_groups(faces: np.ndarray, radius: float) -> list[np.ndarray]:
    """Places of the faces (n, d) of one video, in groups: the densest first."""
    left = np.arange(len(faces))
    groups: list[np.ndarray] = []
    while len(left) and len(groups) < _MOST_GROUPS:
        centre = _densest(faces[left], radius)
        inside = distances(faces[left], centre) <= _TIGHT * radius
        groups.append(left[inside])
        left = left[~inside]
    return groups


def _joined(groups: list[_Group], radius: float) -> list[_Group]:
    """The groups of all videos, joined to the nearest centre, the largest first."""
    people: list[_Group] = []
    centres = np.empty((len(groups), len(groups[0].centre)), np.float32)  # one for each of people
    for group in sorted(groups, key=lambda group: -len(group.faces)):
        if people:
            apart = distances(centres[: len(people)], group.centre)
            nearest = int(np.argmin(apart))
            # The mean of one or two faces is hardly nearer to the person than a face is.
            few = min(len(group.faces), len(people[nearest].faces)) < LEAST_FACES
            if apart[nearest] <= (radius if few else _ONE_PERSON * radius):
                people[nearest].take(group)
                centres[nearest] = people[nearest].centre
                continue
        centres[len(people)] = group.centre
        people.append(group)
    return people


def _densest(faces: np.ndarray, radius: float) -> np.ndarray:
    """Where most of the faces (n, d) lie close together: a centre (d,) with at least one near."""
    places = np.linspace(0, len(faces) - 1, min(len(faces), _CANDIDATES)).round().astype(int)
    square = np.square(faces).sum(axis=1)
    apart = square[places, None] + square[None] - 2 * faces[places] @ faces.T
    # Two faces of a person lie further apart than each from the centre.
    best = int(np.argmax((apart <= radius**2).sum(axis=1)))
    inside = apart[best] <= radius**2
    inside[places[best]] = True  # whatever rounding made of its distance to itself
    for _ in range(_ROUNDS):
        centre = faces[inside].mean(axis=0)
        now_inside = distances(faces, centre) <= _TIGHT * radius
        if np.array_equal(now_inside, inside):
            break
        if not now_inside.any():
            return np.asarray(faces[places[best]])
        inside = now_inside
    return np.asarray(centre)


def _shares(mine: np.ndarray, counts: dict[int, int]) -> dict[int, float]:
    """Video → the share of its faces that are these."""
    return {video: count / counts[video] for video, count in _counts(mine).items()}


def _counts(videos: np.ndarray) -> dict[int, int]:
    """Video → its number of faces, in ascending order of the videos."""
    names, counts = np.unique(videos, return_counts=True)
    return dict(zip(names.tolist(), counts.tolist(), strict=True))
