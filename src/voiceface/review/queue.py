"""What is to be looked at next: queues, filters and an order over the table; and leases."""

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import numpy as np

from voiceface.config import Settings
from voiceface.errors import VoicefaceError
from voiceface.reporting.words import thousands
from voiceface.review.assist import doubt
from voiceface.review.assistant import Assistant
from voiceface.review.audit import audit_rows
from voiceface.review.book import KEEP, PENDING, Book
from voiceface.review.columns import Column
from voiceface.review.filters import Filter
from voiceface.review.table import LIVE, ReviewTable
from voiceface.review.words import COLUMNS, QUEUES, sort_words
from voiceface.tables import REVIEWS

ORDERS = ("doubtful", "worst", "uncertain", "manifest")
"""Orders beside those by a column."""

DRAWN = ("audit", "proposed")
"""Queues with an order of their own, which no sorting changes."""

_STEP = 1 << 16  # rows


@dataclass(frozen=True)
class Query:
    """A queue, filters and an order."""

    queue: str = "pending"
    filters: tuple[Filter, ...] = ()
    sort: str = "doubtful"
    """one of `ORDERS`, a column, or a column with `-` before it: highest first"""

    def __post_init__(self) -> None:
        if self.queue not in QUEUES:
            raise VoicefaceError(f"queue {self.queue!r}: must be one of {', '.join(QUEUES)}")
        if self.sort not in ORDERS and self.sort.removeprefix("-") not in COLUMNS:
            raise VoicefaceError(f"sort {self.sort!r}: must be a column, or {', '.join(ORDERS)}")

    def words(self, count: int) -> str:
        """What is shown, counted: `12 samples waiting …, speaker Ana, worst first`."""
        noun = "sample" if count == 1 else "samples"
        about = [filter.words for filter in self.filters]
        order = [] if self.queue in DRAWN else [sort_words(self.sort)]
        return ", ".join([f"{thousands(count)} {noun} {QUEUES[self.queue]}", *about, *order])


class Selection:
    """Answers queries over one table and book."""

    def __init__(
        self,
        table: ReviewTable,
        book: Book,
        first_pass: Book,
        assistant: Assistant,
        settings: Settings,
    ) -> None:
        self._table = table
        self._first_pass = first_pass
        self._book = book
        self._assistant = assistant
        self._settings = settings.review
        self._only_reviewed = settings.manifest.require_review
        self._clean = table.columns["flags"].mask("=", "")
        self._audit: tuple[object, np.ndarray] = (None, np.zeros(0, np.int64))

    def page(self, query: Query, curator: str, start: int, stop: int) -> tuple[int, list[int]]:
        """How many rows a query finds, and those from `start` to before `stop`.

        Raises:
            VoicefaceError: a filter does not suit its column.
        """
        mask = self.mask(query, curator)
        return int(np.count_nonzero(mask)), self.first(query, curator, mask, start, stop)

    def first(
        self, query: Query, curator: str, mask: np.ndarray, start: int, stop: int
    ) -> list[int]:
        """Of the rows of a mask (bool), those from `start` to before `stop` in a query's order."""
        advice = self._assistant.advice
        if query.queue in DRAWN:
            return _scan(self._drawn(query.queue, curator), mask, start, stop)
        if query.sort == "manifest":
            return np.flatnonzero(mask)[start:stop].tolist()
        if query.sort == "doubtful" and advice:
            return _scan(advice.order, mask, start, stop)
        rows = np.flatnonzero(mask)
        stop = min(stop, len(rows))
        if start >= stop:
            return []
        keys = self._keys(query.sort, curator)[rows]
        return rows[_places(keys, start, stop)].tolist()

    def mask(self, query: Query, curator: str) -> np.ndarray:
        """Which rows a query finds: bool (rows,). Raises as `page` does."""
        columns: Mapping[str, Column] = self._table.columns
        if live := {filter.column for filter in query.filters} & set(LIVE):
            columns = {**columns, **{name: self._book.column(name, curator) for name in live}}
        mask = self._queue(query.queue, curator)
        for one in query.filters:
            mask &= one.mask(columns)
        return mask

    def fit(self, curator: str) -> np.ndarray:
        """Rows whose face was found fit in the first pass, as far as the curator may know it."""
        return self._first_pass.review(curator) == KEEP

    def kept_unseen(self, curator: str) -> np.ndarray:
        """Rows that are in the dataset though nobody judged them: bool (rows,).

        What nobody marked and has no flag, unless the dataset takes reviewed samples alone; and
        what was kept because the assistant proposed it.
        """
        pending = self._book.review(curator) == PENDING
        taken = pending & self._table.has_face & self._clean & (not self._only_reviewed)
        return taken | self._book.proposed()

    def counts(self, curator: str) -> dict[str, int]:
        """How many are in each queue."""
        return {name: int(np.count_nonzero(self._queue(name, curator))) for name in QUEUES}

    def _queue(self, name: str, curator: str) -> np.ndarray:
        review = self._book.review(curator)
        if name in ("pending", "flagged"):
            return (review == PENDING) & self._table.has_face & (self._clean == (name == "pending"))
        if name == "fit":
            return (review == PENDING) & self.fit(curator)
        if name == "marked":
            return review != PENDING
        if name == "mine":
            return self._book.marked_by(curator)
        if name in DRAWN:
            found = np.zeros(len(review), bool)
            found[self._drawn(name, curator)] = True
            return found
        if name == "all":
            return np.ones(len(review), bool)
        return review == REVIEWS.index(name) if name in REVIEWS else np.zeros(len(review), bool)

    def _drawn(self, name: str, curator: str) -> np.ndarray:
        """The rows of a queue of `DRAWN`, in its order."""
        if name == "proposed":
            advice = self._assistant.advice
            rows = advice.proposal.rows if advice and advice.proposal else np.zeros(0, np.int64)
            return rows[self._book.review(curator)[rows] == PENDING]
        unseen = self.kept_unseen(curator)
        key = (self._book.version, curator)
        if self._audit[0] != key:
            left = max(0, self._settings.audit_size - len(self._book.audited()))
            self._audit = (key, audit_rows(unseen, self._settings.audit_seed, left))
        return self._audit[1]

    def _keys(self, sort: str, curator: str) -> np.ndarray:
        """Numbers to sort by, lowest first; what is not known is last."""
        if sort in ORDERS:
            keys = self._doubt(sort)
        else:
            name = sort.removeprefix("-")
            live = name in LIVE
            column = self._book.column(name, curator) if live else self._table.columns[name]
            keys = column.keys()
            if sort.startswith("-"):
                keys = -(keys.astype(np.int16) if keys.dtype.itemsize == 1 else keys)
        if keys.dtype.kind == "f":
            return np.where(np.isnan(keys), np.inf, keys)
        return keys

    def _doubt(self, sort: str) -> np.ndarray:
        """Keys of the orders that a model tells; before there is one, of the flags and the face."""
        advice = self._assistant.advice
        if advice is None:
            flags = self._table.columns["flags"].keys().astype(np.float32)
            distance = self._table.columns["identity_distance"].keys()
            return -(10 * flags + np.nan_to_num(distance, nan=0))
        if sort == "uncertain":
            return np.abs(advice.probability - 0.5)
        if sort == "worst":
            return advice.probability
        return doubt(advice.probability, self._clean)


def _scan(order: np.ndarray, mask: np.ndarray, start: int, stop: int) -> list[int]:
    """The rows of a mask in an order, from `start` to before `stop`; reads no more than it must."""
    found: list[np.ndarray] = []
    count = 0
    for begin in range(0, len(order), _STEP):
        part = order[begin : begin + _STEP]
        found.append(part[mask[part]])
        count += len(found[-1])
        if count >= stop:
            break
    return np.concatenate([order[:0], *found])[start:stop].tolist()


def _places(keys: np.ndarray, start: int, stop: int) -> np.ndarray:
    """What stands at the places `start` to before `stop` of a stable sort, without sorting all."""
    parted = np.partition(keys, (start, stop - 1))
    low, high = parted[start], parted[stop - 1]
    between = np.flatnonzero((keys >= low) & (keys <= high))
    below = int(np.count_nonzero(keys < low))
    order = between[np.argsort(keys[between], kind="stable")]
    return order[start - below : stop - below]


@dataclass
class Leases:
    """Which rows are in whose hands; each for `lasts_s` seconds after it was last asked for."""

    lasts_s: float
    _held: dict[int, tuple[str, float]] = field(default_factory=dict)

    def held_by_others(self, holder: str, rows: int) -> np.ndarray:
        """Rows that somebody else holds: bool (rows,)."""
        now = time.monotonic()
        held = [r for r, (who, until) in self._held.items() if who != holder and until >= now]
        found = np.zeros(rows, bool)
        found[held] = True
        return found

    def take(self, holder: str, rows: Collection[int]) -> None:
        """Give rows to a holder, who then holds no others; what others hold stays theirs."""
        now = time.monotonic()
        others = {
            row: (who, until)
            for row, (who, until) in self._held.items()
            if who != holder and until >= now
        }
        self._held = dict.fromkeys(rows, (holder, now + self.lasts_s)) | others
