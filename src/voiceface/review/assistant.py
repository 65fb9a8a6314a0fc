"""Trains the model in the background as marks come in, and keeps what it says of each row."""

import threading
import time
from dataclasses import dataclass

import numpy as np

from voiceface.review.assist import Model, Proposal, doubt, features_of, propose, train
from voiceface.review.book import DROP, KEEP, PENDING, Book
from voiceface.review.table import ReviewTable

EVERY = 5
"""Marks after which the model is trained again."""

_SHARE = 0.05  # of the time that may go into training


@dataclass(frozen=True)
class Advice:
    """What a model says."""

    marks: int
    """on how many marks it was trained"""
    probability: np.ndarray
    """of each row that a curator keeps it, float32"""
    order: np.ndarray
    """all rows, the most doubtful first, see `assist.doubt`"""
    proposal: Proposal | None


class Assistant:
    """One model at a time; `advice` is that of the last one."""

    def __init__(self, table: ReviewTable, max_error: float) -> None:
        self._features = features_of(table)
        self._face = table.has_face
        self._max_error = max_error
        self._thread: threading.Thread | None = None
        self._not_before = 0.0
        self.advice: Advice | None = None

    def consider(self, book: Book) -> bool:
        """Train anew in the background when enough was marked since; tells whether it does.

        What was kept by a proposal is no mark here: a model must not teach itself.
        """
        busy = self._thread is not None and self._thread.is_alive()
        if busy or time.monotonic() < self._not_before:
            return False
        judged = book.judged()
        marks = int(np.count_nonzero((judged == KEEP) | (judged == DROP)))
        if self.advice and abs(marks - self.advice.marks) < EVERY:
            return False
        what = (book.review() == PENDING, judged)
        self._thread = threading.Thread(target=self._train, args=what, daemon=True)
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

    def _train(self, pending: np.ndarray, judged: np.ndarray) -> None:
        begun = time.monotonic()
        rows = np.flatnonzero((judged == KEEP) | (judged == DROP))
        model: Model = train(self._features, rows, judged[rows] == KEEP)
        probability = model.probability(self._features)
        clean = self._features.flags == 0
        open_rows = pending & self._face & clean
        proposal = propose(model, probability, open_rows, self._max_error) if len(rows) else None
        order = np.argsort(doubt(probability, clean), kind="stable").astype(np.int32)
        self.advice = Advice(len(rows), probability, order, proposal)
        now = time.monotonic()
        self._not_before = now + (now - begun) / _SHARE
