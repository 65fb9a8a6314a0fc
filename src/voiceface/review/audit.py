"""The random audit: how many wrong ones are left among the samples that nobody looked at."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from voiceface.review.ledger import Event

if TYPE_CHECKING:
    import numpy.typing as npt

AUDIT = "audit"
"""`Mark.batch` of the marks that were made in the audit's queue."""


@dataclass(frozen=True)
class Share:
    """A share estimated from a random sample, with its 95 % confidence interval."""

    part: int
    whole: int
    estimate: float | None
    """part / whole; None when whole is 0"""
    low: float
    high: float


def share_of(part: int, whole: int) -> Share:
    """A share with the exact interval of Clopper and Pearson (Biometrika 26, 1934).

    It covers the true share in at least 95 % of all samples, however small they are.

    Raises:
        ValueError: not 0 ≤ part ≤ whole.
    """
    from scipy.special import betaincinv

    if not 0 <= part <= whole:
        raise ValueError(f"{part} of {whole} is no share")
    low = float(betaincinv(part, whole - part + 1, 0.025)) if part else 0.0
    high = float(betaincinv(part + 1, whole - part, 0.975)) if part < whole else 1.0
    return Share(part, whole, part / whole if whole else None, low, high)


def audit_rows(unseen: "npt.NDArray[np.bool_]", seed: int, count: int) -> "npt.NDArray[np.int64]":
    """Up to `count` of the rows that nobody looked at, drawn at random.

    The order is a matter of the number of rows and the seed alone: when some have been looked at,
    the others follow as before.
    """
    order = np.random.default_rng(seed).permutation(len(unseen))
    return order[unseen[order]][:count]


def residual_error(standing: Iterable[Event]) -> Share:
    """The share of wrong samples among those that are kept unseen, from the audit's marks.

    Args:
        standing: the marks that hold; those of the audit's queue count, wrong is what is not kept.
    """
    marks = [event.decision for event in standing if event.batch == AUDIT]
    return share_of(sum(decision != "keep" for decision in marks), len(marks))
