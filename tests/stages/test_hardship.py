"""Each stage on a full disk and on a read-only one, and with too little memory."""

import importlib
import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from line import commands, environment, lay_out  # benchmarks/ is on the path, see pyproject.toml

from tests.conftest import needs
from tests.small_disk import SmallDisk
from voiceface.building.failures import failure_lines
from voiceface.building.progress import Job, Progress
from voiceface.config import Evaluate, Report, Resolve, Settings
from voiceface.errors import DISK_FULL
from voiceface.experiments import Cell, Experiment
from voiceface.model_config import Train, Voice, Wav2pix
from voiceface.stages.shim import stage_main

Flags = dict[str, str]

DATASET_STAGES = (
    "download",
    "downloads",
    "speech",
    "faces",
    "samples",
    "gather",
    "manifest",
    "dataset",
)
STAGES = ("resolve", *DATASET_STAGES, "pack", "voice", "train", "evaluate", "experiment", "report")


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallDisk]:
    small = SmallDisk(tmp_path_factory.mktemp("disk") / "disk", "600m")
    needs(small.mounted, "the right to mount a small disk")
    yield small
    small.unmount()


@pytest.fixture(scope="module")
def jobs(
    disk: SmallDisk, tmp_path_factory: pytest.TempPathFactory, demo_world: Path
) -> dict[str, list[Flags]]:
    """The flags of each stage's jobs, for a project on the disk with the videos of two people."""
    project = tmp_path_factory.mktemp("hardship") / "project"
    people = ("demo-01", "demo-02")
    lay_out(project, {name: sorted((demo_world / name).iterdir())[:2] for name in people}, {})
    found: dict[str, list[Flags]] = {}
    variables = environment(project)
    for stage, shell in commands(project):
        words = shlex.split(shell)
        found.setdefault(stage, []).append(_flags(words, variables))
    for name in ("manifests/videos.csv", "data/resolve.json"):
        (project / name).unlink()
    shutil.copytree(project, disk.path / "project", symlinks=True)
    lists = {"sources": "manifests/sources.csv", "videos": "manifests/videos.csv"}
    resolve = {"config": Resolve().model_dump_json(), **lists}
    return found | {"resolve": [resolve]} | _of_model()


def _flags(words: list[str], variables: dict[str, str]) -> Flags:
    flags = dict(word[2:].split("=", 1) for word in words if word.startswith("--"))
    return {
        name: variables[value[1:]] if value.startswith("$VOICEFACE") else value
        for name, value in flags.items()
    }


def _of_model() -> dict[str, list[Flags]]:
    """The stages after the packed splits, with a training of two steps."""
    training = {
        "config": Train(device="cpu", log_every=1).model_dump_json(),
        "packed": "data/packed",
    }
    voice = training | {
        "recogniser-config": Voice(steps=2, batch=2).model_dump_json(),
        "recogniser": "voice",
        "output": "models/voice",
    }
    train = training | {
        "model-config": Wav2pix(steps=2, batch=2).model_dump_json(),
        "model": "wav2pix",
        "begin-with": "",
        "output": "models/wav2pix",
    }
    evaluate = {
        "config": Evaluate(device="cpu", voices_per_split=2, classifier_steps=2).model_dump_json(),
        "model": "wav2pix",
        "packed": "data/packed",
        "models": "models",
        "output": "reports/wav2pix",
    }
    compared = Experiment(title="Alone", cells=[Cell(label="as it is", model="wav2pix")])
    experiment = {
        "config": compared.model_dump_json(),
        "runs": json.dumps([[["wav2pix", 0]]]),
        "dataset": "manifests/dataset.parquet",
        "reports": "reports",
        "output": "reports/experiments/alone",
    }
    report = {
        "config": Report().model_dump_json(),
        "settings": Settings().model_dump_json(),
        **{name: f"manifests/{name}.parquet" for name in ("funnel", "people", "dataset")},
        "manifest": "manifests/samples.parquet",
        "leakage": "manifests/leakage.json",
        "faces": "data/faces",
        "models": "models",
        "reports": "reports",
        "names": "wav2pix",
        "recognisers": "voice",
        "experiments": "alone",
        "rubric": "manifests/rubric.md",
        "output": "reports/index.html",
    }
    flags = {"voice": voice, "train": train, "evaluate": evaluate}
    flags |= {"experiment": experiment, "report": report}
    return {stage: [one] for stage, one in flags.items()}


# TensorBoard writes in a thread of its own, which ends when it can't.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("stage", STAGES)
def test_a_disk_that_takes_nothing_is_one_line_and_the_next_try_goes_on(
    stage: str,
    disk: SmallDisk,
    jobs: dict[str, list[Flags]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    project = disk.path / "project"
    monkeypatch.chdir(project)
    before = _files(project)

    def run(flags: Flags) -> tuple[int, str]:
        module = importlib.import_module(f"voiceface.stages.{stage}")
        words = [f"--{name}={value}" for name, value in flags.items()]
        monkeypatch.setattr(sys, "argv", [stage, *words])
        status = stage_main(module.run)
        told = [line for line in capsys.readouterr().err.splitlines() if line]
        return status, told[-1] if told else ""

    first, *others = jobs[stage]
    disk.make_read_only()
    status, read_only = run(first)
    disk.make_read_only(False)
    assert status == 1
    assert re.fullmatch(r"voiceface: \S+: read-only file system; make it readable .*", read_only)
    assert _files(project) == before
    disk.fill()
    status, full = run(first)
    disk.empty()
    assert status == 1
    assert re.fullmatch(rf"voiceface: (\S+: )?{re.escape(DISK_FULL)}", full)
    halfway = _files(project)
    for flags in (first, *others):
        assert run(flags)[0] == 0
    whole = _files(project)
    assert len(whole) > len(before)
    assert {name: whole[name] for name in halfway} == halfway


@pytest.mark.parametrize("stage", ["download", "speech", "faces", "pack"])
@pytest.mark.parametrize("megabytes", [120, 500])
def test_too_little_memory_is_told_as_that_and_blames_no_file(
    stage: str, megabytes: int, disk: SmallDisk, jobs: dict[str, list[Flags]], tmp_path: Path
) -> None:
    project, log = disk.path / "project", tmp_path / "log"
    flags = jobs[stage][0] | {
        name: str(tmp_path / name)
        for name in ("media", "outcome", "output", "chunks", "timeline")
        if name in jobs[stage][0] and (stage == "download" or name not in ("media", "outcome"))
    }
    words = [f"--{name}={value}" for name, value in flags.items()]
    command = [sys.executable, "-m", f"voiceface.stages.{stage}", *words]
    limited = f"ulimit -v {megabytes * 1024}; exec {shlex.join(command)} &> {log}"
    status = subprocess.run(["bash", "-c", limited], cwd=project, check=False).returncode
    assert status or megabytes > 120
    if status > 0:
        progress = Progress({}, 1, failed={1: Job(stage, "", log, 0.0)})
        assert "out of memory" in failure_lines(progress, log)[0]
    written = [path for path in tmp_path.rglob("*") if path.is_file() and path != log]
    assert not [path for path in written if path.suffix == ".part"]
    if "outcome" in flags and (tmp_path / "outcome").exists():
        assert json.loads((tmp_path / "outcome").read_text())["status"] == "ok"


def _files(folder: Path) -> dict[str, bytes]:
    """All files but TensorBoard's, which hold the time and grow."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return {str(p): p.read_bytes() for p in found if p.parent.name != "tensorboard"}
