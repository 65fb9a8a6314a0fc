"""Each stage on a full disk and on a read-only one, and with too little memory."""

import importlib
import json
import os
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
from voiceface.building.progress import Job, Progress
from voiceface.config import Evaluate, Report, Settings, Train, Wav2pix
from voiceface.errors import DISK_FULL, OUT_OF_MEMORY
from voiceface.stages.shim import stage_main

Flags = dict[str, str]

DATASET_STAGES = ("download", "downloads", "speech", "faces", "samples", "manifest", "dataset")
STAGES = (*DATASET_STAGES, "pack", "train", "evaluate", "report")


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
    """The flags of each stage's jobs, for a project on the disk with the videos of one person."""
    project = tmp_path_factory.mktemp("hardship") / "project"
    lay_out(project, {"demo-01": sorted((demo_world / "demo-01").iterdir())[:2]}, {})
    found: dict[str, list[Flags]] = {}
    variables = environment(project)
    for stage, shell in commands(project):
        words = shlex.split(shell)
        found.setdefault(stage, []).append(_flags(words, variables))
    shutil.copytree(project, disk.path / "project", symlinks=True)
    return found | _of_model()


def _flags(words: list[str], variables: dict[str, str]) -> Flags:
    flags = dict(word[2:].split("=", 1) for word in words if word.startswith("--"))
    return {
        name: variables[value[1:]] if value.startswith("$VOICEFACE") else value
        for name, value in flags.items()
    }


def _of_model() -> dict[str, list[Flags]]:
    """The stages after the packed splits, with a training of two steps."""
    train = {
        "config": Train(device="cpu", log_every=1).model_dump_json(),
        "model-config": Wav2pix(steps=2, batch=2).model_dump_json(),
        "model": "wav2pix",
        "packed": "data/packed",
        "output": "models/wav2pix",
    }
    evaluate = {
        "config": Evaluate(device="cpu", voices_per_split=2, classifier_steps=2).model_dump_json(),
        "model": "wav2pix",
        "packed": "data/packed",
        "models": "models",
        "output": "reports/wav2pix",
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
        "output": "reports/index.html",
    }
    return {"train": [train], "evaluate": [evaluate], "report": [report]}


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
    assert re.fullmatch(rf"voiceface: \S+: {re.escape(DISK_FULL)}", full)
    halfway = _files(project)
    for flags in (first, *others):
        assert run(flags)[0] == 0
    whole = _files(project)
    assert len(whole) > len(before)
    assert {name: whole[name] for name in halfway if "tensorboard" not in name} == halfway


def _files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
