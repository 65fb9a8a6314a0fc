"""What an importer finds in a corpus: rows of `sources.csv`, and what its owner should know."""

import os
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from voiceface.config import Resolve
from voiceface.errors import VoicefaceError
from voiceface.fetch.local import PICTURE_TYPES
from voiceface.sources import Source

MEDIA_TYPES = tuple(f".{kind}" for kind in Resolve().file_types)
"""Endings of videos and sound."""

_DEEPEST = 4  # folders between a corpus' path and those of its people


@dataclass(frozen=True)
class Finding:
    """Something in a corpus that its owner should know: a row of the report."""

    problem: str
    """as in `left_out`, `duplicated_face` or `non_speech`"""
    file: str
    """path of the file, or what else it is about"""
    about: str
    """what about it, in words"""


@dataclass
class Found:
    """What a corpus gave."""

    sources: list[Source] = field(default_factory=list)
    """Rows, in order; equal ones of a folder's files are one row already."""
    findings: list[Finding] = field(default_factory=list)

    def leave_out(self, file: object, why: str) -> None:
        """Note that a file is not taken."""
        self.note("left_out", file, why)

    def note(self, problem: str, file: object, about: str) -> None:
        """Add a finding."""
        self.findings.append(Finding(problem, str(file), about))


@dataclass(frozen=True)
class Item:
    """One file of a corpus, with what is known of it."""

    path: Path
    speaker: str
    gender: str = ""
    language: str = ""
    licence: str = ""
    emotion: str = ""


def source(path: Path | str, speaker: str, **values: str) -> Source:
    """A checked row of `sources.csv`.

    Raises:
        VoicefaceError: the path can't stand in `sources.csv`.
    """
    location = str(path)
    if location.startswith("-") or (":" in location.split("/")[0] and "://" not in location):
        location = f"./{location}"
    row: dict[str, Any] = {"speaker": speaker, "location": location, **values}
    try:
        return Source.model_validate(row)
    except ValueError:
        raise VoicefaceError(
            f"{location!a} of {speaker!r}: no location or label that a list of sources can"
            " hold; rename it"
        ) from None


def label(text: str) -> str:
    """A speaker's label from any name: its letters without accents, all else as `_`."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9._-]+", "_", plain).strip("._-")[:64]


def folders_named(top: Path, pattern: str) -> Iterator[tuple[Path, re.Match[str]]]:
    """Folders from `top` down whose whole names match, with the match, sorted; none within them."""
    names = re.compile(pattern)
    if match := names.fullmatch(top.absolute().name):
        yield top, match
        return
    for folder, folders, _ in os.walk(top):
        path = Path(folder)
        depth = len(path.relative_to(top).parts)
        deeper = []
        for name in sorted(folders):
            if match := names.fullmatch(name):
                yield path / name, match
            elif not name.startswith("."):
                deeper.append(name)
        folders[:] = deeper if depth < _DEEPEST else []


def media_files(top: Path) -> Iterator[Path]:
    """The videos and sound files from `top` down, sorted, without hidden ones."""
    for folder, folders, names in os.walk(top):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(folder, name) for name in sorted(names) if _is_media(name))


def rows_of(top: Path, items: Iterable[Item]) -> list[Source]:
    """The fewest rows for `items`: a folder below `top` stands for all that is in it, where every
    file in it is an item and all say the same; else each of its files has a row.
    """
    of_path = {item.path: _fields(item) for item in items}
    of_folder: dict[Path, dict[str, str] | None] = {}  # None: its files differ
    rows: dict[Path, list[Source]] = {}
    for name, folders, names in os.walk(top, topdown=False):
        folder = Path(name)
        below = [folder / inner for inner in sorted(folders) if not inner.startswith(".")]
        files = [folder / inner for inner in sorted(names) if _is_taken(inner)]
        parts = [(p, of_folder[p], rows.pop(p, [])) for p in below if p in of_folder]
        parts += [(path, of_path.get(path), []) for path in files]
        if not parts:
            continue  # nothing that would be taken
        said = [same for _, same, _ in parts]
        if said[0] and all(same == said[0] for same in said) and folder != top:
            of_folder[folder] = said[0]
            continue
        of_folder[folder] = None
        rows[folder] = []
        for path, same, inner in parts:
            rows[folder] += [source(path, **same)] if same else inner
    return rows.get(top, [])


def _fields(item: Item) -> dict[str, str]:
    names = ("speaker", "gender", "language", "licence", "emotion")
    return {name: getattr(item, name) for name in names}


def _is_media(name: str) -> bool:
    return name.lower().endswith(MEDIA_TYPES) and not name.startswith(".")


def _is_taken(name: str) -> bool:
    return _is_media(name) or (name.lower().endswith(PICTURE_TYPES) and not name.startswith("."))
