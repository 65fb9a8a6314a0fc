"""Whatever happens to a build: kills, a folder that can't be written, a clock that jumps."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from faults import (  # benchmarks/ is on the path, see pyproject.toml
    ORDER,
    Aim,
    build_killed,
    different,
    digests,
    draw_aims,
    left_over,
)
from line import lay_out, measured

from tests.conftest import needs
from tests.small_disk import SmallDisk
from tests.workflow.project import Project

TARGET = "data/packed/train/pack.json"
VOICEFACE = [sys.executable, "-m", "voiceface"]
SNAKEMAKE = [sys.executable, "-m", "snakemake", "--cores=2"]


@pytest.fixture(scope="module")
def videos(demo_world: Path) -> dict[str, list[Path]]:
    """The two videos of one drawn person."""
    return {"demo-01": sorted((demo_world / "demo-01").iterdir())[:2]}


@pytest.fixture(scope="module")
def peace(tmp_path_factory: pytest.TempPathFactory, videos: dict[str, list[Path]]) -> Path:
    """A project that was built in peace, up to a packed split."""
    folder = tmp_path_factory.mktemp("peace") / "project"
    lay_out(folder, videos, {})
    measured([*VOICEFACE, "build", TARGET], folder)
    return folder


def test_the_benchmark_aims_at_every_stage() -> None:
    aims = list(draw_aims(random.Random(0), {"faces": 2.0}))
    assert {aim.stage for aim in aims} == set(ORDER)
    assert len(aims) > len(ORDER)
    assert max(aim.delay_s for aim in aims) <= 2


def test_a_build_killed_in_its_stages_ends_with_the_same_bytes(
    peace: Path, tmp_path: Path, videos: dict[str, list[Path]]
) -> None:
    draw = random.Random(0)
    project = tmp_path / "project"
    lay_out(project, videos, {})
    ways = {"planning": "all", "download": "build", "speech": "all", "faces": "bare"}
    # The last is of a single process: a build may get over that.
    ways |= {"manifest": "build", "pack": "one"}
    aims = [Aim(stage, draw.uniform(0, 0.5), way, 0.99) for stage, way in ways.items()]
    found = build_killed(project, aims, [TARGET])
    assert found.stuck == []
    assert len(found.kills) >= 5, found
    assert different(digests(peace), digests(project)) == []
    assert left_over(project) == []
    assert "Nothing to be done" in measured([*SNAKEMAKE, "-n", TARGET], project)[1]


def test_a_killed_bare_snakemake_needs_no_unlocking_and_is_alone(
    tmp_path: Path, videos: dict[str, list[Path]]
) -> None:
    project = tmp_path / "project"
    lay_out(project, videos, {})
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    first = subprocess.Popen([*SNAKEMAKE, "-q"], cwd=project, start_new_session=True, **quiet)
    deadline = time.monotonic() + 120
    while not list((project / "logs").glob("speech/*.log")):
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.05)
    verify = subprocess.run([*VOICEFACE, "verify"], cwd=project, capture_output=True, text=True)
    assert verify.stderr.startswith(
        f"voiceface: another build is running in this folder (process {first.pid}); "
    )
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    measured([*SNAKEMAKE, "data/downloads.parquet"], project)
    assert left_over(project) == []


def dated(project: Path, seconds: float) -> None:
    """Move the times of all that was built, as if the clock were set back since by as much."""
    for top in ("data", "manifests"):
        for path in (project / top).rglob("*"):
            if path.is_file():
                written = path.stat().st_mtime + seconds
                os.utime(path, (written, written))


def test_after_the_clock_was_set_back_just_what_is_stale_is_built(peace: Path) -> None:
    dated(peace, 3600 * 24 * 365)
    # A mark is made now, the manifest is of next year.
    dataset = pq.read_table(peace / "manifests/dataset.parquet")
    sample, videos = dataset["sample"][0].as_py(), set(dataset["video"].to_pylist())
    mark = ["mark", sample, "--drop", "wrong person", "--curator", "ann"]
    measured([*VOICEFACE, *mark], peace)
    said = measured([*VOICEFACE, "build", TARGET], peace)[1]
    assert "to do: manifest 1, dataset 1, pack 1" in said
    left = pq.read_table(peace / "manifests/dataset.parquet")["sample"].to_pylist()
    assert sample not in left
    # A build was stopped between two stages: the first ran with a new setting, at an earlier time
    # than that of the table of all samples.
    config = (peace / "config.yaml").read_text()
    (peace / "config.yaml").write_text(
        config.replace("min_sharpness: 15.0", "min_sharpness: 9999.0")
    )
    measured([*SNAKEMAKE, *(f"data/samples/{video}.parquet" for video in videos)], peace)
    future = time.time() + 3600
    os.utime(peace / "data/gathered.parquet", (future, future))
    said = measured([*VOICEFACE, "build", "manifests/samples.parquet"], peace)[1]
    assert "to do: gather 1, manifest 1" in said
    assert not any(pq.read_table(peace / "manifests/samples.parquet")["clean"].to_pylist())


def test_a_project_that_can_t_be_written_is_one_line(tmp_path: Path) -> None:
    disk = SmallDisk(tmp_path / "disk", "1m")
    needs(disk.mounted, "the right to mount a small disk")
    try:
        Project.make(disk.path / "project", [])
        disk.make_read_only()
        said = subprocess.run(
            [*VOICEFACE, "build"], cwd=disk.path / "project", capture_output=True, text=True
        )
        assert said.returncode == 1
        assert said.stderr.startswith("voiceface: .snakemake")
        assert "read-only file system" in said.stderr
        assert said.stderr.count("\n") == 1
    finally:
        disk.unmount()
