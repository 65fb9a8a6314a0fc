"""What the review page can do: look at queues, take samples to the desk, mark them, undo."""

import asyncio
import errno
import hashlib
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from voiceface.config import Settings
from voiceface.layout import COPIES_SEEN, FACES_SEEN, MANIFEST, RUBRIC
from voiceface.layout import REVIEWS as LEDGER
from voiceface.review.assistant import Assistant
from voiceface.review.book import PROPOSED, Book
from voiceface.review.fold import Policy, resolve
from voiceface.review.follow import file_sizes, follow
from voiceface.review.heard import Heard, secret_of
from voiceface.review.ledger import Event, Ledger, Mark, is_text, read_ledger
from voiceface.review.media import Media
from voiceface.review.queue import Leases, Passed, Query, Selection
from voiceface.review.second import needs_second
from voiceface.review.seen import Seen
from voiceface.review.shown import sample_json
from voiceface.review.table import ReviewTable
from voiceface.review.writer import Writer

_SECRET = Path("data/review/secret")
_FACES = Path("data/faces")
_SPEECH = Path("data/speech")
_ID = re.compile(r"[A-Za-z0-9._/-]{1,200}")
_MOST_UNDONE = 24  # samples that are shown again
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


_Placed = tuple[bool, Mark]
"""A mark, and whether it goes to the ledger of the first pass."""


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
        for curator in curators:
            Ledger(root / LEDGER, curator)  # refuses a name that can't be a folder
        self._manifest = root / MANIFEST
        self.rubric = root / RUBRIC
        self.table = ReviewTable.open(self._manifest)
        self._built_ns = self._manifest.stat().st_mtime_ns
        self.seen = Seen(root / COPIES_SEEN)
        self.media = Media(self.table, root / _FACES, root / _SPEECH, self.seen)
        # One thread: each further one would keep memory of its own.
        self.reader = ThreadPoolExecutor(1, "media")
        secret = secret_of(root / _SECRET)
        self.project = hashlib.sha256(b"project" + secret).hexdigest()[:16]
        """tells the page's browser apart the projects that are served at one address in turn"""
        self.heard = Heard(secret)
        self.leases = Leases(settings.review.lease_s)
        self.passed = Passed(settings.review.lease_s)
        self.writer = Writer()
        # The second is that of the first pass: faces found fit, whose sound is still to be heard.
        self.roots = {False: root / LEDGER, True: root / FACES_SEEN}
        policy = Policy(settings.manifest.dispute_policy, settings.manifest.adjudicators)
        share, seed = settings.review.second_share, settings.review.second_seed
        blind = partial(needs_second, share=share, seed=seed)
        marks = Book(self.table, partial(resolve, policy=policy), blind)
        self.books = {False: marks, True: Book(self.table, blind=blind)}
        self._sizes = {faces: file_sizes(self.roots[faces]) for faces in self.books}
        for faces, book in self.books.items():
            book.take(read_ledger(self.roots[faces]))
        self.trouble: dict[bool, str] = {}
        """why the marks of others can't be read now, by ledger"""
        self.assistant = Assistant(self.table, settings.review.max_error)
        self.selection = Selection(
            self.table, self.book, self.books[True], self.assistant, settings
        )
        self.assistant.consider(self.book)
        self._offered: dict[str, set[int]] = {}
        self._under_way: dict[str, asyncio.Future[None]] = {}
        self._undoing = asyncio.Lock()
        """Two undos at once would take the same mark back."""

    @property
    def book(self) -> Book:
        """The marks."""
        return self.books[False]

    def is_rebuilt(self) -> bool:
        """Whether the manifest is another one by now than the one that was read."""
        try:
            return self._manifest.stat().st_mtime_ns != self._built_ns
        except FileNotFoundError:
            return True

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
        look: str = "",
    ) -> dict[str, Any]:
        """The next samples of a query that nobody else has, leased to this tab of the page.

        Args:
            have: samples that the tab has already: their lease goes on.
            skip: samples that it has passed or marked; they need not be told twice of one look.
            faces: for the grid: of one speaker, and none whose face was seen.
            look: the tab's name for this look through the queue.
        """
        holder = f"{curator}/{tab}"
        away = self.leases.held_by_others(holder, len(self.table))
        held = self._rows(have)
        away[held] = True
        away[self.passed.add(f"{holder}/{look}", self._rows(skip))] = True
        if faces and query.queue != "proposed":
            away |= self.selection.fit(curator)
        mask = self.selection.mask(query, curator)
        whole = int(np.count_nonzero(mask))
        mask &= ~away
        rows = self.selection.first(query, curator, mask, 0, count)
        if faces and rows:
            speakers = self.table.columns["speaker"]
            mask &= speakers.mask("=", speakers.value(rows[0]))
            rows = self.selection.first(query, curator, mask, 0, count)
        self.leases.take(holder, [*rows, *held])
        if query.queue == "proposed":  # they may be kept so, though the next model thinks otherwise
            self._offered.setdefault(curator, set()).update(rows)
        found = [sample_json(self, curator, row) for row in rows]
        return {"words": query.words(whole), "count": whole, "samples": found}

    async def mark(self, curator: str, wanted: Sequence[Wanted]) -> dict[str, Any]:
        """Take marks; returns once they are on disk: the ids that are saved, and those refused.

        A mark whose id is known already is saved already.

        Raises:
            OSError: the disk is full, say; then none was saved.
        """
        refused: list[dict[str, str]] = []
        saved: list[str] = []
        taken: dict[str, _Placed] = {}
        waits: list[asyncio.Future[None]] = []
        for one in {one.id: one for one in wanted}.values():
            try:
                if one.id in self._under_way:
                    waits.append(self._under_way[one.id])
                elif not self._known(curator, one.id):
                    taken[one.id] = self._checked(curator, one, taken)
                saved.append(one.id)
            except Refused as error:
                refused.append({"id": one.id, "code": error.code, "words": str(error)})
        if taken:
            await self._write(curator, list(taken.values()))
        for future in waits:
            await future
        return {"saved": saved, "refused": refused}

    async def undo(self, curator: str, name: str) -> dict[str, Any]:
        """Take back the curator's latest mark, or all that were made at once: a page, an import.

        Args:
            name: id for the undo; that of a known one changes nothing.

        Returns: how many marks were taken back (`count`), and the first of their samples, each with
            the note of its mark.
        """
        async with self._undoing:
            await self._undo_latest(curator, name)
        undone = [one for book in self.books.values() for one in book.undone_by(curator, name)]
        rows = [(self.table.row_of(event.sample), event.note) for event in undone]
        known = [(row, note) for row, note in rows if row is not None][:_MOST_UNDONE]
        samples = [{**sample_json(self, curator, row), "note": note} for row, note in known]
        return {"samples": samples, "count": len(undone)}

    async def _undo_latest(self, curator: str, name: str) -> None:
        if not any(book.event(name) for book in self.books.values()):
            last = [one for book in self.books.values() if (one := book.undoable(curator))]
            if not last:
                return
            event = max(last, key=lambda event: event.time)
            undos = [
                (faces, replace(_undo(one), id=name if one is event else f"{name}/{one.id}"))
                for faces, book in self.books.items()
                for one in book.batch(curator, event)
            ]
            await self._write(curator, undos)

    def finish(self, curator: str, content: str) -> str | None:
        """The receipt for a sound that was heard; None when it can't have been."""
        row = self.table.row_of_content(content)
        if row is None:
            return None
        start, end = (self.table.columns[name].value(row) for name in ("start_us", "end_us"))
        return self.heard.finish(curator, content, (end - start) / 1e6)

    async def _write(self, curator: str, marks: list[_Placed]) -> None:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        self._under_way |= {mark.id: future for _, mark in marks}
        try:
            for faces, book in self.books.items():
                if some := [mark for to_faces, mark in marks if to_faces == faces]:
                    book.take(await self.writer.write(self.roots[faces], curator, some))
        except Exception as error:
            future.set_exception(error)
            future.exception()  # whoever waits too gets it; if nobody does, it is no defect
            raise
        else:
            future.set_result(None)
        finally:
            for _, mark in marks:
                self._under_way.pop(mark.id, None)
        self.assistant.consider(self.book)
        loop.run_in_executor(self.reader, self._keep_seen, [mark for _, mark in marks])

    def _keep_seen(self, marks: Sequence[Mark]) -> None:
        for mark in marks:
            row = self.table.row_of(mark.sample)
            if row is None or mark.decision == "undo" or not mark.content:
                continue
            face, sound = self.media.face(mark.content), self.media.sound(mark.content)
            if face and sound:
                self.seen.keep(mark.content, face, sound, self.table.values(row))

    async def follow(self) -> None:
        """Take in what others write to the ledgers, for ever."""
        parts = (
            follow(
                root,
                self._sizes[faces],
                self.writer.files,
                self.books[faces].take,
                partial(self.trouble.__setitem__, faces),
            )
            for faces, root in self.roots.items()
        )
        await asyncio.gather(*parts)

    async def close(self) -> None:
        """Write what waits, and give the files free."""
        await self.writer.close()
        self.reader.shutdown()
        self.seen.close()

    def _rows(self, samples: Sequence[str]) -> list[int]:
        return [row for sample in samples if (row := self.table.row_of(sample)) is not None]

    def _known(self, curator: str, name: str) -> bool:
        events = [event for book in self.books.values() if (event := book.event(name))]
        if any(event.curator != curator for event in events):
            raise Refused("id", "that id is another curator's")
        return bool(events)

    def _checked(self, curator: str, one: Wanted, before: Mapping[str, _Placed]) -> _Placed:
        """The mark, and where it goes.

        Args:
            before: marks of the same request, by id, which an undo may take back.

        Raises:
            Refused: it can't be taken.
        """
        if not _ID.fullmatch(one.id):
            raise Refused("id", "an id has letters, digits, and . _ / - alone")
        if not is_text("".join((one.sample, one.content, one.reason, one.note, one.batch))):
            raise Refused("text", "a reason, a note or a name holds what is no text")
        if one.decision == "undo":
            return self._checked_undo(curator, one, before)
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
            return row in self._offered.get(curator, ()) or self.assistant.proposes(row)
        return bool(one.heard) and self.heard.holds(curator, one.content, one.heard)

    def _checked_undo(self, curator: str, one: Wanted, before: Mapping[str, _Placed]) -> _Placed:
        if one.undoes in before:
            faces, mark = before[one.undoes]
            undo = Mark(mark.sample, mark.content, "undo", undoes=mark.id, id=one.id)
            return faces, undo
        for faces, book in self.books.items():
            event = book.event(one.undoes)
            if event is not None and event.curator == curator:
                return faces, replace(_undo(event), id=one.id)
        raise Refused("undo", "there is no mark of yours of that id")


def _undo(event: Event) -> Mark:
    return Mark(event.sample, event.content, "undo", undoes=event.id, after=event.time)


def error_of(error: OSError) -> tuple[int, dict[str, str]]:
    """HTTP status and words for marks that could not be written."""
    if error.errno in _NO_SPACE:
        return 507, {"code": "full", "error": "the disk is full: free some space"}
    return 500, {"code": "disk", "error": f"not saved: {error.strerror or error}"}
