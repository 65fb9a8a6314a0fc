"""The command line: what every command shares."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from voiceface.cli import main
from voiceface.sources import read_videos


def test_debug_shows_where_an_expected_failure_came_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VOICEFACE_DEBUG", raising=False)
    assert main(["models"]) == 1
    plain = capsys.readouterr().err
    assert plain.startswith("voiceface: config.yaml: no such file")
    assert plain.count("\n") == 1
    monkeypatch.setenv("VOICEFACE_DEBUG", "")  # what --debug sets is undone afterwards
    assert main(["--debug", "models"]) == 1
    told = capsys.readouterr().err
    assert "Traceback" in told
    assert "load_settings" in told
    assert "NoneType" not in told
    assert told.endswith(plain)


def test_the_list_of_models_cuts_no_word_in_80_columns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    (tmp_path / "config.yaml").write_text("{}")
    assert main(["models"]) == 0
    told = capsys.readouterr().out
    assert "…" not in told
    assert "two" in told
    assert max(map(len, told.splitlines())) <= 80


def test_settings_of_another_file_are_laid_over_to_resolve(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Snakefile").touch()
    (tmp_path / "manifests").mkdir()
    (tmp_path / "media").mkdir()
    for name in ("a.mkv", "b.mp4"):
        (tmp_path / "media" / name).write_text(name)
    header = "speaker,gender,language,location,licence,consent,note\n"
    (tmp_path / "manifests/sources.csv").write_text(f"{header}ann,,,media,,,\n")
    (tmp_path / "config.yaml").write_text("resolve: {newest_per_channel: 9}\n")
    (tmp_path / "mkv.yaml").write_text("resolve: {file_types: [mkv]}\n")
    assert main(["resolve", "--configfile=mkv.yaml"]) == 0
    listed = read_videos(tmp_path / "manifests/videos.csv")
    assert [Path(video.location).name for video in listed] == ["a.mkv"]


def test_the_demo_world_s_progress_is_seen_at_once_in_a_pipe(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "voiceface", "demo-world", "--output", str(tmp_path / "out")]
    command += ["--speakers=2", "--videos=1", "--seconds=4", "--jobs=1"]
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONUNBUFFERED"}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, text=True, env=environment) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        # The line did not wait for the end: what is written last is still to come.
        assert not (tmp_path / "out" / "traits.parquet").exists()
        process.kill()
