"""Whatever happens: kills, a full or read-only disk, too little memory, a clock that jumps."""

import importlib
import json
import os
import random
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pyarrow.parquet as pq
import pytest
from faults import Aim, build_killed, different, digests, left_over  # benchmarks/ is on the path
from line import commands, lay_out, measured

from tests.conftest import needs
from tests.small_disk import SmallDisk
from voiceface.building.progress import Job, Progress
from voiceface.building.tidy import tidy_up
from voiceface.config import Download, Evaluate, Report, Settings, Train, Wav2pix
from voiceface.stages.shim import stage_main
from voiceface.tables import SPLITS

PACKED = [f"data/packed/{split}/pack.json" for split in SPLITS]
VOICEFACE = [sys.executable, "-m", "voiceface"]
SNAKEMAKE = [sys.executable, "-m", "snakemake", "--cores=2"]
OUTPUTS = {
    "download": ("media", "outcome"),
    "downloads": ("output",),
    "speech": ("output", "chunks", "timeline"),
    "faces": ("output",),
    "samples": ("output",),
    "manifest": ("output", "funnel", "people"),
    "dataset": ("output", "leakage"),
    "pack": ("output",),
    "train": ("output",),
    "evaluate": ("output",),
    "report": ("output",),
}
"""The flags of each stage that name what it writes."""


@pytest.fixture(scope="module")
def videos(demo_world: Path) -> dict[str, list[Path]]:
    """The two videos of one drawn person."""
    return {"demo-01": sorted((demo_world / "demo-01").iterdir())[:2]}


@pytest.fixture(scope="module")
def peace(tmp_path_factory: pytest.TempPathFactory, videos: dict[str, list[Path]]) -> Path:
    """A project that was built in peace, up to the packed splits."""
    folder = tmp_path_factory.mktemp("peace") / "project"
    lay_out(folder, videos, {})
    measured([*VOICEFACE, "build", *PACKED], folder)
    return folder


def test_a_build_killed_in_its_stages_ends_with_the_same_bytes(
    peace: Path, tmp_path: Path, videos: dict[str, list[Path]]
) -> None:
    draw = random.Random(0)
    project = tmp_path / "project"
    lay_out(project, videos, {})
    ways = {"planning": "all", "download": "build", "speech": "all", "faces": "one"}
    ways |= {"manifest": "all", "pack": "build"}
    aims = [Aim(stage, draw.uniform(0, 0.5), way, 0.99) for stage, way in ways.items()]
    found = build_killed(project, aims, PACKED)
    assert found.stuck == []
    assert len(found.kills) >= 5, found
    assert different(digests(peace), digests(project)) == []
    assert left_over(project) == []
    assert "Nothing to be done" in measured([*SNAKEMAKE, "-n", *PACKED], project)[1]
