"""What of some videos is left in a project's folder: found by name and by content."""

import itertools
import os
import re
import zipfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from voiceface.files import files_below, sha256_file
from voiceface.layout import (
    COPIES_SEEN,
    FACES_SEEN,
    MANIFEST,
    MODELS,
    PACKED,
    REPORT,
    REPORTS,
    REVIEWS,
)
from voiceface.models.provenance import trained_on
from voiceface.review.seen import VALUES

OUTPUTS = ("data", "manifests", "models", "reports", "logs")
"""The folders that the stages write to."""

# The drawn people, which a project may have for its sources, are no output; nor is the human input.
_DRAWN = Path("data/demo-world")
_FETCHED = Path("data/media/.part")  # in part, in a folder of each video's name
_NO_OUTPUTS = (_DRAWN, Path("data/resolve.json"), REVIEWS, FACES_SEEN)
_HUMAN = (Path("manifests/sources.csv"), Path("manifests/takedowns.csv"))
_EXPORTS = (".csv", ".tsv", ".parquet")
_NO_EXPORTS = {*OUTPUTS, ".git", ".venv", ".snakemake"}
_LARGEST = 1 << 30  # bytes
_TEXT = (".csv", ".html", ".json", ".jsonl", ".log", ".txt")
_DIGESTS = {
    "speech": ("audio_sha256",),
    "faces": ("face_sha256",),
    "samples": ("content",),
}


@dataclass
class Wanted:
    """What is looked for."""

    videos: frozenset[str]
    digests: set[str] = field(default_factory=set)
    """SHA-256 of their media, of their segments' sound and of their faces, as far as known."""
    sizes: set[int] = field(default_factory=set)
    """of their media, bytes: only a file of one of these is read"""

    def __post_init__(self) -> None:
        names = "|".join(re.escape(video) for video in sorted(self.videos))
        # Whole names only, and those of their samples: one may be the beginning of another.
        sample = r"(_[0-9]{9,}(-[0-9]+)?)?"
        self._names = re.compile(rf"(?<![A-Za-z0-9_-])({names}){sample}(?![A-Za-z0-9_-])")

    def in_text(self, text: str) -> bool:
        """Whether a text names one of the videos, or a sample of one."""
        return bool(self._names.search(text))


def wanted(videos: Collection[str]) -> Wanted:
    """All that is known of videos from what is still here of them.

    Raises:
        VoicefaceError: a download record is damaged.
    """
    found = Wanted(frozenset(videos))
    for video in videos:
        for folder, columns in _DIGESTS.items():
            path = Path("data", folder, f"{video}.parquet")
            for column in columns:
                found.digests |= _values(path, column)
        media = Path("data/media", f"{video}.mkv")
        if media.exists() and media.stat().st_size:
            found.sizes.add(media.stat().st_size)
            found.digests.add(sha256_file(media))
    return found


def traces(looked_for: Wanted) -> list[Path]:
    """The files below the output folders that hold something of the videos, sorted.

    Tables are read, texts are searched, media are compared by their digest; of pictures and weights
    it is known what they were made from.
    """
    if not looked_for.videos:
        return []
    pictured = _are_pictured(looked_for)
    found = [path for path in _outputs() if _holds(path, looked_for, pictured)]
    return sorted(found)


def half_files() -> list[Path]:
    """What writers that were killed, or are at work, left half: nobody can tell what is in it."""
    return sorted(filter(_is_half, itertools.chain.from_iterable(map(files_below, OUTPUTS))))


def exports(looked_for: Wanted, speakers: Collection[str]) -> tuple[list[Path], list[Path]]:
    """The user's tables below the project's folder that name a video or a speaker, sorted.

    Linked folders are not entered, nor those of programs, such as `.git`.

    Args:
        speakers: in small letters; each counts where a whole cell is one.

    Returns: those tables, and those that are too large or can't be read.
    """
    found, unread = [], []
    for path in _tables_of_user() if looked_for.videos or speakers else ():
        try:
            if path.stat().st_size > _LARGEST:
                unread.append(path)
            elif looked_for.in_text(str(path)) or _export_holds(path, looked_for, speakers):
                found.append(path)
        except OSError:
            unread.append(path)
    return sorted(found), sorted(unread)


def _tables_of_user() -> Iterator[Path]:
    for top, folders, names in os.walk("."):
        folders[:] = [name for name in folders if top != "." or name not in _NO_EXPORTS]
        paths = (Path(top, name) for name in names)
        yield from (path for path in paths if path.suffix.lower() in _EXPORTS and path.is_file())


def _export_holds(path: Path, looked_for: Wanted, speakers: Collection[str]) -> bool:
    if path.suffix.lower() == ".parquet":
        return _table_holds(path, looked_for, speakers)
    cells = re.compile(r"[,;\t]")
    with open(path, encoding="utf-8-sig", errors="replace") as lines:
        return any(
            looked_for.in_text(line)
            or any(cell.strip(" \n\"'").lower() in speakers for cell in cells.split(line))
            for line in lines
        )


def _is_half(path: Path) -> bool:
    return path.suffix == ".part" and not _is_below(path, (_DRAWN, _FETCHED))


def _outputs() -> Iterator[Path]:
    for path in itertools.chain.from_iterable(map(files_below, OUTPUTS)):
        if path not in _HUMAN and not _is_below(path, _NO_OUTPUTS) and not _is_half(path):
            yield path


def _holds(path: Path, looked_for: Wanted, pictured: frozenset[str]) -> bool:
    if looked_for.in_text(str(path)):
        return True
    if path.suffix == ".parquet":
        return _table_holds(path, looked_for)
    if _is_below(path, (COPIES_SEEN,)):
        return path.stem in looked_for.digests or looked_for.in_text(_about(path))
    if path.suffix in _TEXT and looked_for.in_text(path.read_text("utf-8", errors="replace")):
        return True
    if path.stat().st_size in looked_for.sizes and sha256_file(path) in looked_for.digests:
        return True
    if PACKED in path.parents and path.suffix == ".npy":
        return not (path.parent / "samples.parquet").exists()  # nothing tells what is in it
    return _is_picture_of(path, pictured)


def _about(copy: Path) -> str:
    """What a curator's copy of a sample says of it; see `review.seen`."""
    try:
        with zipfile.ZipFile(copy) as parts:
            return parts.read(VALUES).decode()
    except (zipfile.BadZipFile, KeyError, UnicodeDecodeError):
        return ""


def _are_pictured(looked_for: Wanted) -> frozenset[str]:
    """Whose pictures may show the videos: "" for those of all samples, and models by name.

    Without a manifest it is not known any more, so they are taken to.
    """
    models = frozenset(trained_on(MODELS, looked_for.videos))
    if MANIFEST.exists() and not _table_holds(MANIFEST, looked_for):
        return models
    return models | {""}


def _is_picture_of(path: Path, pictured: frozenset[str]) -> bool:
    """Whether it is the report, a sheet of faces, or the state of a training."""
    if path == REPORT or (path.suffix == ".png" and _is_below(path, (REPORTS, MODELS))):
        return bool(pictured)
    if not _is_below(path, (MODELS,)) or len(path.parts) < 4:
        return False
    model, folder = path.parts[1:3]
    if folder == "checkpoint" and (MODELS / model / "model.json").exists():
        return model in pictured
    return folder in ("checkpoint", "tensorboard") and bool(pictured)


def _table_holds(path: Path, looked_for: Wanted, speakers: Collection[str] = ()) -> bool:
    try:
        with pq.ParquetFile(path, pre_buffer=False) as file:
            names = [field.name for field in file.schema_arrow if _is_text(field.type)]
            for batch in file.iter_batches(columns=names):
                if any(_column_holds(column, looked_for, speakers) for column in batch.columns):
                    return True
    except (pa.ArrowException, OSError):
        return True  # nobody knows what a damaged table holds
    return False


def _column_holds(column: pa.Array, looked_for: Wanted, speakers: Collection[str]) -> bool:
    values = pc.unique(column.flatten() if pa.types.is_list(column.type) else column)
    texts = [value for value in values.to_pylist() if value]
    return any(
        text in looked_for.digests or looked_for.in_text(text) or text.lower() in speakers
        for text in texts
    )


def _is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or (
        pa.types.is_list(kind) and pa.types.is_string(kind.value_type)
    )


def _values(path: Path, column: str) -> set[str]:
    """Of a text column; none of a table that is missing or damaged."""
    try:
        with pq.ParquetFile(path, pre_buffer=False) as file:
            return set(filter(None, file.read([column])[column].to_pylist()))
    except (pa.ArrowException, OSError, KeyError):
        return set()


def _is_below(path: Path, folders: Collection[Path]) -> bool:
    return any(folder == path or folder in path.parents for folder in folders)
