"""Real talking-head videos through the real workflow."""

import csv
from dataclasses import replace
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from tests.workflow.project import Project
from voiceface.config import Gather
from voiceface.sources import read_videos, write_videos
from voiceface.stages import gather


def wrong_labels(folder: Path, apart: str) -> set[tuple[str, str, str]]:
    """What the gather stage says of the labels when one video has a label of its own."""
    listed = read_videos(folder / "manifests/videos.csv")
    relabelled = folder / "relabelled.csv"
    write_videos(
        relabelled,
        [replace(one, speaker="again") if one.video == apart else one for one in listed],
    )
    inputs = (folder / "data" / part for part in ("download", "timeline", "samples"))
    outputs = [folder / f"{name}.parquet" for name in ("gathered", "outside", "people")]
    gather.run(Gather(), relabelled, *inputs, *outputs)
    found = pq.read_table(outputs[-1]).to_pylist()
    return {(row["kind"], row["speaker"], row["other"]) for row in found}


@pytest.mark.real
def test_real_videos_give_the_expected_counts(tmp_path: Path, real_videos: Path) -> None:
    with open(real_videos / "expected.csv", newline="") as source:
        expected = list(csv.DictReader(source))
    speakers = sorted({row["speaker"] for row in expected})
    project = Project.make(
        tmp_path / "project",
        [{"speaker": name, "location": str(real_videos / name)} for name in speakers],
        {
            "resolve": {"local_roots": [str(real_videos)]},
            # `mixed` is no one person: its ranges hold without the check of identities.
            "gather": {"max_identity_distance": None},
        },
    )
    project.voiceface("resolve")
    project.snakemake("--cores=2", "manifests/dataset.parquet")

    videos = project.videos()
    manifest = pq.read_table(project.folder / "manifests" / "samples.parquet")
    clean = manifest.filter(pc.field("clean"))["video"].to_pylist()
    off = {}
    for row in expected:
        count = clean.count(videos[Path(row["file"]).name])
        if not int(row["samples_min"]) <= count <= int(row["samples_max"]):
            off[row["file"]] = (count, row["samples_min"], row["samples_max"])
    assert not off

    assert project.outcome(videos["truncated.mp4"])["status"] == "unavailable"
    funnel = pq.read_table(project.folder / "manifests" / "funnel.parquet").to_pylist()
    for name in ("reporter-1.mp4", "vfr.mp4", "news-mix.mp4"):
        total_us = sum(r["duration_us"] for r in funnel if r["video"] == videos[name])
        wanted = next(row for row in expected if Path(row["file"]).name == name)
        assert total_us / 1e6 == pytest.approx(float(wanted["duration_s"]), abs=0.5)
    assert "Nothing to be done" in project.snakemake("-n", "manifests/dataset.parquet")
    assert wrong_labels(project.folder, videos["president-2.mp4"]) == {
        ("several_people", "mixed", "mixed"),
        ("same_person", "again", "president"),
    }
