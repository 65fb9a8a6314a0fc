"""The list of takedowns, `manifests/takedowns.csv`: what must never be in the dataset again.

Read whenever Snakemake parses the workflow, so nothing heavy is imported here.
"""

import csv
import io
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from voiceface.errors import VoicefaceError
from voiceface.files import write_text
from voiceface.rows import read_rows

TAKEDOWNS_NAME = "takedowns.csv"
"""It lies beside the list of videos."""


class Takedown(BaseModel):
    """One row of `manifests/takedowns.csv`. Each field's docstring says what may stand in it."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True, title="Takedown"
    )

    video: Annotated[str, Field(pattern=r"^([a-z0-9]+-[A-Za-z0-9_-]+)?$")] = ""
    """the video's name as in videos.csv, or empty"""
    speaker: Annotated[str, Field(pattern=r"^([A-Za-z0-9][A-Za-z0-9._-]{0,63})?$")] = ""
    """a label as in sources.csv: all videos of that person, those to come too; or empty"""
    date: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d$")]
    """the day, as in 2026-11-26"""
    reason: Annotated[str, Field(pattern=r"[^\s]")]
    """why, in any words"""

    @model_validator(mode="after")
    def _check_one(self) -> Self:
        if bool(self.video) == bool(self.speaker):
            raise ValueError("either video or speaker must be named, in a row each")
        return self


COLUMNS = tuple(Takedown.model_fields)


@dataclass(frozen=True)
class Takedowns:
    """All that was taken down."""

    rows: tuple[Takedown, ...] = ()

    @cached_property
    def videos(self) -> frozenset[str]:
        """The videos that are named; those of a speaker may not be."""
        return frozenset(row.video for row in self.rows if row.video)

    @cached_property
    def speakers(self) -> frozenset[str]:
        """The people's labels, in small letters."""
        return frozenset(row.speaker.lower() for row in self.rows if row.speaker)

    def cover(self, video: str, speaker: str) -> bool:
        """Whether a video of a speaker was taken down."""
        return video in self.videos or speaker.lower() in self.speakers


def read_takedowns(path: Path) -> Takedowns:
    """Read and check the list; none when there is no such file.

    Raises:
        VoicefaceError: rows are wrong: every one of them is named with its line and what is wrong.
    """
    if not path.exists():
        return Takedowns()
    rows = read_rows(path)
    _, header = next(rows, (0, list(COLUMNS)))
    if sorted(header) != sorted(COLUMNS):
        raise VoicefaceError(f"{path}: the first line must name the columns {','.join(COLUMNS)}")
    problems: list[str] = []
    found: list[Takedown] = []
    for line, cells in rows:
        if len(cells) != len(header):
            problems.append(f"line {line}: {len(cells)} cells where the header has {len(header)}")
            continue
        row = {name: cell.strip() for name, cell in zip(header, cells, strict=True)}
        try:
            found.append(Takedown.model_validate(row))
        except ValidationError as error:
            problems += [f"line {line}: {_words(problem)}" for problem in error.errors()]
    if problems:
        raise VoicefaceError(f"{path}: {'; '.join(problems)}")
    return Takedowns(tuple(found))


def add_takedowns(path: Path, rows: Iterable[Takedown]) -> Takedowns:
    """Add rows to the list, atomically; what is named there already is not named again.

    Returns: the whole list.
    """
    before = read_takedowns(path).rows
    named = {(row.video, row.speaker.lower()) for row in before}
    new = [row for row in rows if (row.video, row.speaker.lower()) not in named]
    if new:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(row.model_dump().values() for row in (*before, *new))
        write_text(path, text.getvalue())
    return Takedowns((*before, *new))


def takedown_schema() -> str:
    """JSON Schema of one row of the list: `workflow/schemas/takedowns.schema.json`."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return json.dumps({**schema, **Takedown.model_json_schema()}, indent=2) + "\n"


def _words(problem: Any) -> str:
    if problem["type"] == "value_error":
        return str(problem["ctx"]["error"])
    name = str(problem["loc"][0])
    about = Takedown.model_fields[name].description
    return f"{name} {problem['input']!r}: must be {about}"
