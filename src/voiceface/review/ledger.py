"""The ledger of the curators' marks: append-only lines, acknowledged only when they are on disk.

`<root>/<curator>/<uuid7>.jsonl`, one file per writing process, one event a line. Nothing is ever
rewritten, so copying two curators' folders together is a merge, in any order, any number of times.
"""

import fcntl
import gc
import json
import os
import re
import secrets
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from operator import attrgetter, itemgetter
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from voiceface.errors import VoicefaceError
from voiceface.files import fsync_folder

DECISIONS = ("keep", "drop", "unsure", "undo")

_PATIENCE_S = 1.0
_LINES = 1 << 10

_CURATOR = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
_TIME_FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"  # fixed width: text order is time order


class Event(NamedTuple):
    """One line of the ledger. A tuple: it is made in a third of a data class's time."""

    id: str
    """uuid; a second event of the same id is the same one, sent again"""
    time: str
    """when, UTC, as in 2026-11-20T09:30:00.123456Z"""
    curator: str
    """who"""
    sample: str
    """see ids.sample_id"""
    content: str
    """what was seen, see ids.content_digest; empty when the sample has no face"""
    decision: str
    """keep, drop, unsure or undo"""
    reason: str = ""
    """why, in a word; a drop has one"""
    note: str = ""
    """free text"""
    undoes: str = ""
    """id of the event that an undo takes back"""
    batch: str = ""
    """what was imported together has one batch, which can be undone"""


@dataclass(frozen=True, slots=True)
class Mark:
    """What a curator decides; `Ledger.append` makes an event of it. Fields as in `Event`."""

    sample: str
    content: str
    decision: str
    reason: str = ""
    note: str = ""
    undoes: str = ""
    batch: str = ""
    id: str = ""
    """given by a client that may have to send it again; empty: one is made"""
    after: str = ""
    """time that the event must be later than, whatever the clock says"""


_REQUIRED = frozenset(Event._fields) - Event._field_defaults.keys()
_BLANK = dict.fromkeys(Event._fields, "")
_in_order = itemgetter(*Event._fields)
_key = attrgetter("time", *(name for name in Event._fields if name != "time"))


class Ledger:
    """Writer of one curator's marks; one per process. Its file is made by the first mark."""

    def __init__(self, root: Path, curator: str) -> None:
        """Open the ledger of `curator` under `root`.

        Raises:
            VoicefaceError: the name can't be a folder, or the curator's newest file is damaged.
        """
        if not _CURATOR.fullmatch(curator):
            raise VoicefaceError(
                f"curator {curator!r}: must be at most 64 letters, digits, '.', '_' and '-',"
                " starting with a letter or digit; say --curator NAME"
            )
        self.curator = curator
        self.path: Path | None = None
        """the file that this process writes; None before the first mark"""
        self._folder = root / curator
        self._file: int | None = None
        self._size = 0  # bytes of whole, acknowledged lines
        self._last = ""

    def append(self, *marks: Mark) -> list[Event]:
        """Write marks, all in one piece, and return their events once they are on disk.

        Raises:
            OSError: they could not be written (a full disk, say); then none of them was.
            VoicefaceError: a mark is not one of `DECISIONS`, or a drop has no reason.
        """
        if not marks:
            return []
        if self._file is None:
            self._open()
        assert self._file is not None
        events = [self._event(mark) for mark in marks]
        data = "".join(f"{_line(event)}\n" for event in events).encode()
        try:
            # What an earlier failure could not take back.
            if os.fstat(self._file).st_size != self._size:
                os.ftruncate(self._file, self._size)
            written = os.write(self._file, data)
            while written < len(data):  # a nearly full disk: the rest tells the true error
                written += os.write(self._file, data[written:])
            os.fsync(self._file)
        except OSError:
            os.ftruncate(self._file, self._size)
            raise
        self._size += len(data)
        return events

    def close(self) -> None:
        """Give the file free; the next mark would open another one."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def __enter__(self) -> "Ledger":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _open(self) -> None:
        _make_folder(self._folder)
        newest = max(self._folder.glob("*.jsonl"), default=None, key=lambda path: path.name)
        if newest is not None:
            _mend(newest)
            self._last = max((e.time for e in _read_segment(newest, torn_tail=True)), default="")
        self.path = self._folder / f"{uuid7(newest.stem if newest else '')}.jsonl"
        self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o666)
        fcntl.flock(self._file, fcntl.LOCK_EX)  # tells readers that its last line may be under way
        fsync_folder(self._folder)
        self._size = 0

    def _event(self, mark: Mark) -> Event:
        values = {name: getattr(mark, name) for name in Mark.__slots__}
        after = max(self._last, values.pop("after"))
        now = datetime.now(UTC)
        if after:  # a clock that was set back must not make a new mark older than the one before
            now = max(now, datetime.fromisoformat(after) + timedelta(microseconds=1))
        self._last = now.strftime(_TIME_FORMAT)
        values |= {"id": mark.id or uuid7(), "time": self._last, "curator": self.curator}
        event = Event(**values)
        problem = _problem(event)
        if not problem and not is_text(_line(event)):
            problem = "holds bytes that are no text"
        if problem:
            raise VoicefaceError(f"mark of {mark.sample!r}: {problem}")
        return event


@contextmanager
def no_collection() -> Iterator[None]:
    """A million events hold no cycle; the collector would walk them again and again."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@no_collection()
def read_ledger(root: Path, only: Collection[Path] | None = None) -> list[Event]:
    """Every event under `root`, each once, in order of time; [] when there is no such folder.

    A line that a crash cut off is left out where it can be one: at the end of the newest file of
    a curator, or of a file that is being written.

    Args:
        only: read these of its files; all if not said.

    Raises:
        VoicefaceError: a line is damaged, with the file and the line.
    """
    events: dict[str, Event] = {}
    for folder in sorted(root.glob("*/")):
        segments = sorted(folder.glob("*.jsonl"))
        for path in segments if only is None else [one for one in segments if one in only]:
            torn_tail = path == segments[-1] or _in_use(path)
            for event in _read_segment(path, torn_tail=torn_tail):
                # Sent twice: whichever file is read first, the same one of the two is taken.
                known = events.setdefault(event.id, event)
                if known is not event:
                    events[event.id] = min(known, event, key=_key)
    return sorted(events.values(), key=in_time)


def in_time(event: Event) -> str:
    """Sort key: by time, then by id."""
    return event.time + event.id  # the time has a fixed width


def uuid7(after: str = "") -> str:
    """A UUID of version 7 (RFC 9562): sorts by the time it was made, to the millisecond.

    Args:
        after: a uuid7 that the new one must sort behind, even if the clock was set back.
    """
    ms = time.time_ns() // 1_000_000
    if re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-7.*", after):
        ms = max(ms, int(after[:8] + after[9:13], 16) + 1)
    value = ms << 80 | 7 << 76 | secrets.randbits(12) << 64 | 2 << 62 | secrets.randbits(62)
    digits = f"{value:032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def _line(event: Event) -> str:
    values = {name: value for name, value in event._asdict().items() if value}
    values.setdefault("content", "")
    return json.dumps(values, ensure_ascii=False)


def _read_segment(path: Path, *, torn_tail: bool) -> Iterable[Event]:
    data = path.read_bytes()
    lines = data.split(b"\n")
    tail = lines.pop()  # empty when the last line is whole
    if tail and not torn_tail:
        lines.append(tail)
    for number, (line, value) in enumerate(_parsed(lines), 1):
        try:
            event = _event_of(json.loads(line) if value is None else value)
            problem = "the end of the line is missing" if line is tail else _problem(event)
        except (ValueError, TypeError) as error:
            problem = f"not an event ({error})"
        if problem:
            raise VoicefaceError(
                f"{path}:{number}: {problem}; restore the file from a copy, or delete that line"
                " if the mark in it may be lost"
            )
        yield event


def _parsed(lines: list[bytes]) -> Iterator[tuple[bytes, Any]]:
    """Each line with its value, or with None: one of those around it is damaged.

    Many lines at a time, which halves the time; all would take half a gigabyte a million.
    """
    for start in range(0, len(lines), _LINES):
        block = lines[start : start + _LINES]
        try:
            values = json.loads(b"[" + b",\n".join(block) + b"]")
        except ValueError:
            values = []
        if len(values) != len(block):
            values = [None] * len(block)
        yield from zip(block, values, strict=True)


def _event_of(values: Any) -> Event:
    if not isinstance(values, dict):
        raise TypeError("not an object")
    if not values.keys() >= _REQUIRED:
        raise ValueError(f"no {min(_REQUIRED - values.keys())!r}")
    # Fields of a later version are left aside.
    return Event._make(_in_order(_BLANK | values))


def _problem(event: Event) -> str:
    """What is wrong with an event; empty when nothing is."""
    try:
        "".join(event)
    except TypeError:
        return "a value is not text"
    if not _is_time(event.time):
        return f"time {event.time!r} is not as in 2026-11-20T09:30:00.123456Z"
    if event.decision not in DECISIONS:
        return f"decision {event.decision!r} is none of {', '.join(DECISIONS)}"
    if event.decision == "undo" and not event.undoes:
        return "an undo that names no event"
    if event.decision == "drop" and not event.reason.strip():
        return "a drop needs a reason"
    if not event.id or not event.sample or not event.curator:
        return "id, curator or sample is empty"
    return ""


def is_text(value: str) -> bool:
    """Whether a line can hold it: half of a surrogate pair is no text."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_time(text: str) -> bool:
    try:
        return bool(_TIME.fullmatch(text) and datetime.fromisoformat(text))
    except ValueError:
        return False


def _mend(path: Path) -> None:
    """Cut off what a crash left of a line that was never acknowledged.

    A new file is about to follow this one; a torn line would then be an error for ever.
    """
    deadline = time.monotonic() + _PATIENCE_S
    with open(path, "r+b") as segment:
        while _whole_size(segment) != os.fstat(segment.fileno()).st_size:
            try:
                fcntl.flock(segment, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                # A reader holds it for a moment, its writer for as long as it lives.
                if time.monotonic() > deadline:
                    return
                time.sleep(0.01)
                continue
            segment.truncate(_whole_size(segment))
            os.fsync(segment.fileno())


def _whole_size(segment: BinaryIO) -> int:
    """Bytes of the file's whole lines."""
    segment.seek(0)
    return segment.read().rfind(b"\n") + 1


def _in_use(path: Path) -> bool:
    """Whether a writer holds the file: its last line may be half-way on its way to the disk."""
    with open(path, "rb") as segment:
        try:
            fcntl.flock(segment, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _make_folder(folder: Path) -> None:
    """Make a folder and its parents so that they outlast a power cut."""
    if not folder.is_dir():
        _make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        fsync_folder(folder.parent)
