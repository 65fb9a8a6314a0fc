"""The download rules under the real Snakemake: what an edit of the settings may cost."""

import os
import re
import shutil
from pathlib import Path

import pytest

from tests.media_builder import make_media
from tests.workflow.project import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project with two short videos that nobody speaks in, resolved."""
    talks = tmp_path / "project" / "talks"
    talks.mkdir(parents=True)
    for number in (1, 2):
        make_media(talks / f"{number}.mp4", seconds=number)
    made = Project.make(tmp_path / "project", [{"speaker": "ana", "location": "talks"}])
    made.voiceface("resolve")
    return made


def test_no_setting_of_download_fetches_again_and_only_the_limit_is_checked_anew(
    project: Project,
) -> None:
    table = "data/downloads.parquet"
    project.snakemake("--cores=2", table)
    shutil.rmtree(project.folder / "talks")  # what is deleted now can't be had again
    project.configure({"download": {"format": "w", "retries": 0, "proxy": "http://a:1"}})
    assert "Nothing to be done" in project.snakemake("-n", table)
    project.configure({"download": {"max_lost_fraction": 0.1}})
    planned = re.findall(r"rule (\w+):", project.snakemake("-n", table))
    assert planned == ["downloads"]


def test_bare_snakemake_takes_nothing_that_the_licence_keeps_out(project: Project) -> None:
    project.configure({"resolve": {"require_licence": ["CC0-1.0"]}})
    assert "another resolve.require_licence" in project.snakemake("-n", fails=True)
    told = project.voiceface("build", "data/downloads.parquet")
    assert "2 videos are kept out by resolve.require_licence: 2 × none" in told
    assert not list((project.folder / "data").glob("media/*"))
    project.configure({})
    project.voiceface("build", "data/downloads.parquet")
    assert len(list((project.folder / "data").glob("media/*.mkv"))) == 2


def test_the_check_of_lost_videos_comes_before_the_costly_stages(project: Project) -> None:
    (lost, video) = project.videos().values()
    os.unlink(project.folder / "talks" / "1.mp4")
    speech = [f"data/speech/{name}.parquet" for name in (lost, video)]
    told = project.snakemake("--cores=1", *speech, "data/downloads.parquet", fails=True)
    ran = re.findall(r"rule (\w+):", told)
    assert ran[:3] == ["download", "download", "downloads"]
    assert "1 of 2 videos were lost, more than download.max_lost_fraction 0.2 allows" in told
