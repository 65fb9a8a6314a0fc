"""Clips of a source: whose stages run again after an edit."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.media_builder import make_media
from tests.workflow.project import Project

STAGES = ("speech", "faces")
HEADER = "speaker,location,clips\n"


def reruns(project: Project, *options: str, stages: tuple[str, ...] = STAGES) -> set[str]:
    """The videos whose stages a dry run would run."""
    planned = project.snakemake("-n", *targets(project, stages), *options)
    return {
        line.split("=")[1].strip() for line in planned.splitlines() if "wildcards: video=" in line
    }


def targets(project: Project, stages: tuple[str, ...] = STAGES) -> list[str]:
    videos = project.videos().values()
    names = [f"data/{stage}/{video}.parquet" for stage in stages for video in videos]
    return [*names, "--cores=1"]


def test_an_edit_of_one_video_s_clips_reruns_its_stages_alone(tmp_path: Path) -> None:
    project = Project.make(tmp_path / "project", [])
    listed = tmp_path / "project/manifests/sources.csv"
    for name, pitch in (("a", 300), ("b", 400)):
        make_media(
            tmp_path / f"project/{name}.wav", picture=None, sound=f"sine={pitch}:d=2", seconds=2
        )
    listed.write_text(f"{HEADER}ana,a.wav,\nbob,b.wav,0-1;1.5-2\n")
    project.voiceface("resolve")
    project.snakemake(*targets(project))
    names = project.videos()
    times = pq.read_table(tmp_path / f"project/data/timeline/{names['b.wav']}.parquet").to_pylist()
    outside = {row["reason"]: row["duration_us"] for row in times}["outside_clips"]
    assert outside == pytest.approx(500_000, abs=50_000)
    assert reruns(project) == set()
    listed.write_text(f"{HEADER}ana,a.wav,\nbob,b.wav,0-1;1.25-2\n")
    project.voiceface("resolve")
    assert reruns(project) == {names["b.wav"]}
    # The faces for their own sake, too: those of a video without sound have clips of their own.
    assert reruns(project, "--allowed-rules=faces", stages=("faces",)) == {names["b.wav"]}
    listed.write_text(f"{HEADER}ana,a.wav,0-1\nbob,b.wav,0-1;1.5-2\n")
    project.voiceface("resolve")
    assert reruns(project) == {names["a.wav"]}
