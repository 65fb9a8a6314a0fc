"""The errors a user is meant to read."""

import errno
import os
import re
import shutil
from collections.abc import Iterator


class VoicefaceError(Exception):
    """An expected failure. Its text is one line: what is wrong, where, and how to mend it.

    Everything that is the user's to mend (bad input, bad config, a missing file) is raised as this;
    the command line prints the text alone and exits with 1. Any other exception is a defect.
    """


DISK_FULL = "the disk is full; free some space and build again, it goes on from there"
ONE_AT_A_TIME = "`voiceface build --cores=1` runs one job at a time"
OUT_OF_MEMORY = f"out of memory; {ONE_AT_A_TIME}"
NO_ACCESS = "make it readable and writable for you (`ls -ld` and `mount` tell) and build again"

_FULL_DISK_WORDS = re.compile(r"No space left on device|Disk quota exceeded", re.IGNORECASE)
# As those put it that were seen to: Arrow, ONNX, OpenBLAS, OpenCV, torch, the system's loader.
_NO_MEMORY_WORDS = re.compile(
    r"out of memory|allocate memory|bad.?alloc|insufficient memory|memory allocation|MemoryError"
    r"|failed to map segment|can't start new thread|failed to launch worker thread",
    re.IGNORECASE,
)
_FULL_BYTES = 1 << 20


def told(error: Exception, where: str) -> str | None:
    """The one line for an error that the user or the system has to mend; None for a defect.

    Args:
        where: what was at work, for an error that names no file.
    """
    if isinstance(error, VoicefaceError):
        return str(error)
    if words := hardship(error):
        return words
    if isinstance(error, OSError):
        return f"{_file_of(error) or where}: {error.strerror or error}"
    return None


def hardship(error: BaseException) -> str | None:
    """What the system refused, in a line with the mend: room on the disk, memory, access.

    It comes with good data as with bad, so nothing may be taken for damaged because of it.

    Returns: None where the error is of another kind.
    """
    if isinstance(error, OSError) and error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        refused = os.strerror(error.errno).lower()
        return f"{_file_of(error)}: {refused}; {NO_ACCESS}" if error.filename else None
    for one in _chain(error):
        if isinstance(one, OSError) and one.errno in (errno.ENOSPC, errno.EDQUOT):
            return f"{_file_of(one)}: {DISK_FULL}" if one.filename else DISK_FULL
        if isinstance(one, MemoryError):
            return OUT_OF_MEMORY
        if words := hardship_words(str(one)):
            return words
    return None


def hardship_words(text: str) -> str | None:
    """The same, where there is only what a program printed."""
    if _FULL_DISK_WORDS.search(text):
        return DISK_FULL
    return OUT_OF_MEMORY if _NO_MEMORY_WORDS.search(text) else None


def disk_is_full() -> bool:
    """Whether the current folder's disk has no room: then a log may be empty."""
    return shutil.disk_usage(".").free < _FULL_BYTES


def _file_of(error: OSError) -> str | None:
    # Of a copy or a link, the second is the one that is written.
    return error.filename2 or error.filename


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
