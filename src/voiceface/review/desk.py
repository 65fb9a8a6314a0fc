"""What the review page can do: look at queues, take samples to the desk, mark them, undo."""

import asyncio
import errno
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from voiceface.config import Settings
from voiceface.errors import VoicefaceError
from voiceface.layout import MANIFEST
from voiceface.layout import REVIEWS as LEDGER
from voiceface.review.assistant import Assistant
from voiceface.review.book import KEEP, Book
from voiceface.review.fold import Policy, resolve
from voiceface.review.heard import Heard, secret_of
from voiceface.review.ledger import Event, Mark, read_ledger
from voiceface.review.media import Media
from voiceface.review.queue import Leases, Query, Selection
from voiceface.review.second import needs_second
from voiceface.review.shown import sample_json
from voiceface.review.table import ReviewTable
from voiceface.review.writer import Writer

FACES_SEEN = Path("manifests/faces-seen")
"""Ledger of the first pass: faces that a curator found fit, whose sound is still to be heard."""

PROPOSED = "proposed"
"""Reason of a keep that the assistant proposed, page by page."""

_SECRET = Path("data/review/secret")
_FACES = Path("data/faces")
_SPEECH = Path("data/speech")
_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@dataclass(frozen=True)
class Wanted:
    """A mark as the page sends it."""

    id: str
    sample: str
    content: str
    decision: str
    reason: str = ""
    note: str = ""
    undoes: str = ""
    batch: str = ""
    heard: str = ""
    """receipt, see `heard`"""
    faces: bool = False
    """made in the grid of faces: a keep says that the face is fit"""


class Refused(Exception):
    """A mark that can't be taken: a code for the page, and the words for the curator."""

    def __init__(self, code: str, words: str) -> None:
        super().__init__(words)
        self.code = code


class Desk:
    """All that the server knows and does, without HTTP."""

    def __init__(self, root: Path, settings: Settings, curators: Sequence[str]) -> None:
        """Read the manifest and the ledgers of the project in `root`.

        Raises:
            VoicefaceError: there is no manifest, or a ledger is damaged.
        """
        self.settings = settings
        self.curators = list(curators)
        self.table = ReviewTable.open(root / MANIFEST)
        self.media = Media(self.table, root / _FACES, root / _SPEECH)
        self.heard = Heard(secret_of(root / _SECRET))
        self.leases = Leases(settings.review.lease_s)
        self.writer = Writer()
        self.roots = {False: root / LEDGER, True: root / FACES_SEEN}
        policy = Policy(settings.manifest.dispute_policy, settings.manifest.adjudicators)
        share, seed = settings.review.second_share, settings.review.second_seed
        marks = Book(
            self.table,
            lambda marks, content: resolve(marks, content, policy),
            lambda sample: needs_second(sample, share, seed),
        )
        self.books = {False: marks, True: Book(self.table)}
        for faces, book in self.books.items():
            book.take(read_ledger(self.roots[faces]))
        self.assistant = Assistant(self.table, settings.review.max_error)
        self.selection = Selection(self.table, self.book, self.assistant, settings.review)
        self.assistant.consider(self.book.review())
        self._under_way: dict[str, asyncio.Future[None]] = {}

    @property
    def book(self) -> Book:
        """The marks."""
        return self.books[False]

    def page(self, curator: str, query: Query, number: int, size: int) -> dict[str, Any]:
        """One page of a query, in words, counted."""
        start = number * size
        count, rows = self.selection.page(query, curator, start, start + size)
        found = [sample_json(self, curator, row) for row in rows]
        return {"words": query.words(count), "count": count, "page": number, "samples": found}

    def take(
        self,
        curator: str,
        tab: str,
        query: Query,
        count: int,
        have: Sequence[str] = (),
        skip: Sequence[str] = (),
        faces: bool = False,
    ) -> dict[str, Any]:
        """The next samples of a query that nobody else has, leased to this tab of the page.

        Args:
            have: samples that the tab has already: their lease goes on.
            skip: samples that it has passed or marked.
            faces: for the grid: of one speaker, and none whose face was seen.
        """
        holder = f"{curator}/{tab}"
        away = self.leases.held_by_others(holder, len(self.table))
        held = self._rows(have)
        away[held] = True
        away[self._rows(skip)] = True
        if faces and query.queue != "proposed":
            away |= self.books[True].review() == KEEP
        total, rows = self.selection.page(query, curator, 0, count, away)
        if faces and rows:
            speakers = self.table.columns["speaker"]
            away |= ~speakers.mask("=", speakers.value(rows[0]))
            _, rows = self.selection.page(query, curator, 0, count, away)
        self.leases.take(holder, [*rows, *held])
        whole, _ = self.selection.page(query, curator, 0, 0)
        return {
            "words": query.words(whole),
            "count": whole,
            "left": total,
            "samples": [sample_json(self, curator, row) for row in rows],
        }

    async def mark(self, curator: str, wanted: Sequence[Wanted]) -> dict[str, Any]:
        """Take marks; returns once they are on disk: the ids that are saved, and those refused.

        A mark whose id is known already is saved already.

        Raises:
            OSError: the disk is full, say; then none was saved.
        """
        refused: list[dict[str, str]] = []
        saved: list[str] = []
        marks: dict[bool, list[Mark]] = {False: [], True: []}
        waits: list[asyncio.Future[None]] = []
        for one in {one.id: one for one in wanted}.values():
            try:
                if self._known(curator, one.id):
                    saved.append(one.id)
                elif one.id in self._under_way:
                    waits.append(self._under_way[one.id])
                    saved.append(one.id)
                else:
                    faces, mark = self._checked(curator, one)
                    marks[faces].append(mark)
                    saved.append(one.id)
            except Refused as error:
                refused.append({"id": one.id, "code": error.code, "words": str(error)})
        for faces, some in marks.items():
            if some:
                await self._write(faces, curator, some)
        for future in waits:
            await future
        return {"saved": saved, "refused": refused}

    async def undo(self, curator: str, name: str) -> dict[str, Any]:
        """Take back the curator's latest mark, or the page of them that was made at once.

        Args:
            name: id for the undo; that of a known one changes nothing.
        """
        known = [book for book in self.books.values() if book.event(name)]
        if not known:
            last = {faces: book.undoable(curator) for faces, book in self.books.items()}
            faces, event = max(
                last.items(),
                key=lambda item: item[1].time if item[1] else "",
                default=(False, None),
            )
            if event is None:
                return {"samples": []}
            for side, book in self.books.items():
                events = book.batch(curator, event) if side == faces or event.batch else []
                marks = [
                    replace(_undo(one), id=name if one is event else f"{name}/{number}")
                    for number, one in enumerate(events)
                ]
                if marks:
                    await self._write(side, curator, marks)
        rows = [
            self.table.row_of(event.sample)
            for book in self.books.values()
            for event in book.undone_by(curator, name)
        ]
        return {"samples": [sample_json(self, curator, row) for row in rows if row is not None]}

    def finish(self, curator: str, content: str) -> str | None:
        """The receipt for a sound that was heard; None when it can't have been."""
        row = self.table.row_of_content(content)
        if row is None:
            return None
        start, end = (self.table.columns[name].value(row) for name in ("start_us", "end_us"))
        return self.heard.finish(curator, content, (end - start) / 1e6)

    async def _write(self, faces: bool, curator: str, marks: list[Mark]) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._under_way |= {mark.id: future for mark in marks}
        try:
            events = await self.writer.write(self.roots[faces], curator, marks)
        except (OSError, VoicefaceError) as error:
            future.set_exception(error)
            future.exception()  # whoever waits too gets it; if nobody does, it is no defect
            raise
        else:
            self.books[faces].take(events)
            self.assistant.consider(self.book.review())
            future.set_result(None)
        finally:
            for mark in marks:
                del self._under_way[mark.id]

    def _rows(self, samples: Sequence[str]) -> list[int]:
        return [row for sample in samples if (row := self.table.row_of(sample)) is not None]

    def _known(self, curator: str, name: str) -> bool:
        events = [event for book in self.books.values() if (event := book.event(name))]
        if any(event.curator != curator for event in events):
            raise Refused("id", "that id is another curator's")
        return bool(events)

    def _checked(self, curator: str, one: Wanted) -> tuple[bool, Mark]:
        """The ledger that a mark goes to (whether that of the first pass), and the mark.

        Raises:
            Refused: it can't be taken.
        """
        if one.decision == "undo":
            return self._checked_undo(curator, one)
        row = self.table.row_of(one.sample)
        if row is None:
            raise Refused("gone", f"there is no sample {one.sample}")
        if self.table.content(row) != one.content:
            raise Refused("changed", f"{one.sample} has another face or sound now: load it again")
        if one.decision not in ("keep", "drop", "unsure"):
            raise Refused("decision", f"{one.decision!r} is no decision")
        if one.decision == "drop" and not one.reason.strip():
            raise Refused("reason", "a drop needs a reason")
        if one.decision == "keep" and not one.content:
            raise Refused("no_face", f"{one.sample} has no face, so it can't be kept")
        must_hear = self.settings.review.must_hear and one.decision == "keep"
        to_faces = must_hear and one.faces and one.reason != PROPOSED
        if must_hear and not to_faces and not self._may_keep(curator, one, row):
            raise Refused("not_heard", f"hear {one.sample} to the end before you keep it")
        standing = self.books[to_faces].marks(row, curator)
        after = max((event.time for event in standing.values()), default="")
        text = (one.decision, one.reason, one.note)
        return to_faces, Mark(one.sample, one.content, *text, "", one.batch, one.id, after)

    def _may_keep(self, curator: str, one: Wanted, row: int) -> bool:
        if one.faces:
            return self.assistant.proposes(row)
        return bool(one.heard) and self.heard.holds(curator, one.content, one.heard)

    def _checked_undo(self, curator: str, one: Wanted) -> tuple[bool, Mark]:
        for faces, book in self.books.items():
            event = book.event(one.undoes)
            if event is not None and event.curator == curator:
                return faces, replace(_undo(event), id=one.id)
        raise Refused("undo", "there is no mark of yours of that id")


def _undo(event: Event) -> Mark:
    return Mark(event.sample, event.content, "undo", undoes=event.id, after=event.time)


def error_of(error: OSError | VoicefaceError) -> tuple[int, dict[str, str]]:
    """HTTP status and words for marks that could not be saved."""
    if isinstance(error, OSError) and error.errno in _NO_SPACE:
        return 507, {"code": "full", "error": "the disk is full: free some space"}
    if isinstance(error, OSError):
        return 500, {"code": "disk", "error": f"not saved: {error.strerror or error}"}
    return 500, {"code": "ledger", "error": str(error)}
