"""What `voiceface status` says of a made-up project."""

import io
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from tests.built_builder import built_project
from voiceface.config import Settings
from voiceface.files import write_json
from voiceface.ids import video_mark
from voiceface.layout import TAKEDOWNS
from voiceface.sources import Video, write_videos
from voiceface.status import people_lines, print_summary, status, summarise
from voiceface.takedowns import Takedown, add_takedowns

SNAKEFILE = """
import json
configfile: "config.yaml"
rule all:
    default_target: True
    input: "data/manifest"
rule faces:
    output: "data/faces/{video}"
    log: "logs/faces/{video}.log"
    params: config=json.dumps(config["faces"]), code="0123456789abcdef"
    shell: "touch {output} &> {log}"
rule manifest:
    input: expand("data/faces/{video}", video=["a", "b", "c"])
    output: "data/manifest"
    log: "logs/manifest.log"
    params: config=json.dumps({}), code="0123456789abcdef"
    shell: "touch {output} &> {log}"
"""


def summary(folder: Path, monkeypatch: pytest.MonkeyPatch, width: int = 120) -> str:
    monkeypatch.chdir(folder)
    out = io.StringIO()
    print_summary(Console(file=out, width=width), Settings())
    return out.getvalue()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built_project(tmp_path_factory.mktemp("built"))


def test_the_summary_holds_the_funnel_the_counts_and_the_metrics(
    built: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = " ".join(summary(built, monkeypatch).split())
    for words in (
        "10:02 of video",
        "kept 47.9 % 4:48",
        "no speech 13.3 % 1:20",
        "speakers 4",
        "videos 8, 2 lost",
        "samples 128",
        "kept 72",
        "splits 36 train, 18 test, 18 unseen",
        "reviews 102 pending, 18 keep, 8 drop",
        "Identity accuracy 71.2 % (98.0 %) 44.1 % (95.0 %)",
    ):
        assert words in seen
    assert "FID" not in seen  # it has no value


def test_labels_that_are_no_one_person_take_a_line_each(
    built: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(built)
    lines = [str(line) for line in people_lines()]
    assert len(lines) == 2
    assert lines[0].startswith("Dara looks like several people: beside the usual one (12 faces in")
    assert lines[1].startswith("Ana and Bo look like one person: their usual faces are 0.21 apart")


@pytest.mark.parametrize("width", [80, 120])
def test_the_summary_fits_on_one_screen(
    built: Path, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    lines = summary(built, monkeypatch, width).splitlines()
    assert len(lines) <= 32
    assert max(len(line) for line in lines) <= width


def test_before_the_first_build_it_says_what_to_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = summary(tmp_path, monkeypatch)
    assert "no dataset yet; make it with `voiceface build`" in seen
    assert "wav2pix: not evaluated yet" in seen


def test_stale_stages_are_summed_up_with_the_cause(tmp_path: Path) -> None:
    videos = [
        Video(f"file-{name}", "ann", "", "", name, "", 1.0, "", "CC-BY-4.0", "", status, name)
        for name, status in (("a", "listed"), ("b", "unlicensed"))
    ]
    write_videos(tmp_path / "manifests/videos.csv", videos)

    def run(*command: str) -> str:
        return subprocess.run(
            [sys.executable, "-m", *command],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "COLUMNS": "100"},
        ).stdout

    def stale(*options: str) -> list[str]:
        printed = run("voiceface", "status", *options)
        lines = [" ".join(line.split()) for line in printed.splitlines()]
        assert "1 videos are kept out by resolve.require_licence: 1 × CC-BY-4.0" in lines
        first = [place for place, line in enumerate(lines) if line.startswith("to be done")]
        return [line for line in lines[first[0] + 1 :] if line] if first else lines[-1:]

    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    (tmp_path / "config.yaml").write_text("faces:\n  size: 128\n")
    assert stale() == ["faces 3 videos not there yet", "manifest not there yet"]
    run("snakemake", "--cores=2")
    assert stale() == ["all is up to date"]
    (tmp_path / "config.yaml").write_text("faces:\n  size: 64\n")
    follows = "manifest because of what comes before it"
    assert stale() == ["faces 3 videos because of changed settings", follows]
    (tmp_path / "usual.yaml").write_text("faces:\n  size: 128\n")
    assert stale("--configfile=usual.yaml") == ["all is up to date"]
    text = SNAKEFILE.replace('"0123456789abcdef"', '"fedcba9876543210"', 1)
    (tmp_path / "Snakefile").write_text(text)
    (tmp_path / "config.yaml").write_text("faces:\n  size: 128\n")
    assert stale() == ["faces 3 videos because of changed code", follows]
    shutil.rmtree(tmp_path / "data/faces")
    (tmp_path / "Snakefile").write_text("rule broken")
    assert stale()[0].startswith("what is stale cannot be told: ")


def test_models_of_what_was_taken_down_are_named_also_those_of_experiments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("Snakefile", "config.yaml"):
        Path(name).touch()
    for name in ("wav2pix", "wav2pix-px.128-3fa92c-seed0"):
        write_json(Path(f"models/{name}/model.json"), {"videos": [video_mark("web-a")]})
    status()
    assert "stale" not in capsys.readouterr().out
    add_takedowns(TAKEDOWNS, [Takedown(video="web-a", date="2026-11-26", reason="asked")])
    status()
    told = " ".join(capsys.readouterr().out.split())
    assert "taken down, and stale: wav2pix; `voiceface build` trains anew" in told
    assert "for experiments on what was taken down, and stale: wav2pix-px.128-3fa92c-seed0;" in told


def test_targets_are_no_stages() -> None:
    job = {"rule_name": "all", "wildcards": {}, "reason": "Missing output files: x"}
    assert summarise([job]) == []


@pytest.mark.parametrize(
    ("now", "why"),
    [
        ("'0123456789abcdef' ", "changed code"),
        ("'0123456789abcdef0123456789abcdef','fedcba9876543210' ", "changed code"),
        ("'best[height<=720]' ", "changed settings"),
        ("'0123456789abcdef','{\"size\": 64}' ", "changed settings"),
        ("'{\"size\": 64}','0123456789abcdef' ", "changed settings"),
    ],
)
def test_settings_and_code_are_told_apart(now: str, why: str) -> None:
    reason = f"Params have changed since last execution: Union before: 'x' now: {now}"
    job = {"rule_name": "faces", "wildcards": {"video": "a"}, "reason": reason}
    assert summarise([job]) == [("faces", "1 video", why)]
