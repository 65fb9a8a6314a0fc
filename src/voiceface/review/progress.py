"""How far the review is, how fast, how long to go, and how pure the dataset is so far."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from voiceface.review.audit import Share
from voiceface.review.ledger import Event

_BREAK_S = 120.0  # a longer gap between two marks is no work
_RECENT = 300  # the pace is that of so many marks


@dataclass(frozen=True)
class Purity:
    """Share of good samples among those that are kept, with its 95 % confidence interval."""

    estimate: float | None
    """None when the audit has not begun"""
    low: float
    high: float


@dataclass(frozen=True)
class Progress:
    """Of the whole review, and of one curator's pace."""

    marked: int
    total: int
    per_minute: float | None
    """the curator's own pace; None before there is one"""
    minutes_to_go: float | None
    """for what is pending, at that pace"""
    purity: Purity | None
    """of what is kept now; None while nothing is"""


def progress(
    marked: int,
    total: int,
    own: Iterable[Event],
    kept: int,
    kept_unseen: int,
    residual: Share,
) -> Progress:
    """Put the figures together.

    Args:
        marked: samples with a standing decision.
        total: samples to be reviewed, marked ones included.
        own: events of the curator who asks, in order of time.
        kept, kept_unseen: samples that a curator kept, and those kept without a look.
        residual: error among the latter, see `audit.residual_error`.
    """
    speed = pace(own)
    to_go = (total - marked) / speed if speed else None
    return Progress(marked, total, speed, to_go, purity(kept, kept_unseen, residual))


def pace(own: Iterable[Event]) -> float | None:
    """Decisions per minute of work over the last 300; None when there are fewer than two.

    Gaps of over two minutes are breaks. An undo is no decision.
    """
    times = [datetime.fromisoformat(e.time) for e in own if e.decision != "undo"][-_RECENT:]
    gaps = [(b - a).total_seconds() for a, b in pairwise(times)]
    worked = [gap for gap in gaps if gap <= _BREAK_S]
    if not worked:
        return None
    return 60 * len(worked) / max(sum(worked), 1e-6)


def purity(kept: int, kept_unseen: int, residual: Share) -> Purity | None:
    """Share of good samples among all that are kept, what a curator kept being good.

    Its interval is that of the audit; None when nothing is kept.
    """
    every = kept + kept_unseen
    if not every:
        return None
    unseen = kept_unseen / every
    estimate = None if residual.estimate is None else 1 - residual.estimate * unseen
    if not kept_unseen:
        estimate = 1.0
    return Purity(estimate, 1 - residual.high * unseen, 1 - residual.low * unseen)
