"""The real speakers of the dataset, and how like them a drawn face or a voice is."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from voiceface.data.packed import Packed, read_splits
from voiceface.data.sheets import png_of
from voiceface.evaluation.drawing import small
from voiceface.evaluation.metric import resized
from voiceface.media.descriptor import SIDE, describe
from voiceface.models.drawing import spread

SIMILARITY = (
    "Similarity of faces: the cosine between dlib's descriptors, after what all speakers have in"
    " common is taken off. 1 is the same face, 0 no more alike than two speakers are on average."
)

_EACH = 6
"""Samples of a speaker that are looked at, at most."""
_MOST = 600
"""Samples of all together."""
_NEAREST = 3


@dataclass(frozen=True)
class Person:
    """A real speaker of the dataset."""

    name: str
    in_training: bool
    """Whether the models were trained on them."""
    rows: tuple[tuple[Packed, int], ...]
    """Some of the samples, spread over all: the split, and the row."""

    @property
    def rate_hz(self) -> int:
        """Sample rate of the sounds."""
        return self.rows[0][0].sample_rate_hz


@dataclass(frozen=True)
class Near:
    """Somebody, and how likely it is them, or how like them something is."""

    name: str
    person: int | None
    """the number among the people; None for somebody who is not in the dataset"""
    similarity: float


@dataclass(frozen=True)
class Likeness:
    """How like each person a vector is: the cosine, after what all have in common is taken off.

    1 is the same; 0 is as near as any two people of the dataset, on average; below, less than that.
    """

    centre: np.ndarray
    means: np.ndarray
    """of each person, length 1: (people, d)"""

    @staticmethod
    def of(vectors: list[np.ndarray]) -> "Likeness":
        """From some vectors (n, d) of each of at least two people."""
        means = np.stack([one.mean(axis=0) for one in vectors])
        centre = means.mean(axis=0)
        return Likeness(centre, _unit(means - centre))

    def to(self, vector: np.ndarray) -> np.ndarray:
        """The similarity of a vector (d,) to each person: (people,), -1 to 1."""
        return np.asarray(self.means @ _unit(vector - self.centre))


def read_people(packed: Path, down: Collection[str]) -> list[Person]:
    """The speakers of all splits, those of the training split first.

    Args:
        down: videos that were taken down, and are not to be shown.

    Returns: nobody where nothing is packed.

    Raises:
        VoicefaceError: the packed data are damaged.
    """
    if not packed.is_dir():
        return []
    splits = read_splits(packed)
    training = splits["train"].speakers
    rows: dict[str, list[tuple[Packed, int]]] = {name: [] for name in training}
    for split in splits.values():
        for row, name in enumerate(split.people):
            if split.recordings[row] in down:
                continue
            rows.setdefault(name, []).append((split, row))
    each = max(1, min(_EACH, _MOST // max(1, len(rows))))
    return [
        Person(name, name in training, tuple(found[place] for place in spread(len(found), each)))
        for name, found in rows.items()
        if found
    ]


def voices_of(person: Person) -> list[np.ndarray]:
    """Some sounds of a person: int16 (samples,) each."""
    return [np.asarray(split.audio[row]) for split, row in person.rows]


def nearest(values: np.ndarray, names: list[str], people: list[Person]) -> list[Near]:
    """The few of these names with the greatest values, the greatest first."""
    numbers = {person.name: number for number, person in enumerate(people)}
    order = np.argsort(-values, kind="stable")[:_NEAREST]
    return [
        Near(names[one], numbers.get(names[one]), round(float(values[one]), 3)) for one in order
    ]


def describe_faces(faces: np.ndarray) -> np.ndarray:
    """dlib's descriptors of whole crops, as the evaluation takes them.

    Args:
        faces: uint8 (n, px, px, 3), RGB.

    Returns: float32 (n, 128).

    Raises:
        VoicefaceError: dlib's model or onnxruntime is not installed.
    """
    return describe(np.stack([resized(face, SIDE) for face in faces]))


def face_likeness(people: list[Person], px: int) -> Likeness:
    """How like each of at least two people's faces a face is, by `describe_faces`.

    Args:
        px: size of that face: theirs are shrunk to it.

    Raises:
        VoicefaceError: dlib's model or onnxruntime is not installed.
    """
    faces = [np.stack([split.faces[row] for split, row in person.rows]) for person in people]
    return Likeness.of([describe_faces(small(one, px)) for one in faces])


def picture_of(person: Person) -> bytes:
    """A face of the person as PNG."""
    split, row = person.rows[len(person.rows) // 2]
    return png_of(np.asarray(split.faces[row]))


def _unit(vectors: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(length, 1e-9))
