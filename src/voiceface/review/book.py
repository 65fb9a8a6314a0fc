"""What the ledger says of each row of the table, kept up to date with every mark."""

from collections.abc import Iterable
from datetime import datetime

import numpy as np

from voiceface.review.audit import AUDIT
from voiceface.review.columns import Column, Flags, Texts, Times
from voiceface.review.fold import fold, review_of
from voiceface.review.ledger import Event
from voiceface.review.table import ReviewTable
from voiceface.tables import CURATED, KEPT, REASONS, REVIEWS

PENDING = REVIEWS.index("pending")
_FATES = [KEPT, *REASONS, *CURATED, "no_face"]
_BY_CURATOR = {"drop": "dropped_by_curator", "unsure": "unsure", "stale": "stale"}


class _Codes:
    """Text that is given to rows one by one: codes, and the values so far."""

    def __init__(self, rows: int, values: Iterable[str] = ("",)) -> None:
        self.values = list(values)
        self.codes = np.zeros(rows, np.int32)
        self._known = {value: code for code, value in enumerate(self.values)}

    def put(self, row: int, value: str) -> None:
        code = self._known.setdefault(value, len(self.values))
        if code == len(self.values):
            self.values.append(value)
        self.codes[row] = code


class Book:
    """The events of a ledger by row, and what holds for each row.

    A curator sees of the rows of the blind second review nobody else's mark before their own.
    """

    def __init__(self, table: ReviewTable) -> None:
        rows = len(table)
        self._table = table
        self._events: dict[int, list[Event]] = {}
        self._by_id: dict[str, Event] = {}
        self._audit: set[int] = set()
        self._own: dict[str, list[Event]] = {}
        self._review = _Codes(rows, REVIEWS)
        self._reason, self._curator = _Codes(rows), _Codes(rows)
        self._time = np.full(rows, np.nan)
        self._has_face = table.columns["content"].mask("!=", "")
        self.version = 0
        """changes with every event"""

    def take(self, events: Iterable[Event]) -> None:
        """Add events, each once; those on samples that are not in the table change no row."""
        touched = set()
        for event in events:
            if event.id in self._by_id:
                continue
            self._by_id[event.id] = event
            self._own.setdefault(event.curator, []).append(event)
            row = self._table.row_of(event.sample)
            if row is not None:
                self._events.setdefault(row, []).append(event)
                if event.batch == AUDIT:
                    self._audit.add(row)
                touched.add(row)
        for row in touched:
            self._update(row)
        self.version += 1

    def event(self, name: str) -> Event | None:
        """The event of an id."""
        return self._by_id.get(name)

    def marks(self, row: int, curator: str) -> dict[str, Event]:
        """The standing marks of a row, by curator, as far as `curator` may see them."""
        return self._marks(row)

    def undoable(self, curator: str) -> Event | None:
        """A curator's latest mark that stands; None when there is none."""
        undone = {event.undoes for event in self._own.get(curator, ()) if event.undoes}
        marks = (e for e in reversed(self._own.get(curator, [])) if e.decision != "undo")
        return next((event for event in marks if event.id not in undone), None)

    def batch(self, curator: str, event: Event) -> list[Event]:
        """The curator's standing marks that were made at once with `event`, and that one."""
        if not event.batch or event.batch == AUDIT:
            return [event] if event.id in self._by_id else []
        own = self._own.get(curator, [])
        undone = {one.undoes for one in own if one.undoes}
        same = [one for one in own if one.batch == event.batch and one.decision != "undo"]
        return [one for one in same if one.id not in undone]

    def undone_by(self, name: str) -> list[Event]:
        """The events that the undo of that id, or a part of it (`name/…`), took back."""
        undo = self._by_id.get(name)
        if undo is None:
            return []
        parts = [e for e in self._own[undo.curator] if e.id.partition("/")[0] == name]
        return [self._by_id[e.undoes] for e in parts if e.undoes in self._by_id]

    def audited(self) -> list[Event]:
        """The standing marks that were made in the random audit."""
        marks = (mark for row in self._audit for mark in self._marks(row).values())
        return [mark for mark in marks if mark.batch == AUDIT]

    def own(self, curator: str) -> list[Event]:
        """A curator's events, in order of time."""
        return self._own.get(curator, [])

    def current(self) -> np.ndarray:
        """Rows whose mark is a keep of their present content: bool (rows,)."""
        return self._review.codes == REVIEWS.index("keep")

    def state(self, row: int, curator: str) -> str:
        """What a row's mark is, as far as the curator may see it: one of `REVIEWS`."""
        return REVIEWS[self.review(curator)[row]]

    def marked_by(self, curator: str) -> np.ndarray:
        """Rows with a standing mark of the curator: bool (rows,)."""
        found = np.zeros(len(self._table), bool)
        for event in self._own.get(curator, ()):
            if (row := self._table.row_of(event.sample)) is not None:
                found[row] = curator in self._marks(row)
        return found

    def review(self, curator: str) -> np.ndarray:
        """What each row's mark is, as far as the curator may see it: places in `REVIEWS`."""
        return self._review.codes

    def columns(self, curator: str) -> dict[str, Column]:
        """The columns that marks change, as far as the curator may see them."""
        review = self.review(curator)
        return {
            "review": Texts(review, list(REVIEWS)),
            "review_reason": Texts(self._reason.codes, self._reason.values),
            "curator": Texts(self._curator.codes, self._curator.values),
            "reviewed_at": Times(self._time),
            "fate": Texts(self._fates(review), _FATES),
        }

    def _fates(self, review: np.ndarray) -> np.ndarray:
        """As `stages.manifest.fate` tells it: places in `_FATES`."""
        flags = self._table.columns["flags"]
        assert isinstance(flags, Flags)
        place = {name: _FATES.index(name) for name in _FATES}
        of_flag = np.array([*(place.get(name, -1) for name in flags.names), place["no_face"]])
        against = (flags.bits > 0) & (review != REVIEWS.index("keep")) | ~self._has_face
        result = np.where(against, of_flag[flags.first()], place[KEPT])
        for name, fate in _BY_CURATOR.items():
            result[review == REVIEWS.index(name)] = place[fate]
        return result

    def _marks(self, row: int) -> dict[str, Event]:
        standing = fold(self._events.get(row, ()))
        return {event.curator: event for event in standing.values()}

    def _update(self, row: int) -> None:
        event = next(iter(self._marks(row).values()), None)
        self._review.put(row, review_of(event, self._table.content(row)))
        self._reason.put(row, event.reason if event else "")
        self._curator.put(row, event.curator if event else "")
        self._time[row] = _microseconds(event.time) if event else np.nan


def _microseconds(time: str) -> float:
    return datetime.fromisoformat(time).timestamp() * 1e6
