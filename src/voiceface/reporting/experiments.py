"""A finished experiment for the page: its table, and a figure of each metric."""

from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from markupsafe import Markup

from voiceface.errors import VoicefaceError
from voiceface.files import read_json, read_table
from voiceface.reporting.points import Line, Point, draw_lines, draw_rows
from voiceface.reporting.words import counted, figure, joined, spread_of
from voiceface.tables import EXPERIMENT

_MOST_FIGURES = 6


@dataclass(frozen=True)
class Entry:
    """A metric of a cell, in words."""

    value: str
    spread: str
    """Its interval over the seeds; may be empty."""
    paper: str
    """The paper's figure, on other data; may be empty."""
    best: bool


@dataclass(frozen=True)
class Row:
    """A metric on a split, of all cells."""

    split: str
    entries: list[Entry]
    real: str
    chance: str


@dataclass(frozen=True)
class Metric:
    """A metric of all cells."""

    title: str
    sign: str
    """Which values are good: ↑, ↓ or ≈."""
    rows: list[Row]
    """One for each split."""


@dataclass(frozen=True)
class Chart:
    """A metric of all cells, with a line or a row of points for each split."""

    title: str
    unit: str
    by: str
    """What its labels are a measure of; may be empty."""
    svg: Markup
    splits: list[str]


@dataclass(frozen=True)
class Comparison:
    """An experiment's section."""

    name: str
    title: str
    source: str
    about: str
    cells: list[str]
    metrics: list[Metric]
    charts: list[Chart]
    seeds: str
    """How many trainings each mean is of, in words."""
    has_papers: bool
    outdated: bool
    """Whether the dataset is another one by now."""
    notes: list[str]


def read_comparison(folder: Path, dataset: str) -> Comparison:
    """Read `reports/experiments/<name>/`.

    Args:
        dataset: SHA-256 of the dataset that there is now.

    Raises:
        VoicefaceError: a file is missing or damaged.
    """
    about = read_json(folder / "about.json")
    rows = read_table(folder / "table.parquet", EXPERIMENT).to_pylist()
    try:
        by_metric = [list(of) for _, of in groupby(rows, lambda row: row["metric"])]
        seeds = {len(row["seeds"]) for row in rows}
        return Comparison(
            folder.name,
            about["title"],
            about["source"],
            about["about"],
            about["cells"],
            [_metric(of) for of in by_metric],
            _charts(by_metric, about),
            " or ".join(counted(count, "seed") for count in sorted(seeds)),
            any(row["paper"] is not None for row in rows),
            about["dataset"] != dataset,
            _notes(rows),
        )
    except KeyError as error:
        raise VoicefaceError(
            f"{folder / 'about.json'}: has no {error}, it is of another version; make it anew with"
            f" `snakemake {folder.name}`, or delete the folder"
        ) from None


def _metric(rows: list[dict[str, Any]]) -> Metric:
    sign = {True: "↑", False: "↓", None: "≈"}[rows[0]["higher_is_better"]]
    by_split = [list(of) for _, of in groupby(rows, lambda row: row["split"])]
    return Metric(rows[0]["title"], sign, [_row(of) for of in by_split])


def _row(cells: list[dict[str, Any]]) -> Row:
    unit = cells[0]["unit"]

    def of_all(name: str) -> str:
        values = [row[name] for row in cells if row[name] is not None]
        # They differ where cells are of other people or of another size.
        ends = [figure(end, unit) for end in (min(values), max(values))] if values else []
        return " to ".join(dict.fromkeys(ends))

    entries = [_entry(row) for row in cells]
    return Row(cells[0]["split"], entries, of_all("real"), of_all("chance"))


def _entry(row: dict[str, Any]) -> Entry:
    ends = None if row["low"] is None else (row["low"], row["high"])
    paper = "" if row["paper"] is None else figure(row["paper"], row["unit"])
    value = figure(row["mean"], row["unit"])
    return Entry(value, spread_of(ends, row["unit"]), paper, row["best"])


def _charts(metrics: list[list[dict[str, Any]]], about: dict[str, Any]) -> list[Chart]:
    """A figure of each metric that is to be drawn, or of the first ones."""
    charts: list[Chart] = []
    for rows in metrics:
        lines: dict[str, Line] = {}
        for row in rows:
            if row["mean"] is not None:
                lines.setdefault(row["split"], {})[row["cell"]] = _point(row)
        wanted = about["figures"]
        if lines and (rows[0]["metric"] in wanted if wanted else len(charts) < _MOST_FIGURES):
            title, unit, axis = rows[0]["title"], rows[0]["unit"], about["axis"]
            draw = draw_lines if axis else draw_rows
            svg = draw(title, unit, about["cells"], lines)
            charts.append(Chart(title, unit, axis, svg, list(lines)))
    return charts


def _point(row: dict[str, Any]) -> Point:
    ends = None if row["low"] is None else (row["low"], row["high"])
    return Point(row["mean"], ends, tuple(row["values"]) if len(row["values"]) > 1 else ())


def _notes(rows: list[dict[str, Any]]) -> list[str]:
    """Why there is no value, each reason said once."""
    cells = len({row["cell"] for row in rows})
    whose: dict[str, dict[str, dict[str, None]]] = {}
    for row in rows:
        if row["note"] and row["mean"] is None:
            whose.setdefault(row["note"], {}).setdefault(row["title"], {})[row["cell"]] = None
    return [
        "; ".join(
            title if len(of) == cells else f"{title} of {joined(list(of))}"
            for title, of in titles.items()
        )
        + f": {note}."
        for note, titles in whose.items()
    ]
