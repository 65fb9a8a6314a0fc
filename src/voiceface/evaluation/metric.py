"""What a metric is given, and what it gives."""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypedDict, TypeVar

import numpy as np
import torch
from PIL import Image

from voiceface.config import Evaluate

T = TypeVar("T")


class Faces(NamedTuple):
    """The voices of one split that are evaluated: n faces drawn from them, and their true faces."""

    generated: np.ndarray
    """uint8 (n, px, px, 3), RGB."""
    real: np.ndarray
    """uint8 (n, px, px, 3), RGB: shrunk to the size of the generated ones."""
    labels: np.ndarray
    """int64 (n,): the true speaker's class; -1 for one who is not in the training split."""


@dataclass(frozen=True)
class Material:
    """What the metrics are computed from."""

    splits: dict[str, Faces]
    train: Faces
    """All of the training split; `generated` is empty. For classifiers to learn on."""
    classes: int
    """Number of speakers in the training split."""
    config: Evaluate
    device: torch.device


class Value(TypedDict, total=False):
    """A metric of one split. `None` comes with a `note` that says why."""

    generated: float | None
    real: float | None
    n: int
    note: str


class Metric(NamedTuple):
    """A metric, and how to read it."""

    title: str
    unit: str
    higher_is_better: bool
    measure: Callable[[Material], dict[str, Value]]
    """Gives a value for each split."""


def value(generated: float | None, real: float | None, n: int, note: str | None = None) -> Value:
    """A value, rounded so that no difference in the last bits shows in the report."""
    result = Value(generated=_rounded(generated), real=_rounded(real), n=n)
    if note:
        result["note"] = note
    return result


def told(items: Sequence[T], what: str) -> Iterator[T]:
    """The items, with a line on stderr every few seconds that tells how many are done."""
    told_at = time.monotonic()
    for number, item in enumerate(items):
        if time.monotonic() - told_at > 4:
            told_at = time.monotonic()
            print(f"evaluate: {what} {number}/{len(items)}", file=sys.stderr, flush=True)
        yield item


def _rounded(number: float | None) -> float | None:
    return None if number is None else float(f"{number:.6g}")


def resized(face: np.ndarray, px: int) -> np.ndarray:
    """A face, uint8 (h, w, 3), at px × px, bilinear."""
    return np.asarray(Image.fromarray(face).resize((px, px), Image.Resampling.BILINEAR))
