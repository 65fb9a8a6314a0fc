"""Local files as sources: which there are, what they are called, what is in them."""

import hashlib
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from voiceface.config import Resolve
from voiceface.errors import VoicefaceError
from voiceface.files import sha256_file
from voiceface.ids import video_id

_EVERY_S = 2.0


@dataclass(frozen=True)
class LocalFile:
    """A video file as the file system shows it; its content is not read."""

    path: str
    """as in the lock file: relative to the project, or absolute, as its source is"""
    size: int
    """bytes"""
    mtime_ns: int
    """time of the last change, ns"""
    readable: bool
    """whether this user may read it"""


def local_files(location: str, config: Resolve) -> list[LocalFile]:
    """The file at `location`, or all files of the config's types in that folder, sorted.

    Hidden files are left out, and folders behind symbolic links are not entered.

    Raises:
        VoicefaceError: there is nothing there, or it (or a file in it) lies outside of the
            allowed folders; every such file is named.
    """
    top = Path(location)
    if not os.path.lexists(top):
        raise VoicefaceError(f"{location}: no such file or folder (a url starts with https://)")
    paths = [top] if not top.is_dir() else sorted(_walk(top, config.file_types))
    check_inside([top, *paths], config.local_roots)
    return [_stat(path) for path in paths if path.is_file()]


def check_inside(paths: list[Path], local_roots: list[str]) -> None:
    """Check that paths, symbolic links followed, lie in the allowed folders.

    Raises:
        VoicefaceError: some don't; every one of them is named.
    """
    roots = [Path(root).resolve() for root in local_roots]
    outside = [path for path in paths if not _is_inside(path, roots)]
    if outside:
        names = ", ".join(dict.fromkeys(str(path) for path in outside))
        raise VoicefaceError(f"{names}: outside of the folders in resolve.local_roots; add theirs")


def strange_names(location: str) -> list[str]:
    """Files in a folder whose names are not UTF-8, printable; no table can hold such a name."""
    names = (os.path.join(folder, name) for folder, _, names in os.walk(location) for name in names)
    return sorted(ascii(name) for name in names if not _is_utf8(name))


def content_id(file: LocalFile, sha256: str | None) -> str:
    """The video's name: from its content, or from its path while there is no content to read."""
    if sha256 and file.size:
        return video_id("file", sha256[:12])
    kind = "empty" if file.readable else "unreadable"
    return video_id("file", f"{kind}-{hashlib.sha256(file.path.encode()).hexdigest()[:12]}")


def digests(files: list[LocalFile]) -> dict[str, str]:
    """SHA-256 of the readable ones by path, with a line of progress every 2 s."""
    total = sum(file.size for file in files)
    done = 0
    next_line = time.monotonic() + _EVERY_S

    def progress(size: int) -> None:
        nonlocal done, next_line
        done += size
        if time.monotonic() >= next_line:
            next_line += _EVERY_S
            print(f"reading {done >> 20} of {total >> 20} MiB of local files", file=sys.stderr)

    return {file.path: sha256_file(Path(file.path), progress) for file in files if file.readable}


def _walk(top: Path, file_types: list[str]) -> Iterator[Path]:
    endings = tuple(f".{kind.lower().lstrip('.')}" for kind in file_types)
    for folder, folders, names in os.walk(top):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            if name.lower().endswith(endings) and not name.startswith(".") and _is_utf8(name):
                yield Path(folder, name)


def _is_inside(path: Path, roots: list[Path]) -> bool:
    return any(path.resolve().is_relative_to(root) for root in roots)


def _stat(path: Path) -> LocalFile:
    stat = path.stat()
    return LocalFile(str(path), stat.st_size, stat.st_mtime_ns, os.access(path, os.R_OK))


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
