"""Pictures for the report: which samples are shown, and their faces as small data URIs."""

import base64
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from voiceface.files import read_table
from voiceface.reporting.words import reason_words
from voiceface.tables import DATASET, KEPT, MANIFEST

_THUMBNAIL_PX = 144
_QUALITY = 78
PLACE = ("face_video", "face_start_us", "face_number")
"""Columns that say where a sample's face lies."""

_MOST_ROWS = 12
"""Speakers, at most, that get a row of their own."""


@dataclass(frozen=True)
class Shown:
    """A sample on a contact sheet."""

    sample: str
    speaker: str
    about: str
    """Its split, or everything that is against it."""
    picture: str
    """A data URI; empty when the face is not to be had."""


@dataclass(frozen=True)
class Sheet:
    """Samples that belong together: of a speaker, or dropped for the same reason."""

    title: str
    count: int
    """Of all such samples, of which some are shown."""
    shown: list[Shown]


def kept_sheets(dataset: Path, faces: Path, most: int) -> list[Sheet]:
    """Kept samples by speaker, at most `most` in all, spread evenly over speakers and time.

    Many speakers share one sheet, on which each sample names its own.
    """
    columns = ["sample", "speaker", *PLACE, "split"]
    table = read_table(dataset, DATASET, columns)
    sheets = _sheets(table.append_column("about", table["split"]), "speaker", faces, most)
    if len(sheets) <= _MOST_ROWS:
        return sheets
    shown = [_with_speaker(one) for sheet in sheets for one in sheet.shown]
    return [Sheet("All speakers", table.num_rows, shown)]


def dropped_sheets(manifest: Path, faces: Path, most: int) -> list[Sheet]:
    """Samples with a face that were not kept, by the reason that counts, at most `most` in all."""
    columns = ["sample", "speaker", *PLACE, "frame_us", "flags", "review_reason"]
    table = read_table(manifest, MANIFEST, [*columns, "fate"])
    dropped = pc.and_(pc.not_equal(table["fate"], KEPT), pc.is_valid(table["frame_us"]))
    table = table.filter(dropped)
    about = [_against(row) for row in table.select(["flags", "review_reason", "fate"]).to_pylist()]
    table = table.append_column("about", pa.array(about, pa.string()))
    sheets = _sheets(table, "fate", faces, most)
    return [replace(one, shown=[_with_speaker(shown) for shown in one.shown]) for one in sheets]


def _with_speaker(shown: Shown) -> Shown:
    return replace(shown, about=f"{shown.speaker}: {shown.about}")


def _against(row: dict[str, Any]) -> str:
    """All that speaks against a sample: what a curator said, and the flags, the worst first."""
    said = [row["review_reason"]] if row["review_reason"] else []
    words = said + [reason_words(flag) for flag in row["flags"]]
    return ", ".join(words) or reason_words(row["fate"])


def _sheets(table: pa.Table, by: str, faces: Path, most: int) -> list[Sheet]:
    counts = {row["values"]: row["counts"] for row in pc.value_counts(table[by]).to_pylist()}
    names = sorted(counts, key=lambda name: (0 if by == "speaker" else -counts[name], name))
    sheets = []
    for name, quota in zip(names, _quotas([counts[name] for name in names], most), strict=True):
        if quota:
            rows = table.filter(pc.equal(table[by], name))
            places = np.linspace(0, rows.num_rows - 1, quota).round().astype(int)
            chosen = rows.take(pa.array(places)).to_pylist()
            title = name if by == "speaker" else reason_words(name)
            sheets.append(Sheet(title, counts[name], [_shown(row, faces) for row in chosen]))
    return sheets


def _quotas(counts: list[int], most: int) -> list[int]:
    """How many of each to show: one more of each in turn, until `most` or all are shown."""
    quotas = [0] * len(counts)
    while sum(quotas) < min(most, sum(counts)):
        for index, count in enumerate(counts):
            if quotas[index] < count and sum(quotas) < most:
                quotas[index] += 1
    return quotas


def _shown(row: dict[str, Any], faces: Path) -> Shown:
    return Shown(row["sample"], row["speaker"], row["about"], thumbnail(row, faces))


def thumbnail(row: dict[str, Any], faces: Path) -> str:
    """A sample's face as a small data URI; empty when it is not to be had.

    Args:
        row: columns `PLACE`, as in `tables.MANIFEST`.
        faces: folder of the faces tables.
    """
    path = faces / f"{row['face_video']}.parquet"
    png = _face(path, row["face_start_us"], row["face_number"])
    return data_uri(png, _THUMBNAIL_PX) if png else ""


def _face(path: Path, start_us: int, face_number: int) -> bytes | None:
    """One encoded face of a segment; only its row group is read."""
    if not path.exists():
        return None
    with pq.ParquetFile(path) as source:
        keys = source.read(columns=["start_us", "face_number"]).select(["start_us", "face_number"])
        places = list(zip(*(column.to_pylist() for column in keys.columns), strict=True))
        if (start_us, face_number) not in places:
            return None
        place = places.index((start_us, face_number))
        for group in range(source.num_row_groups):
            rows = source.metadata.row_group(group).num_rows
            if place < rows:
                face = source.read_row_group(group, columns=["face"])["face"][place].as_py()
                return face["bytes"] if face else None
            place -= rows
    return None


def picture_file(path: Path, widest: int) -> str:
    """A picture file as a data URI; empty when there is none."""
    return data_uri(path.read_bytes(), widest) if path.exists() else ""


def data_uri(encoded: bytes, widest: int) -> str:
    """An encoded picture as a WebP data URI, at most `widest` pixels wide; empty if unreadable."""
    picture = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR)
    if picture is None:
        return ""
    height, width = picture.shape[:2]
    if width > widest:
        size = (widest, max(1, round(height * widest / width)))
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    _, webp = cv2.imencode(".webp", picture, [cv2.IMWRITE_WEBP_QUALITY, _QUALITY])
    return f"data:image/webp;base64,{base64.b64encode(webp.tobytes()).decode()}"


def count_shown(sheets: Iterable[Sheet]) -> int:
    """Samples on these sheets."""
    return sum(len(sheet.shown) for sheet in sheets)
