"""What a metric is given, and what it gives."""

import hashlib
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple, TypedDict, TypeVar

import numpy as np
import torch
from PIL import Image

from voiceface.config import Evaluate

T = TypeVar("T")


class Scores(NamedTuple):
    """What a model's discriminator says of faces with their voices."""

    generated: np.ndarray
    """float32 (n,)."""
    real: np.ndarray
    """float32 (n,)."""


class Remembers:
    """Keeps what is computed from it, so that several metrics share it."""

    def once(self, name: str, make: Callable[[], T]) -> T:
        """What `make` gives, made at the first call with that name."""
        made: dict[str, T] = self.__dict__.setdefault("_made", {})
        if name not in made:
            made[name] = make()
        return made[name]


@dataclass(frozen=True, eq=False)
class Faces(Remembers):
    """Some voices of one split: n faces drawn from them, and their true faces."""

    name: str
    """What is told of them while the metrics are computed."""
    generated: np.ndarray
    """uint8 (n, px, px, 3), RGB."""
    real: np.ndarray
    """uint8 (n, px, px, 3), RGB: shrunk to the size of the generated ones."""
    labels: np.ndarray
    """int64 (n,): the true speaker's class; -1 for one who is not in the training split."""
    people: np.ndarray
    """int64 (n,): the true speaker, numbered from 0 on within these voices."""
    genders: np.ndarray
    """str (n,): the true speaker's gender, as in sources.csv; may be empty."""
    again: np.ndarray
    """uint8 (m, seeds, px, px, 3): some of the voices, drawn with one seed after another."""
    again_of: np.ndarray
    """int64 (m,): the rows of these voices."""
    scores: Scores | None = None
    """None of a model that keeps no discriminator."""
    emotions: np.ndarray = field(default_factory=lambda: np.empty(0, str))
    """str (n,): the voice's emotion, as in sources.csv; may be empty."""


@dataclass(frozen=True, eq=False)
class Training:
    """The training split's real faces, for classifiers to learn on."""

    faces: np.ndarray
    """uint8 (n, px, px, 3), RGB."""
    labels: np.ndarray
    """int64 (n,): the speaker's class."""
    genders: np.ndarray
    """str (n,): the speaker's gender; may be empty."""
    classes: int
    """Number of speakers."""
    emotions: np.ndarray = field(default_factory=lambda: np.empty(0, str))
    """str (n,): the emotion; may be empty."""


@dataclass(frozen=True, eq=False)
class Material(Remembers):
    """What the metrics are computed from, beside the faces themselves."""

    train: Training
    config: Evaluate
    device: torch.device
    judged: bool
    """Whether the faces have their `scores`."""


class Value(TypedDict, total=False):
    """A metric of some faces. `None` comes with a `note` that says why."""

    generated: float | None
    real: float | None
    """The same of the real faces: the upper line."""
    n: int
    """Number of voices."""
    interval: tuple[float, float]
    """95 % interval of `generated`, see `intervals`."""
    chance: float
    """What faces that tell nothing of the voice would get."""
    trials: int
    """Number of comparisons that were counted, where they are more than the voices."""
    note: str


class Need(NamedTuple):
    """Something that is not always there, and that a metric can't do without."""

    title: str
    missing: Callable[[Material], str | None]
    """Why it is not there, in words; None when it is."""


class Metric(NamedTuple):
    """A metric, and how to read it."""

    title: str
    unit: str
    higher_is_better: bool | None
    """None: the nearer to that of real faces, the better."""
    measure: Callable[[Faces, Material], Value]
    """Gives the value of at least one face."""
    needs: tuple[Need, ...] = ()


def value(
    generated: float | None,
    real: float | None,
    n: int,
    note: str | None = None,
    *,
    interval: tuple[float, float] | None = None,
    chance: float | None = None,
    trials: int | None = None,
) -> Value:
    """A value, rounded so that no difference in the last bits shows in the report."""
    result = Value(generated=_rounded(generated), real=_rounded(real), n=n)
    if interval is not None:
        result["interval"] = (rounded(interval[0]), rounded(interval[1]))
    if chance is not None:
        result["chance"] = rounded(chance)
    if trials is not None:
        result["trials"] = trials
    if note:
        result["note"] = note
    return result


def of_each(
    pictures: np.ndarray,
    name: str,
    find: Callable[[np.ndarray], T],
    what: str,
    material: Material,
) -> list[T]:
    """What `find` gives of each picture (n, h, w, 3), with progress; equal ones are looked at once.

    Args:
        name: what is found.
        what: which pictures, in words.
    """
    found = []
    for picture in told(list(pictures), f"{name}, {what}"):
        digest = hashlib.sha256(picture.tobytes()).hexdigest()
        found.append(material.once(f"{name} {digest}", partial(find, picture)))
    return found


def told(items: Sequence[T], what: str) -> Iterator[T]:
    """The items, with a line on stderr every few seconds that tells how many are done."""
    told_at = time.monotonic()
    for number, item in enumerate(items):
        if time.monotonic() - told_at > 4:
            told_at = time.monotonic()
            print(f"evaluate: {what} {number}/{len(items)}", file=sys.stderr, flush=True)
        yield item


def rounded(number: float) -> float:
    """The number in six digits."""
    return float(f"{number:.6g}")


def _rounded(number: float | None) -> float | None:
    return None if number is None else rounded(number)


def resized(face: np.ndarray, px: int) -> np.ndarray:
    """A face, uint8 (h, w, 3), at px × px, bilinear."""
    return np.asarray(Image.fromarray(face).resize((px, px), Image.Resampling.BILINEAR))
