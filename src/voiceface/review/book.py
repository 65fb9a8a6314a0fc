"""What the ledger says of each row of the table, kept up to date with every mark."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from operator import attrgetter

import numpy as np

from voiceface.review.audit import AUDIT
from voiceface.review.columns import Column, Flags, Texts, Times
from voiceface.review.fold import Standing, resolve, standing_by_curator
from voiceface.review.ledger import Event, no_collection
from voiceface.review.table import ReviewTable
from voiceface.tables import CURATED, FATE_OF_REVIEW, KEPT, REASONS, REVIEWS

PENDING, KEEP, DROP = (REVIEWS.index(name) for name in ("pending", "keep", "drop"))
PROPOSED = "proposed"
"""Reason of a keep that the assistant proposed, page by page: no judgement of a curator's."""

_FATES = [KEPT, *REASONS, *CURATED]


class _Codes:
    """Text that is given to rows one by one: codes, and the values so far."""

    def __init__(self, rows: int, kind: type, values: Iterable[str] = ("",)) -> None:
        self.values = list(values)
        self.codes: np.ndarray = np.zeros(rows, kind)
        self._known = {value: code for code, value in enumerate(self.values)}

    def put(self, row: int, value: str) -> None:
        self.codes[row] = self.code(value)

    def code(self, value: str) -> int:
        code = self._known.setdefault(value, len(self.values))
        if code == len(self.values):
            self.values.append(value)
        return code


class Book:
    """The events of a ledger by row, and what holds for each row.

    What a curator may not see (`blind`) is to them as if it were not marked.
    """

    def __init__(
        self,
        table: ReviewTable,
        decide: Callable[[Mapping[str, Event], str], Standing] = resolve,
        blind: Callable[[str], bool] = lambda sample: False,
    ) -> None:
        """An empty book.

        Args:
            decide: what holds by the marks of each curator and the row's content.
            blind: whether nobody may see another's mark on a sample before having marked it, or
                until two have.
        """
        rows = len(table)
        self._table = table
        self._decide = decide
        self._is_blind = blind
        self._events: dict[int, tuple[Event, ...]] = {}
        self._by_id: dict[str, Event] = {}
        self._own: dict[str, list[Event]] = {}
        self._mine: dict[str, dict[int, Event]] = {}
        self._audit: set[int] = set()
        self._blind: set[int] = set()
        self._review = _Codes(rows, np.int8, REVIEWS)
        self._reason, self._curator = _Codes(rows, np.int32), _Codes(rows, np.int16)
        # Zero where there is none: what was never written takes no memory.
        self._time_us = np.zeros(rows, np.int64)
        self._views: dict[str, tuple[int, np.ndarray]] = {}
        self.version = 0
        """changes with every event"""

    @no_collection()
    def take(self, events: Iterable[Event]) -> None:
        """Add events, each once; those on samples that are not in the table change no row."""
        new = {event.id: event for event in events if event.id not in self._by_id}
        self._by_id |= new
        touched: dict[str, int] = {}
        for event, row in zip(
            new.values(), self._table.rows_of([e.sample for e in new.values()]), strict=True
        ):
            self._own.setdefault(event.curator, []).append(event)
            if row is not None:
                self._events[row] = (*self._events.get(row, ()), event)
                touched[event.sample] = row
        standing = standing_by_curator(
            event for row in touched.values() for event in self._events[row]
        )
        for sample, row in touched.items():
            self._update(row, sample, standing.get(sample, {}))
        self.version += 1

    def event(self, name: str) -> Event | None:
        """The event of an id."""
        return self._by_id.get(name)

    def marks(self, row: int, curator: str) -> dict[str, Event]:
        """The standing marks of a row, by curator, as far as `curator` may see them."""
        marks = self._standing_of(row)
        return {} if row in self._blind and curator not in marks else marks

    def own(self, curator: str) -> list[Event]:
        """A curator's events, in order of time."""
        return self._own.get(curator, [])

    def undoable(self, curator: str) -> Event | None:
        """A curator's latest mark that stands; None when there is none."""
        return max(self._standing(curator), key=attrgetter("time", "id"), default=None)

    def batch(self, curator: str, event: Event) -> list[Event]:
        """The curator's standing marks that were made at once with `event`, itself included."""
        alone = not event.batch or event.batch == AUDIT
        return [
            one
            for one in self._standing(curator)
            if one.id == event.id or (one.batch == event.batch and not alone)
        ]

    def undone_by(self, curator: str, name: str) -> list[Event]:
        """The events that the undo of that id, or a part of it (`name/…`), took back."""
        undos = (event for event in self.own(curator) if event.undoes in self._by_id)
        return [self._by_id[e.undoes] for e in undos if e.id.partition("/")[0] == name]

    def audited(self) -> list[Event]:
        """The standing marks that were made in the random audit."""
        marks = (mark for row in self._audit for mark in self._standing_of(row).values())
        return [mark for mark in marks if mark.batch == AUDIT]

    def marked_by(self, curator: str) -> np.ndarray:
        """Rows with a standing mark of the curator: bool (rows,)."""
        found = np.zeros(len(self._table), bool)
        found[list(self._mine.get(curator, ()))] = True
        return found

    def review(self, curator: str | None = None) -> np.ndarray:
        """What each row's mark is, as far as the curator may see it: places in `REVIEWS`.

        Without a curator it is what holds. The array is not to be written to.
        """
        if curator is None or not self._blind:
            return self._review.codes
        version, view = self._views.get(curator, (-1, self._review.codes))
        if version != self.version:
            view = self._review.codes.copy()
            view[self._hidden(curator)] = PENDING
            self._views[curator] = (self.version, view)
        return view

    def proposed(self) -> np.ndarray:
        """Rows that were kept because the assistant proposed it, by nobody's look: bool (rows,)."""
        return (self._review.codes == KEEP) & (self._reason.codes == self._reason.code(PROPOSED))

    def judged(self) -> np.ndarray:
        """As `review()`, where what was only proposed is pending."""
        return np.where(self.proposed(), np.int8(PENDING), self._review.codes)

    def state(self, row: int, curator: str) -> str:
        """What a row's mark is, as far as the curator may see it: one of `REVIEWS`."""
        return REVIEWS[self.review(curator)[row]]

    def column(self, name: str, curator: str) -> Column:
        """A column that marks change (`table.LIVE`), as far as the curator may see it."""
        review = self.review(curator)
        if name == "review":
            return Texts(review, list(REVIEWS))
        if name == "fate":
            return Texts(self._fates(review), _FATES)
        hidden = self._hidden(curator)
        if name == "reviewed_at":
            time = np.where(self._time_us > 0, self._time_us, np.nan)
            time[hidden] = np.nan
            return Times(time)
        known = {"review_reason": self._reason, "curator": self._curator}[name]
        codes = known.codes.copy()
        codes[hidden] = 0
        return Texts(codes, known.values)

    def _hidden(self, curator: str) -> list[int]:
        return [row for row in self._blind if row not in self._mine.get(curator, ())]

    def _standing_of(self, row: int) -> dict[str, Event]:
        """A row's standing marks, by curator."""
        found = standing_by_curator(self._events.get(row, ()))
        return next(iter(found.values()), {})

    def _standing(self, curator: str) -> Iterable[Event]:
        """A curator's standing marks."""
        return self._mine.get(curator, {}).values()

    def _fates(self, review: np.ndarray) -> np.ndarray:
        """As `stages.manifest.fate` tells it: places in `_FATES`."""
        flags = self._table.columns["flags"]
        assert isinstance(flags, Flags)
        place = {name: _FATES.index(name) for name in _FATES}
        # The last entry is that of no flag: without a face, and so kept out, all the same.
        of_flag = np.array([place.get(name, -1) for name in flags.names] + [place["no_face"]])
        against = (flags.bits > 0) & (review != KEEP) | ~self._table.has_face
        result = np.where(against, of_flag[flags.first()], place[KEPT]).astype(np.int8)
        for name, fate in FATE_OF_REVIEW.items():
            result[review == REVIEWS.index(name)] = place[fate]
        return result

    def _update(self, row: int, sample: str, marks: Mapping[str, Event]) -> None:
        """Put down what holds for a row by its standing marks."""
        for curator in {event.curator for event in self._events[row]} - marks.keys():
            self._mine.get(curator, {}).pop(row, None)
        for curator, mark in marks.items():
            self._mine.setdefault(curator, {})[row] = mark
        audited = any(mark.batch == AUDIT for mark in marks.values())
        (self._audit.add if audited else self._audit.discard)(row)
        # Once two have marked it, the others see what they said: one of them may have to decide.
        alone = len(marks) == 1 and self._is_blind(sample)
        (self._blind.add if alone else self._blind.discard)(row)
        standing = self._decide(marks, self._table.content(row))
        event = standing.event
        self._review.put(row, standing.review)
        self._reason.put(row, event.reason if event else "")
        self._curator.put(row, event.curator if event else "")
        time_s = datetime.fromisoformat(event.time).timestamp() if event else 0
        self._time_us[row] = round(time_s * 1e6)
