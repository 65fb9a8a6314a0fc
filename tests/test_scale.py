"""The benchmarks of many videos and many rows, at a few of each."""

from pathlib import Path

import pytest
import rebuild

import manifests  # benchmarks/ is on the path, see pyproject.toml
from voiceface.files import read_table
from voiceface.tables import DATASET, MANIFEST

PER_VIDEO = ("download", "speech", "faces", "samples")
TOGETHER = ("downloads", "gather", "manifest", "dataset", "train", "evaluate", "report", "all")


def test_one_video_more_costs_its_own_jobs_and_what_follows(tmp_path: Path) -> None:
    result = rebuild.measure(tmp_path, (3,))
    assert result["add_one_jobs"]["3"] == {**dict.fromkeys((*PER_VIDEO, *TOGETHER), 1), "pack": 3}
    assert result["same_state"], "--touch leaves another state than a build"
    assert result["missed"] == []
    for name in ("noop_s", "add_one_s", "first_dag_s", "peak_rss_mb", "first_run_s"):
        assert result[name]["3"] > 0
    # Nothing ran: it takes less than what ran all jobs.
    assert result["cpu_s"]["3"]["noop"] < result["cpu_s"]["3"]["first_run"]


def test_the_search_is_told_apart_from_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifests.make_tables(tmp_path / "1000-rows", 1_000)
    monkeypatch.setattr(manifests, "make_tables", None)  # what an earlier run made is taken
    result = manifests.measure(tmp_path, (1_000,))
    assert result["search_s"]["1000"] > 0
    assert result["join_s"]["1000"] > 0
    assert result["missed"] == []
    root = tmp_path / "1000-rows/manifests"
    table = read_table(root / "samples.parquet", MANIFEST, ["review", "fate"])
    assert table["review"].to_pylist().count("pending") == 900
    kept = table["fate"].to_pylist().count("kept")
    assert len(read_table(root / "dataset.parquet", DATASET)) == kept > 500
