"""The experiment stage: means and intervals over seeds, the best, and what has no value."""

import copy
import csv
import json
from pathlib import Path
from typing import Any

import pytest

from tests.built_builder import metrics_of
from voiceface.errors import VoicefaceError
from voiceface.experiments import Cell, Experiment
from voiceface.files import read_json, read_table, write_json
from voiceface.reporting.experiments import read_comparison
from voiceface.stages.experiment import run
from voiceface.tables import EXPERIMENT

RUNS = {"a": (70.0, 72.0, 74.0), "b": (80.0, 90.0, 100.0)}
"""Identity accuracy on the test split, by cell and seed."""


def made(folder: Path, **changes: Any) -> dict[tuple[str, str, str], dict[str, Any]]:
    """The rows of an experiment of two cells and three seeds, by cell, metric and split."""
    for cell, values in RUNS.items():
        for seed, value in enumerate(values):
            metrics = metrics_of("wav2pix")
            metrics["metrics"]["identity"]["values"]["test"]["generated"] = value
            identity = metrics["metrics"]["identity"]
            spread = copy.deepcopy(identity) | {"higher_is_better": None}
            spread["values"]["train"] |= {"generated": value, "real": None}
            metrics["metrics"] |= {"discriminator": identity, "spread": spread}
            metrics["groups"][0]["metrics"] += ["discriminator", "spread"]
            write_json(folder / f"reports/{cell}{seed}/metrics.json", metrics)
    (folder / "dataset.parquet").write_text("x")
    cells = [
        Cell(label="A", model="wav2pix"),
        Cell(label="B", model="wav2pix", settings={"wav2pix.px": 128}),
    ]
    config = Experiment(**({"title": "Sizes", "cells": cells} | changes))
    runs = json.dumps([[[f"{cell}{seed}", seed] for seed in (0, 1, 2)] for cell in RUNS])
    run(config, runs, folder / "dataset.parquet", folder / "reports", folder / "sizes")
    rows = read_table(folder / "sizes/table.parquet", EXPERIMENT).to_pylist()
    return {(row["cell"], row["metric"], row["split"]): row for row in rows}


def test_means_have_students_interval_over_the_seeds(tmp_path: Path) -> None:
    row = made(tmp_path)["A", "identity", "test"]
    assert (row["mean"], row["values"], row["seeds"]) == (72.0, [70.0, 72.0, 74.0], [0, 1, 2])
    half = 4.3026527 * 2 / 3**0.5  # the 0.975 quantile with 2 degrees of freedom, 2 the deviation
    assert row["low"] == pytest.approx(72 - half, abs=1e-3)
    assert row["high"] == pytest.approx(72 + half, abs=1e-3)


def test_no_share_is_over_the_whole_and_what_never_differs_has_no_interval(tmp_path: Path) -> None:
    rows = made(tmp_path)
    assert rows["B", "identity", "test"]["high"] == 100
    assert rows["A", "landmarks", "test"]["low"] is None


def test_the_best_mean_is_marked_by_what_the_metric_takes_for_good(tmp_path: Path) -> None:
    rows = made(tmp_path)
    assert [rows[cell, "identity", "test"]["best"] for cell in "AB"] == [False, True]
    assert [rows[cell, "landmarks", "test"]["best"] for cell in "AB"] == [False, False]  # equal
    # Nearest to the real faces' 95; where these have none, nobody knows.
    assert [rows[cell, "spread", "test"]["best"] for cell in "AB"] == [False, True]
    assert [rows[cell, "spread", "train"]["best"] for cell in "AB"] == [False, False]
    # Each training's discriminator has a scale of its own.
    assert [rows[cell, "discriminator", "test"]["best"] for cell in "AB"] == [False, False]


def test_papers_figures_stand_with_what_is_as_the_paper_has_it(tmp_path: Path) -> None:
    rows = made(tmp_path)
    assert rows["A", "identity", "test"]["paper"] == 50.08
    assert rows["A", "landmarks", "test"]["paper"] == 90.25
    assert rows["B", "identity", "test"]["paper"] is None
    cells = [Cell(label=name, model="wav2pix", paper={"identity/test": 1.5}) for name in "AB"]
    assert made(tmp_path, cells=cells)["B", "identity", "test"]["paper"] == 1.5
    # Beside figures of another paper, on its data, the model's own would mislead.
    cells[0] = Cell(label="A", model="wav2pix")
    assert made(tmp_path, cells=cells)["A", "identity", "test"]["paper"] is None


def test_only_named_metrics_are_told_in_their_order(tmp_path: Path) -> None:
    rows = made(tmp_path, metrics=["landmarks/unseen", "identity/unseen"])
    assert list(dict.fromkeys(key[1:] for key in rows)) == [
        ("landmarks", "unseen"),
        ("identity", "unseen"),
    ]
    row = rows["A", "identity", "unseen"]
    assert (row["mean"], row["values"]) == (None, [])
    assert row["note"] == "these people are not in the training split"
    with pytest.raises(VoicefaceError, match="no metric identify; there are identity, matching"):
        made(tmp_path, metrics=["identify/test"])


def test_a_cell_may_be_told_of_less_speech(tmp_path: Path) -> None:
    cells = [Cell(label=f"{s} s", model="wav2pix", heard=f"{s} s") for s in (1, 10)]
    rows = made(tmp_path, cells=cells, metrics=["matching/test", "matching/unseen"])
    assert [rows[f"{s} s", "matching", "test"]["mean"] for s in (1, 10)] == [78.0, 82.7]
    assert rows["1 s", "matching", "unseen"]["note"] == "too few voices of 1 s"
    assert {metric for _, metric, _ in made(tmp_path, cells=cells)} == {"identity", "matching"}
    with pytest.raises(VoicefaceError, match="1 s: landmarks is not told of that; there are ident"):
        made(tmp_path, cells=cells, metrics=["landmarks/test"])


def test_the_csv_says_the_same(tmp_path: Path) -> None:
    rows = made(tmp_path)
    with open(tmp_path / "sizes/table.csv", newline="") as file:
        told = list(csv.DictReader(file))
    assert len(told) == len(rows)
    row = next(
        one
        for one in told
        if (one["cell"], one["metric"], one["split"]) == ("B", "identity", "test")
    )
    assert (row["mean"], row["best"], row["values"], row["seeds"]) == (
        "90",
        "true",
        "80 90 100",
        "0 1 2",
    )
    assert json.loads(row["settings"]) == {"wav2pix.px": 128}


def test_the_page_is_told_whether_the_dataset_is_another_by_now(tmp_path: Path) -> None:
    made(tmp_path)
    digest = read_json(tmp_path / "sizes/about.json")["dataset"]
    assert not read_comparison(tmp_path / "sizes", digest).outdated
    assert read_comparison(tmp_path / "sizes", "0" * 64).outdated
