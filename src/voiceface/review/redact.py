"""What becomes of the marks on samples that were taken down: the lines stay, without content."""

import fcntl
import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

from voiceface.errors import VoicefaceError
from voiceface.files import write_bytes

_EMPTIED = ("content", "note")


def redact(root: Path, videos: Collection[str]) -> int:
    """Empty the content and the note of every mark on a sample of `videos`.

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
        if any(_redacted(line, videos) != line for line in path.read_bytes().split(b"\n"))
    ]


def _redact_file(path: Path, videos: Collection[str]) -> int:
    with open(path, "rb") as segment:
        try:
            fcntl.flock(segment, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise VoicefaceError(
                f"{path}: is being written; close the review page, then run this again"
            ) from None
        lines = segment.read().split(b"\n")
        new = [_redacted(line, videos) for line in lines]
        if new != lines:
            write_bytes(path, b"\n".join(new))
    return sum(one != other for one, other in zip(lines, new, strict=True))


def _redacted(line: bytes, videos: Collection[str]) -> bytes:
    """The line as it may stay: itself when it is of another video, or is torn off by a crash."""
    try:
        values: Any = json.loads(line)
        video = str(values["sample"]).rpartition("_")[0]
    except (ValueError, TypeError, KeyError):
        return line
    if video not in videos or not any(values.get(name) for name in _EMPTIED):
        return line
    # Every event has a content, be it empty; a note only where there is one.
    kept = {name: value for name, value in values.items() if name != "note"} | {"content": ""}
    return json.dumps(kept, ensure_ascii=False).encode()
