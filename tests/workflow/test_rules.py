"""What the rules ask for, told by dry runs."""

import os
from pathlib import Path

import pytest

from tests.workflow.project import Project
from voiceface.sources import Video, write_videos

SECRET = {"proxy": "http://me:secret@host:1", "cookies_file": "/home/me/cookies.txt"}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project.make(tmp_path, [], {"download": SECRET, "resolve": SECRET})
    (tmp_path / "manifests/sources.csv").unlink()  # the list of videos is taken as it is
    (tmp_path / "a.mp4").write_text("x")
    video = Video("file-a", "ann", "", "", "a.mp4", "", 1.0, "", "", "", "listed", "a.mp4")
    write_videos(tmp_path / "manifests/videos.csv", [video])
    return made


def test_a_model_that_there_is_not_is_one_line(project: Project) -> None:
    for name in ("foo", "speech"):  # a section, but of no model
        said = project.voiceface("build", f"models/{name}/model.json", fails=True).splitlines()
        assert said[-1] == f"voiceface: {name}: no such model; `voiceface models` lists them"


def test_the_report_follows_its_template_and_is_told_no_secret(project: Project) -> None:
    planned = project.snakemake("-n", "-p", "--cores=1")
    report = planned[planned.index("rule report:") :]
    inputs = next(line for line in report.splitlines() if line.strip().startswith("input:"))
    assert "reporting/page.html" in inputs
    assert "reporting/page.css" in inputs
    told = report[report.index("voiceface.stages.report") :]
    assert '"segment_s": 4.0' in told
    assert "secret" not in told
    assert "cookies.txt" not in told


def test_a_bare_snakemake_takes_all_cores(project: Project) -> None:
    said = project.snakemake("data/download/file-a.json")
    assert f"Provided cores: {os.cpu_count()}" in said


def test_acgan_waits_for_its_voice_embedding_or_takes_another(project: Project) -> None:
    def planned() -> str:
        return project.snakemake("-n", "-p", "--cores=1", "models/acgan/model.json")

    assert "voiceface.stages.voice --config" in planned()
    assert "--begin-with=models/voice/encoder.safetensors" in planned()
    (project.folder / "mine.safetensors").write_text("x")
    project.configure({"acgan": {"embedding": "mine.safetensors"}})
    assert "voiceface.stages.voice" not in planned()
    assert "--begin-with=mine.safetensors" in planned()


def test_a_recogniser_is_trained_only_for_a_model_or_when_asked_for(project: Project) -> None:
    def planned() -> str:
        return project.snakemake("-n", "-p", "--cores=1")

    assert "voiceface.stages.voice" not in planned()
    project.configure({"recognisers": ["voice"]})
    assert "--recogniser=voice " in planned()
    assert "--recognisers=voice " in planned()  # the report shows it
    project.configure({"recognisers": [], "models": ["acgan"]})
    assert "--recogniser=voice " in planned()


def test_training_on_several_devices_is_started_by_torchrun(project: Project) -> None:
    def command() -> str:
        planned = project.snakemake("-n", "-p", "--cores=1", "models_only")
        return next(line for line in planned.splitlines() if "voiceface.stages.train" in line)

    assert ": python -m voiceface.stages.train --config" in command()
    project.configure({"train": {"devices": 2}})
    assert "torchrun --standalone --nproc-per-node=2 -m voiceface.stages.train" in command()
