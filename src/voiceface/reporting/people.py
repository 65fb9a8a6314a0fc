"""Labels that are no one person, as `manifests/people.parquet` holds them, in words."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from voiceface.files import read_table
from voiceface.reporting.pictures import PLACE, thumbnail
from voiceface.reporting.words import counted, some_of
from voiceface.tables import MANIFEST, PEOPLE

_MOST_VIDEOS = 3


@dataclass(frozen=True)
class Finding:
    """Two usual faces: of two labels that are one person, or of one label that hides two."""

    words: str
    """One sentence."""
    names: tuple[str, str]
    """Who each of the two is said to be."""
    samples: tuple[str, str]
    """Each one's most usual face."""


def read_people(path: Path) -> list[Finding]:
    """Read the findings, the surest of each kind first.

    Raises:
        VoicefaceError: the file is missing or damaged.
    """
    rows = read_table(path, PEOPLE).to_pylist()
    rows.sort(key=_sureness)
    return [Finding(_words(row), (row["speaker"], row["other"]), _samples(row)) for row in rows]


def usual_faces(findings: list[Finding], manifest: Path, faces: Path) -> dict[str, str]:
    """Sample → its face as a data URI, of the samples that the findings name."""
    wanted = {sample for finding in findings for sample in finding.samples}
    table = read_table(manifest, MANIFEST, ["sample", *PLACE])
    table = table.filter(pc.is_in(table["sample"], pa.array(sorted(wanted), pa.string())))
    return {row["sample"]: thumbnail(row, faces) for row in table.to_pylist()}


def _sureness(row: dict[str, Any]) -> tuple[Any, ...]:
    """Near usual faces are surely one person, and far ones surely two."""
    same = row["kind"] == "same_person"
    return same, row["distance"] if same else -row["distance"], row["speaker"], row["sample"]


def _words(row: dict[str, Any]) -> str:
    apart = f"their usual faces are {row['distance']:.2f} apart"
    if row["kind"] == "same_person":
        one, other = row["speaker"], row["other"]
        return (
            f"{one} and {other} look like one person: {apart}"
            f" ({counted(row['faces'], 'face')} and {counted(row['other_faces'], 'face')})"
        )
    own, others = (some_of(row[name], _MOST_VIDEOS) for name in ("videos", "other_videos"))
    return (
        f"{row['speaker']} looks like several people: beside the usual one"
        f" ({counted(row['faces'], 'face')} in {own}) somebody else"
        f" ({counted(row['other_faces'], 'face')} in {others}); {apart}"
    )


def _samples(row: dict[str, Any]) -> tuple[str, str]:
    return row["sample"], row["other_sample"]
