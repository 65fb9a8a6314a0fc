"""What becomes of the marks on samples that were taken down: the lines stay, without content."""

import fcntl
import io
import json
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

from voiceface.errors import VoicefaceError
from voiceface.files import write_bytes

_EMPTIED = ("content", "note")


def redact(root: Path, videos: Collection[str]) -> int:
    """Empty the content and the note of every mark on a sample of `videos`.

    A line of theirs that a crash tore off was never acknowledged, and is cut.
    Each file is replaced atomically; nothing else ever rewrites one. The same event of an old copy
    that is brought back later counts as the one here: `read_ledger` takes the lesser of two.

    Returns: how many lines were changed now.

    Raises:
        VoicefaceError: a file is being written by a review page or a command.
    """
    return sum(_redact_file(path, videos) for path in sorted(root.glob("*/*.jsonl")))


def unredacted(root: Path, videos: Collection[str]) -> list[Path]:
    """The ledger's files with content of `videos` in them."""
    return [
        path
        for path in sorted(root.glob("*/*.jsonl"))
        if any(_redacted(line, videos) != line for line in _lines(path.read_bytes()))
    ]


def _redact_file(path: Path, videos: Collection[str]) -> int:
    with open(path, "rb") as segment:
        try:
            fcntl.flock(segment, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise VoicefaceError(
                f"{path}: is being written; close the review page, then run this again"
            ) from None
        lines = _lines(segment.read())
        new = [_redacted(line, videos) for line in lines]
        if new != lines:
            write_bytes(path, b"".join(new))
    return sum(one != other for one, other in zip(lines, new, strict=True))


def _lines(data: bytes) -> list[bytes]:
    return list(io.BytesIO(data))  # with their ends, of which the last may have none


def _redacted(line: bytes, videos: Collection[str]) -> bytes:
    """The line as it may stay: itself when it is of another video, nothing when it is torn."""
    try:
        values: Any = json.loads(line)
        video = str(values["sample"]).rpartition("_")[0]
    except ValueError:
        return b"" if _torn_names(line, videos) else line
    except (TypeError, KeyError):
        return line
    if video not in videos or not any(values.get(name) for name in _EMPTIED):
        return line
    # Every event has a content, be it empty; a note only where there is one.
    kept = {name: value for name, value in values.items() if name != "note"} | {"content": ""}
    end = b"\n" if line.endswith(b"\n") else b""
    return json.dumps(kept, ensure_ascii=False).encode() + end


def _torn_names(line: bytes, videos: Collection[str]) -> bool:
    """Whether a line that is no JSON is of a sample of `videos`, whose name may be torn, too."""
    found = re.search(rb'"sample":\s*"([A-Za-z0-9_-]*)("?)', line)
    if not found:
        return False
    name, whole = found[1].decode(), bool(found[2])
    video = name.rpartition("_")[0]
    return video in videos or (not whole and name in videos)
