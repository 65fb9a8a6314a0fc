"""Local files as sources: which there are, what they are called, what is in them.

All pictures of a folder are one item: the pictures of one person. Those beside videos are left out:
they are thumbnails.
"""

import hashlib
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from voiceface.config import Resolve
from voiceface.errors import VoicefaceError
from voiceface.files import sha256_file
from voiceface.ids import video_id

PICTURE_TYPES = (".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
"""Endings of pictures."""
SOUND_TYPES = (".aac", ".flac", ".m4a", ".mp3", ".oga", ".ogg", ".opus", ".wav")
"""Endings of sound without a moving picture."""

_EVERY_S = 2.0


@dataclass(frozen=True)
class LocalFile:
    """A media file, or a folder of pictures, as the file system shows it; nothing is read."""

    path: str
    """as in the lock file: relative to the project, or absolute, as its source is"""
    size: int
    """bytes; of pictures: of all of them"""
    mtime_ns: int
    """time of the last change, ns; of pictures: a digest of their names, sizes and times"""
    readable: bool
    """whether this user may read it, or all of the pictures"""


def local_files(location: str, config: Resolve) -> list[LocalFile]:
    """The file at `location`, or what is in that folder, sorted.

    That is: its files of the config's types, and the folders in it that hold pictures and no video.
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
    return [_stat(path, config.local_roots) for path in paths if path.exists()]


def are_pictures(path: Path) -> bool:
    """Whether a path of the lock file is of pictures: a folder of them, or a single one."""
    return path.is_dir() or path.suffix.lower() in PICTURE_TYPES


def picture_files(path: Path) -> list[Path]:
    """The pictures in a folder (not in the folders below it), sorted by name; or the one at `path`.

    Raises:
        OSError: the folder can't be read.
    """
    if not path.is_dir():
        return [path]
    names = sorted(name for name in os.listdir(path) if _is_kind(name, PICTURE_TYPES))
    return [path / name for name in names]


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
        return video_id("pictures" if are_pictures(Path(file.path)) else "file", sha256[:12])
    kind = "empty" if file.readable else "unreadable"
    return video_id("file", f"{kind}-{hashlib.sha256(file.path.encode()).hexdigest()[:12]}")


def digests(files: list[LocalFile]) -> dict[str, str]:
    """SHA-256 of the readable ones by path, with a line of progress every 2 s.

    That of pictures is over the digests of each, in the order of their names.
    """
    total = sum(file.size for file in files)
    done = 0
    next_line = time.monotonic() + _EVERY_S

    def progress(size: int) -> None:
        nonlocal done, next_line
        done += size
        if time.monotonic() >= next_line:
            next_line += _EVERY_S
            print(f"reading {done >> 20} of {total >> 20} MiB of local files", file=sys.stderr)

    return {file.path: digest(Path(file.path), progress) for file in files if file.readable}


def digest(path: Path, progress: Callable[[int], None] | None = None) -> str:
    """SHA-256 of the content of a file, or of pictures, as in `digests`.

    Raises:
        OSError: something can't be read.
    """
    if not are_pictures(path):
        return sha256_file(path, progress)
    return digest_of_pictures(sha256_file(picture, progress) for picture in picture_files(path))


def digest_of_pictures(each: Iterable[str]) -> str:
    """SHA-256 of pictures, from that of each in the order of their names."""
    return hashlib.sha256("".join(each).encode()).hexdigest()


def _walk(top: Path, file_types: list[str]) -> Iterator[Path]:
    endings = tuple(f".{kind.lower().lstrip('.')}" for kind in file_types)
    for folder, folders, names in os.walk(top):
        folders[:] = [name for name in folders if not name.startswith(".")]
        media = [name for name in names if _is_kind(name, endings)]
        yield from (Path(folder, name) for name in media)
        if all(name.lower().endswith(SOUND_TYPES) for name in media) and any(
            _is_kind(name, PICTURE_TYPES) for name in names
        ):
            yield Path(folder)


def _is_kind(name: str, endings: tuple[str, ...]) -> bool:
    return name.lower().endswith(endings) and not name.startswith(".") and _is_utf8(name)


def _is_inside(path: Path, roots: list[Path]) -> bool:
    return any(path.resolve().is_relative_to(root) for root in roots)


def _stat(path: Path, local_roots: list[str]) -> LocalFile:
    if not path.is_dir():
        stat = path.stat()
        return LocalFile(str(path), stat.st_size, stat.st_mtime_ns, os.access(path, os.R_OK))
    pictures = picture_files(path)
    check_inside(pictures, local_roots)
    each = [(picture.name, picture.stat()) for picture in pictures if picture.exists()]
    seen = "".join(f"{name}\0{stat.st_size}\0{stat.st_mtime_ns}\0" for name, stat in each)
    return LocalFile(
        str(path),
        sum(stat.st_size for _, stat in each),
        int.from_bytes(hashlib.sha256(seen.encode()).digest()[:7]),
        all(os.access(picture, os.R_OK) for picture in pictures),
    )


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
