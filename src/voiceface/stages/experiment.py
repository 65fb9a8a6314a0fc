"""The metrics of all runs of an experiment → one table, with intervals over the seeds."""

import io
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import csv

from voiceface import files
from voiceface.errors import VoicefaceError
from voiceface.evaluation import intervals
from voiceface.experiments import Cell, Experiment
from voiceface.reporting.metrics import Evaluation, Metric, Value, read_evaluation
from voiceface.stages.shim import stage_main
from voiceface.tables import EXPERIMENT, SPLITS

_WHOLE = 100.0  # percent: no share is over it, nor under 0
_ABOUT = {"title", "source", "about", "axis", "figures"}
_OWN_SCALE = {"discriminator"}  # each training's judge has its own: none is the best

Row = dict[str, Any]


def run(config: Experiment, runs: str, dataset: Path, reports: Path, output: Path) -> None:
    """Write table.parquet and table.csv, as `tables.EXPERIMENT`, and about.json to `output`.

    about.json: {"title", "source", "about", "axis", "figures", "cells": labels, "dataset": SHA-256
    of the dataset that it was made of, "csv_sha256": that of table.csv}.

    Args:
        config: with all its cells.
        runs: for each cell the names of its runs and their seeds, as JSON: [[[name, seed]]].
        dataset: `manifests/dataset.parquet`.
        reports: the folder of the runs' metrics.

    Raises:
        VoicefaceError: a run's metrics are missing, or there is no such metric.
    """
    named = json.loads(runs)
    found = {
        name: read_evaluation(reports / name / "metrics.json") for of in named for name, _ in of
    }
    table = []
    for metric, split in _wanted(config, list(found.values())):
        rows = [
            _row(config, cell, metric, split, [(found[name], seed) for name, seed in of])
            for cell, of in zip(config.cells, named, strict=True)
        ]
        if metric not in _OWN_SCALE:
            _mark_best(rows)
        table += rows
    written = pa.Table.from_pylist(table, EXPERIMENT)
    files.write_table(output / "table.parquet", written)
    files.write_bytes(output / "table.csv", _as_csv(written))
    about = config.model_dump(mode="json", include=_ABOUT)
    about["cells"] = [cell.label for cell in config.cells]
    about["dataset"] = files.sha256_file(dataset)
    about["csv_sha256"] = files.sha256_file(output / "table.csv")
    files.write_sealed(output / "about.json", about)


def _wanted(config: Experiment, found: list[Evaluation]) -> list[tuple[str, str]]:
    """The metrics to tell, each with a split: those that are named, or all that have a value."""
    known = list(dict.fromkeys(name for evaluation in found for name in evaluation.known))
    if not config.metrics:
        heard = any(cell.heard for cell in config.cells)
        by_input = {name for one in found for name in (*one.seconds, *one.babble)}
        return [
            (name, split)
            for name in known
            if name in by_input or not heard
            for split in SPLITS
            if any(_has(evaluation.known.get(name), split) for evaluation in found)
        ]
    wanted = [(name, split) for name, _, split in (one.partition("/") for one in config.metrics)]
    if missing := [name for name, _ in wanted if name not in known]:
        raise VoicefaceError(f"no metric {missing[0]}; there are {', '.join(known)}")
    return wanted


def _has(metric: Metric | None, split: str) -> bool:
    value = metric.values.get(split) if metric else None
    return value is not None and value.generated is not None


def _row(
    config: Experiment, cell: Cell, name: str, split: str, runs: list[tuple[Evaluation, int]]
) -> Row:
    """A metric of a cell on a split."""
    metric = runs[0][0].known[name]
    values = [_value(evaluation, name, split, cell.heard) for evaluation, _ in runs]
    drawn = [value.generated for value in values if value.generated is not None]
    low, high = _interval(drawn, metric.unit) or (None, None)
    # A table that gives figures of its own has those alone: others are of other data.
    own = any(other.paper for other in config.cells)
    as_set = not (cell.settings or config.settings or own)
    of_paper = metric.paper.get(split, metric.paper.get("all") if split == "test" else None)
    return {
        "cell": cell.label,
        "model": cell.model,
        "settings": json.dumps({**config.settings, **cell.settings}, sort_keys=True),
        "metric": name,
        "title": metric.title,
        "unit": metric.unit,
        "higher_is_better": metric.higher_is_better,
        "split": split,
        "mean": _mean(drawn),
        "low": low,
        "high": high,
        "best": False,
        "seeds": [seed for _, seed in runs],
        "values": drawn,
        "real": _mean(value.real for value in values),
        "chance": _mean(value.chance for value in values),
        "paper": cell.paper.get(f"{name}/{split}", of_paper if as_set else None),
        "note": "" if drawn else next((value.note for value in values if value.note), ""),
    }


def _value(evaluation: Evaluation, name: str, split: str, heard: str) -> Value:
    number, _, unit = heard.partition(" ")
    if not unit:
        return evaluation.known[name].values[split]
    by_input = evaluation.seconds if unit == "s" else evaluation.babble
    if name not in by_input:
        told = ", ".join(by_input)
        raise VoicefaceError(f"{heard}: {name} is not told of that; there are {told}")
    missing = Value(None, None, 0, f"too few voices of {heard}", None, None, None)
    return by_input[name].get(split, {}).get(f"{float(number):g}", missing)


def _mean(values: Iterable[float | None]) -> float | None:
    there = [value for value in values if value is not None]
    return sum(there) / len(there) if there else None


def _interval(values: list[float], unit: str) -> tuple[float, float] | None:
    ends = intervals.of_seeds(values)
    if ends and unit == "%":
        return max(ends[0], 0.0), min(ends[1], _WHOLE)
    return ends


def _mark_best(rows: list[Row]) -> None:
    """Mark the cell with the best mean of a metric on a split; none where all are equal."""
    ranks = [rank for row in rows if (rank := _rank(row)) is not None]
    for row in rows:
        row["best"] = _rank(row) == min(ranks, default=0) < max(ranks, default=0)


def _rank(row: Row) -> float | None:
    """The lower the better; None where that can't be told."""
    if row["mean"] is None:
        return None
    if row["higher_is_better"] is None:
        return None if row["real"] is None else abs(row["mean"] - row["real"])
    return -row["mean"] if row["higher_is_better"] else row["mean"]


def _as_csv(table: pa.Table) -> bytes:
    """With the values of a list in one field, parted by blanks."""
    for place, field in enumerate(table.schema):
        if pa.types.is_list(field.type):
            texts = [" ".join(f"{value:g}" for value in of) for of in table[place].to_pylist()]
            table = table.set_column(place, field.name, pa.array(texts, pa.string()))
    buffer = io.BytesIO()
    csv.write_csv(table, buffer)
    return buffer.getvalue()


if __name__ == "__main__":
    sys.exit(stage_main(run))
