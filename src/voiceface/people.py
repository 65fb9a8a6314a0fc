"""Who is who over all videos: faces that are not the speaker's, and labels that are not a person.

A label of sources.csv should be one person, and a person should have one label. Faces tell where
it is otherwise; both are reported, and left to the human. Labels of one person are kept out of
different splits, too.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from voiceface.files import read_table
from voiceface.fingerprints import fingerprints
from voiceface.media.identity import LEAST_FACES, Crowd, distances, find_crowds, rows_by_code
from voiceface.parts import in_one_piece
from voiceface.tables import PEOPLE

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
    samples: pa.Table,
    folder: Path,
    unflagged: np.ndarray,
    radius: float,
    same_person: float | None,
) -> People:
    """Find each speaker's usual face, labels that are one person, and labels that hide several.

    The descriptors of one speaker at a time are in memory.

    Args:
        samples: columns sample, video, start_us, face_number and speaker, as in `tables.GATHERED`.
        folder: `data/samples`, for the descriptors.
        unflagged: (n,), the samples whose faces say what is usual.
        radius: descriptor distance up to which a face is taken for the usual one's person.
        same_person: usual faces of two labels that are nearer than this are one person; None: not
            looked for.
    """
    distance = np.full(len(samples), np.nan, np.float32)
    strange = np.zeros(len(samples), bool)
    speakers, speaker = _codes(samples, "speaker")
    videos, video = _codes(samples, "video")
    usual: list[_Person] = []
    findings: list[dict[str, Any]] = []
    rows_of = dict(rows_by_code(speaker))
    for number in sorted(rows_of, key=speakers.__getitem__):
        rows, faces = _faces(samples, folder, rows_of[number])
        clean = unflagged[rows]
        mine = rows[clean]
        crowds = find_crowds(faces[clean], video[mine], radius)
        if not crowds:
            continue
        distance[rows] = distances(faces, crowds[0].centre)
        for crowd in crowds[1:]:
            strange[mine[crowd.faces]] = len(crowd.faces) >= LEAST_FACES
        names = samples["sample"].take(pa.array(mine))
        label = speakers[number]
        people = [_Person(label, crowd, faces[clean], names, videos) for crowd in crowds]
        usual.append(people[0])
        hidden = [one for one in people[1:] if one.is_hidden(len(set(video[mine].tolist())))]
        findings += [_finding("several_people", people[0], one) for one in hidden]
    if same_person is not None:
        findings += _same_people(usual, same_person)
    return People(distance, strange, findings)


def read_same_people(path: Path) -> list[tuple[str, str]]:
    """The pairs of labels that are one person.

    Args:
        path: `manifests/people.parquet`.

    Raises:
        VoicefaceError: the file is missing or damaged.
    """
    found = read_table(path, PEOPLE, ["kind", "speaker", "other"]).to_pylist()
    return [(one["speaker"], one["other"]) for one in found if one["kind"] == "same_person"]


def _faces(samples: pa.Table, folder: Path, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Those of the rows that have a descriptor (m,), and the descriptors (m, d)."""
    places = samples.select(["video", "start_us", "face_number"]).take(pa.array(rows))
    column = in_one_piece(fingerprints(folder, places, ["descriptor"])["descriptor"])
    rows = rows[pc.is_valid(column).to_numpy(zero_copy_only=False)]
    return rows, column.flatten().to_numpy().reshape(len(rows), -1 if len(rows) else 0)


class _Person:
    """A crowd with the names of what is in it."""

    def __init__(
        self,
        label: str,
        crowd: Crowd,
        faces: np.ndarray,
        names: pa.ChunkedArray,
        videos: list[str],
    ) -> None:
        mine = crowd.faces
        typical = mine[int(np.argmin(distances(faces[mine], crowd.centre)))]
        self.label = label
        self.centre = crowd.centre
        self.shares = crowd.shares
        self.faces = len(mine)
        self.sample = names[int(typical)].as_py()
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


def _codes(samples: pa.Table, column: str) -> tuple[list[str], np.ndarray]:
    """The distinct values, and the place of each row's among them."""
    encoded = in_one_piece(samples[column]).dictionary_encode()
    return encoded.dictionary.to_pylist(), encoded.indices.to_numpy()
