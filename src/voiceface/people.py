"""Who is who over all videos: faces that are not the speaker's, and labels that are not a person.

A label of sources.csv should be one person, and a person should have one label. Faces tell where
it is otherwise; both are reported, and left to the human.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from voiceface.media.identity import LEAST_FACES, Crowd, distances, find_crowds, rows_by_code

_HIDDEN_SHARE = 0.2  # of all the label's faces, each video counting alike
_MAJORITY = 0.5
_BLOCK = 1024


@dataclass(frozen=True)
class People:
    """What the faces of all samples tell."""

    distance: np.ndarray
    """(n,), of each sample's face to its speaker's usual one; nan where there is none to tell"""
    strange: np.ndarray
    """(n,) bool: the face is one of a crowd of somebody else's, however near to the usual one"""
    findings: list[dict[str, Any]]
    """rows as in `tables.PEOPLE`"""


def find_people(
    samples: pa.Table, unflagged: np.ndarray, radius: float, same_person: float | None
) -> People:
    """Find each speaker's usual face, labels that are one person, and labels that hide several.

    Args:
        samples: columns sample, video, speaker and descriptor, as in `tables.MANIFEST`.
        unflagged: (n,), the samples whose faces say what is usual.
        radius: descriptor distance up to which a face is taken for the usual one's person.
        same_person: usual faces of two labels that are nearer than this are one person; None: not
            looked for.
    """
    found = np.full(len(samples), np.nan, np.float32)
    with_face = np.flatnonzero(pc.is_valid(samples["descriptor"]).to_numpy())
    strange = np.zeros(len(samples), bool)
    if not len(with_face):
        return People(found, strange, [])
    values = samples["descriptor"].combine_chunks().flatten()
    faces = values.to_numpy().reshape(len(with_face), -1)
    speakers, speaker = _codes(samples, "speaker", with_face)
    videos, video = _codes(samples, "video", with_face)
    names = samples["sample"].take(pa.array(with_face))
    usual: dict[str, _Person] = {}
    findings: list[dict[str, Any]] = []
    rows_of = dict(rows_by_code(speaker))
    for number in sorted(rows_of, key=speakers.__getitem__):
        mine = rows_of[number]
        clean = mine[unflagged[with_face[mine]]]
        crowds = find_crowds(faces[clean], video[clean], radius)
        if not crowds:
            continue
        found[with_face[mine]] = distances(faces[mine], crowds[0].centre)
        for crowd in crowds[1:]:
            strange[with_face[clean[crowd.faces]]] = len(crowd.faces) >= LEAST_FACES
        label = speakers[number]
        people = [_Person(label, crowd, faces, clean, names, videos) for crowd in crowds]
        usual[label] = people[0]
        hidden = [one for one in people[1:] if one.is_hidden(len(set(video[clean].tolist())))]
        findings += [_finding("several_people", people[0], one) for one in hidden]
    if same_person is not None:
        findings += _same_people(list(usual.values()), same_person)
    return People(found, strange, findings)


class _Person:
    """A crowd with the names of what is in it."""

    def __init__(
        self,
        label: str,
        crowd: Crowd,
        faces: np.ndarray,
        rows: np.ndarray,
        names: pa.ChunkedArray,
        videos: list[str],
    ) -> None:
        mine = rows[crowd.faces]
        typical = mine[int(np.argmin(distances(faces[mine], crowd.centre)))]
        self.label = label
        self.centre = crowd.centre
        self.shares = crowd.shares
        self.faces = len(mine)
        self.sample = names[typical].as_py()
        self.videos = sorted(videos[number] for number in crowd.shares)

    def is_hidden(self, videos: int) -> bool:
        """Whether it is no passer-by: the usual face of a video, or a large part of the label's."""
        shares = self.shares.values()
        return max(shares) > _MAJORITY or sum(shares) / videos >= _HIDDEN_SHARE


def _same_people(people: list[_Person], nearer_than: float) -> Iterator[dict[str, Any]]:
    """Pairs of labels with nearly one usual face, a block of labels against all at a time."""
    centres = np.array([one.centre for one in people], np.float64)
    for start in range(0, len(people), _BLOCK):
        block = centres[start : start + _BLOCK]
        square = np.square(block).sum(axis=1)[:, None] + np.square(centres).sum(axis=1)
        near = np.argwhere(square - 2 * block @ centres.T < nearer_than**2)
        for one, other in near.tolist():
            if start + one < other:
                yield _finding("same_person", people[start + one], people[other])


def _finding(kind: str, one: _Person, other: _Person) -> dict[str, Any]:
    return {
        "kind": kind,
        "speaker": one.label,
        "other": other.label,
        "distance": float(distances(one.centre[None], other.centre)[0]),
        "faces": one.faces,
        "other_faces": other.faces,
        "videos": one.videos,
        "other_videos": other.videos,
        "sample": one.sample,
        "other_sample": other.sample,
    }


def _codes(samples: pa.Table, column: str, rows: np.ndarray) -> tuple[list[str], np.ndarray]:
    """The distinct values, and the place of each row's among them."""
    encoded = samples[column].combine_chunks().dictionary_encode()
    return encoded.dictionary.to_pylist(), encoded.indices.to_numpy()[rows]
