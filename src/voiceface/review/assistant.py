"""Trains the model in the background as marks come in, and keeps what it says of each row."""

import threading
import time
from dataclasses import dataclass

import numpy as np

from voiceface.review.assist import Model, Proposal, features_of, propose, train
from voiceface.review.book import DROP, KEEP, PENDING
from voiceface.review.table import ReviewTable

_EVERY = 20  # marks
_SHARE = 0.05  # of the time that may go into training


@dataclass(frozen=True)
class Advice:
    """What a model says."""

    marks: int
    """on how many marks it was trained"""
    probability: np.ndarray
    """of each row that a curator keeps it, float32"""
    proposal: Proposal | None


class Assistant:
    """One model at a time; `advice` is that of the last one."""

    def __init__(self, table: ReviewTable, max_error: float) -> None:
        self._features = features_of(table)
        self._face = table.columns["content"].mask("!=", "")
        self._max_error = max_error
        self._thread: threading.Thread | None = None
        self._not_before = 0.0
        self.advice: Advice | None = None

    def consider(self, review: np.ndarray) -> bool:
        """Train anew in the background when enough was marked since; tells whether it does.

        Args:
            review: of each row what its mark is, as places in `REVIEWS`.
        """
        marks = int(np.count_nonzero((review == KEEP) | (review == DROP)))
        known = self.advice.marks if self.advice else -_EVERY
        busy = self._thread is not None and self._thread.is_alive()
        if abs(marks - known) < _EVERY or busy or time.monotonic() < self._not_before:
            return False
        self._thread = threading.Thread(target=self._train, args=(review.copy(),), daemon=True)
        self._thread.start()
        return True

    def wait(self) -> None:
        """Until the training under way is done."""
        if self._thread is not None:
            self._thread.join()

    def proposes(self, row: int) -> bool:
        """Whether a row may be kept without a look at it."""
        proposal = self.advice.proposal if self.advice else None
        return proposal is not None and bool((proposal.rows == row).any())

    def _train(self, review: np.ndarray) -> None:
        begun = time.monotonic()
        rows = np.flatnonzero((review == KEEP) | (review == DROP))
        model: Model = train(self._features, rows, review[rows] == KEEP)
        probability = model.probability(self._features)
        pending = (review == PENDING) & self._face & (self._features.flags == 0)
        proposal = propose(model, probability, pending, self._max_error) if len(rows) else None
        self.advice = Advice(len(rows), probability, proposal)
        now = time.monotonic()
        self._not_before = now + (now - begun) / _SHARE
