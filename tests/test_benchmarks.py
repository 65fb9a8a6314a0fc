"""The build's benchmark: it runs what the rules run, and counts all of it."""

import importlib
import inspect
import os
import shlex
import subprocess
import sys
from pathlib import Path

import build  # benchmarks/ is on the path, see pyproject.toml
import pytest
from clips import length_s, looped
from line import Cost, Run, commands, lay_out, measured

from tests.flash_builder import heard_s, make_flashes, seen_s
from tests.media_builder import make_media

STAGES = [
    "download",
    "downloads",
    "speech",
    "faces",
    "samples",
    "gather",
    "manifest",
    "dataset",
    "pack",
]


def test_it_runs_every_dataset_stage_with_the_flags_that_the_stage_takes(tmp_path: Path) -> None:
    video = make_media(tmp_path / "a.mp4", seconds=1)
    lay_out(tmp_path / "project", {"ann": [video]}, {"faces": {"descriptor": False}})
    planned = commands(tmp_path / "project")
    assert sorted({stage for stage, _ in planned}) == sorted(STAGES)
    order = [stage for stage, _ in planned]
    per_video = [stage for stage in order if stage in ("download", "speech", "faces", "samples")]
    assert per_video == ["download", "speech", "faces", "samples"]
    assert order[-1] == "pack"
    for stage, shell in planned:
        flags = {word[2:].partition("=")[0] for word in shlex.split(shell) if word[:2] == "--"}
        parameters = inspect.signature(importlib.import_module(f"voiceface.stages.{stage}").run)
        assert flags == {name.replace("_", "-") for name in parameters.parameters}
        if stage == "faces":
            assert '"descriptor": false' in shell


def test_a_process_is_measured_with_its_children(tmp_path: Path) -> None:
    burn = (
        "import time; data = bytearray(150_000_000)\n"
        "while time.process_time() < 0.4: sum(range(10_000))"
    )
    child = f"{shlex.quote(sys.executable)} -c {shlex.quote(burn)}; echo done"
    # A process starts as a copy of the one that starts it, so that is a small one, as in the
    # benchmark, and not this one.
    measure = (
        "import pathlib, sys; from line import measured;"
        f"cost, printed = measured(['bash', '-c', {child!r}], pathlib.Path(sys.argv[1]));"
        "assert printed == 'done\\n', printed; print(cost.cpu_s, cost.rss_mb)"
    )
    done = subprocess.run(
        [sys.executable, "-c", measure, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(Path(build.__file__).parent)},
        capture_output=True,
        text=True,
        check=True,
    )
    cpu_s, rss_mb = map(float, done.stdout.split())
    assert 0.4 <= cpu_s < 2
    assert 150 <= rss_mb < 250


def test_a_failed_stage_ends_it_with_its_own_words(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="the reason"):
        measured(["bash", "-c", "echo the reason; exit 3"], tmp_path)
    with pytest.raises(SystemExit, match="in the log"):
        measured(["bash", "-c", "(echo in the log; exit 3) &> own.log"], tmp_path)


def test_rates_are_of_all_processes_of_a_stage() -> None:
    runs = [Run("speech", Cost(2, 4, 100)), Run("faces", Cost(5, 5, 300))]
    stages = build._by_stage([*runs, Run("speech", Cost(3, 1, 200))], 100)
    assert list(stages) == ["speech", "faces"]
    assert stages["speech"] == {
        "processes": 2,
        "cpu_s": 5,
        "cpu_s_per_video_s": 0.05,
        "video_s_per_cpu_s": 20,
        "video_s_per_wall_s": 20,
        "peak_rss_mb": 200,
    }


def test_a_part_alone_keeps_the_others_figures_of_the_same_machine(tmp_path: Path) -> None:
    path = tmp_path / "build.json"
    kind = {"quick": False, "machine": {"cores": 2}}
    assert build._earlier(path, kind) == {}
    build.write_result(path, {"peak_rss_mb": 200} | kind)
    assert build._earlier(path, kind)["peak_rss_mb"] == 200
    assert build._earlier(path, kind | {"quick": True}) == {}
    assert build._earlier(path, kind | {"machine": {"cores": 4}}) == {}


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_a_longer_video_is_made_with_sound_and_picture_in_step(tmp_path: Path, name: str) -> None:
    once = make_flashes(tmp_path / name, seconds=3, options="-preset fast -bf 2")
    media = looped(once, tmp_path / f"long{name}", 20)
    assert length_s(media) == pytest.approx(20 * length_s(once), abs=1)
    heard = heard_s(media)[1::20]
    assert len(heard) == 3
    assert seen_s(media, heard) == pytest.approx(heard, abs=0.03)
