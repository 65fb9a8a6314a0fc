"""The real workflow on a real Slurm, with the shipped profile."""

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml

from tests.conftest import needs
from tests.workflow.project import Project
from tests.workflow.slurm import PROGRAMS, Submission, slurm, submissions
from voiceface.demo.world import render_world

pytestmark = [pytest.mark.slurm, pytest.mark.slow]

TINY = {
    "wav2pix": {"steps": 2, "batch": 2},
    "dataset": {"unseen_fraction": 0.0},
}
# What a site would say of its own cluster: here that it is small, and that its jobs are short.
SITE = {
    "retries": 1,
    "latency-wait": 5,
    "slurm-init-seconds-before-status-checks": 1,
    "seconds-between-status-checks": 1,
    "set-resources": ["train:cpus_per_task=2"],
}
RESULTS = ("manifests/samples.parquet", "manifests/dataset.parquet", "manifests/leakage.json")
RESULTS += ("data/packed/train/pack.json", "models/wav2pix/generator.safetensors")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    missing = [program for program in PROGRAMS if not shutil.which(program)]
    needs(not missing, f"Slurm ({', '.join(missing)}; Debian's slurm-wlm and munge)")
    plugin = "snakemake_executor_plugin_slurm"
    needs(find_spec(plugin) is not None, f"{plugin} (envs/cluster.lock)")
    with slurm(tmp_path_factory.mktemp("slurm")) as folder:
        yield folder


def make(folder: Path, world: Path) -> Project:
    """A project of two videos."""
    rows = [{"speaker": name, "location": str(world / name)} for name in ("demo-01", "demo-02")]
    project = Project.make(folder, rows, TINY | {"resolve": {"local_roots": [str(world)]}})
    (folder / "site.yaml").write_text(yaml.safe_dump(SITE))
    return project


def build(project: Project, *targets: str, fails: bool = False) -> str:
    """Build on Slurm."""
    profiles = ["--profile=workflow/profiles/slurm", "--profile=site.yaml"]
    return project.voiceface("build", *profiles, *targets, fails=fails)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, cluster: Path) -> tuple[Project, Project]:
    """A project that was built on Slurm up to the model, and the same built here meanwhile."""
    folder = tmp_path_factory.mktemp("builds")
    render_world(folder / "world", speakers=2, videos=1, seconds=12.0, seed=3)
    there, here = (make(folder / name, folder / "world") for name in ("there", "here"))
    with ThreadPoolExecutor() as threads:
        local = threads.submit(here.voiceface, "build", "models_only")
        there.printed = build(there, "models_only")
        local.result()
    return there, here


def named(part: str) -> list[Submission]:
    return [one for one in submissions() if part in one.name]


def test_a_build_on_slurm_gives_the_same_bytes_as_one_here(built: tuple[Project, Project]) -> None:
    there, here = built
    for name in RESULTS:
        assert (there.folder / name).read_bytes() == (here.folder / name).read_bytes(), name


def test_videos_are_grouped_and_small_aggregates_stay_here(built: tuple[Project, Project]) -> None:
    there, _ = built
    assert {one.state for one in submissions()} == {"COMPLETED"}
    rules = [set(one.name.split("_")[1:]) for one in submissions()]
    assert rules == [
        {"downloads", "download"},
        {"videos", "speech", "faces", "samples"},
        {"tables", "gather", "manifest", "dataset", "pack"},
        {"train", "wildcards", "wav2pix"},
    ]
    assert (there.folder / "data/downloads.parquet").exists()


def test_the_training_asks_for_a_gpu_and_nothing_else_does(built: tuple[Project, Project]) -> None:
    assert [one.gpus for one in submissions() if "train" not in one.name] == ["", "", ""]
    (train,) = named("rule_train")
    assert (train.gpus, train.cpus, train.memory_mb) == ("gres:gpu:1", 2, 8000)


def test_bare_snakemake_sends_what_an_edit_made_stale(built: tuple[Project, Project]) -> None:
    there, here = built
    before = len(submissions())
    local = {"resolve": {"local_roots": [str(here.folder.parent / "world")]}}
    for project in (there, here):
        project.configure(TINY | local | {"samples": {"min_snr_db": 10.6}})
    waits = ("slurm-init-seconds-before-status-checks", "seconds-between-status-checks")
    soon = [f"--{name}=1" for name in waits]
    there.snakemake("--profile=workflow/profiles/slurm", *soon, "manifests/dataset.parquet")
    here.voiceface("build", "manifests/dataset.parquet")
    sent = submissions()[before:]
    assert {one.state for one in sent} == {"COMPLETED"}
    assert [set(one.name.split("_")[1:]) for one in sent] == [
        {"videos", "samples"},
        {"tables", "gather", "manifest", "dataset"},
    ]
    for name in RESULTS[:3]:
        assert (there.folder / name).read_bytes() == (here.folder / name).read_bytes(), name


def test_a_failed_job_is_tried_with_more_memory_and_told_in_one_line(
    built: tuple[Project, Project],
) -> None:
    there, _ = built
    before = len(submissions())
    video = min(there.videos().values())
    medium = there.folder / f"data/media/{video}.mkv"
    medium.unlink()  # it may be a link to the source
    medium.write_bytes(b"no video")
    told = build(there, f"data/samples/{video}.parquet", fails=True).splitlines()
    (line,) = [line for line in told if line.startswith("voiceface: ")]
    assert line.startswith(f"voiceface: speech of {video}: data/media/{video}.mkv: was changed")
    tries = submissions()[before:]
    assert [one.state for one in tries] == ["FAILED", "FAILED"]
    assert tries[1].memory_mb == 2 * tries[0].memory_mb
