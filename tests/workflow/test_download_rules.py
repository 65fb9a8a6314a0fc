"""The download rules under the real Snakemake: what an edit of the settings may cost."""

import os
import re
import shutil
from pathlib import Path

import pytest

from tests.media_builder import make_media
from tests.web_host import Host, Reply
from tests.workflow.project import Project
from voiceface.outcome import Outcome, write_outcome


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


def test_what_a_repair_deletes_the_next_run_makes_again_byte_by_byte(project: Project) -> None:
    (_, video) = project.videos().values()
    speech = f"data/speech/{video}.parquet"
    project.snakemake("--cores=1", speech)
    chunks = project.folder / f"data/chunks/{video}.parquet"  # no other job reads it
    whole = chunks.read_bytes()
    chunks.write_bytes(whole[:-9] + b"?" + whole[-8:])
    (project.folder / f"data/download/{video}.json").write_text("{")  # its medium is good
    assert f"data/chunks/{video}.parquet: " in project.voiceface("verify", fails=True)
    project.voiceface("verify", "--repair")
    ran = re.findall(r"rule (\w+):", project.snakemake("--cores=1", speech))
    assert ran == ["speech"]
    assert chunks.read_bytes() == whole


def test_a_build_with_the_network_gone_keeps_all_it_had_and_says_what_it_could_not_reach(
    tmp_path: Path,
) -> None:
    quick = {"retries": 0, "backoff_s": 0.01, "socket_timeout_s": 1.0}
    settings = {"download": quick, "resolve": {"socket_timeout_s": 1.0}}
    site = Host()
    try:
        clip = make_media(tmp_path / "a.mp4", seconds=1).read_bytes()
        feed = site.feed("/feed.xml", ("A", site.serve("/a.mp4", Reply(clip, "video/mp4"))))
        rows = [{"speaker": "ana", "location": feed}]
        project = Project.make(tmp_path / "project", rows, settings)
        project.voiceface("build", "data/downloads.parquet")
    finally:
        site.close()
    kept = [project.folder / "manifests/videos.csv", project.folder / "data/downloads.parquet"]
    kept += [*project.folder.glob("data/media/*.mkv"), *project.folder.glob("data/download/*.json")]
    before = {path: path.read_bytes() for path in kept}
    assert len(before) == 4
    assert clip in before.values()
    project.write_sources([*rows, {"speaker": "bo", "location": f"{site.url}/new.mp4"}])
    told = project.voiceface("build", "--resolve", "data/downloads.parquet")
    assert "its 1 videos stay as they were" in told
    assert f"! {site.url}/new.mp4: " in told
    unlisted = Outcome(video="web-old", status="failed", reason="of a source that was removed")
    write_outcome(project.folder / "data/download/web-old.json", unlisted)
    assert "0 downloads will be tried again" in project.voiceface("retry")
    project.voiceface("build", "data/downloads.parquet")
    assert {path: path.read_bytes() for path in kept} == before


def test_the_check_of_lost_videos_comes_before_the_costly_stages(project: Project) -> None:
    (lost, video) = project.videos().values()
    os.unlink(project.folder / "talks" / "1.mp4")
    speech = [f"data/speech/{name}.parquet" for name in (lost, video)]
    told = project.snakemake("--cores=1", *speech, "data/downloads.parquet", fails=True)
    ran = re.findall(r"rule (\w+):", told)
    assert ran[:3] == ["download", "download", "downloads"]
    assert "1 of 2 videos were lost, more than download.max_lost_fraction 0.2 allows" in told
