"""Fixtures that all tests share."""

import os
from pathlib import Path

# Two workers with two threads each fight over two cores. Set before anything imports torch.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
from filelock import FileLock

SHARED = Path(__file__).parents[2] / "shared"


def needs(present: bool, what: str) -> None:
    """Skip the test where `what` is missing; fail it where everything is required."""
    if not present:
        if os.environ.get("VOICEFACE_REQUIRE_ALL") == "1":
            pytest.fail(f"{what} is missing, and VOICEFACE_REQUIRE_ALL=1 requires it")
        pytest.skip(f"{what} is missing")


@pytest.fixture(scope="session")
def demo_world(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A small demo world: 4 speakers × 2 videos of 20 s, rendered once for all workers."""
    from voiceface.demo.world import render_world

    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "demo-world"
    with FileLock(f"{folder}.lock"):
        render_world(folder, speakers=4, videos=2, seconds=20.0, seed=3)
    return folder


@pytest.fixture(scope="session")
def real_videos() -> Path:
    """The folder of real videos."""
    folder = SHARED / "videos"
    needs(folder.is_dir(), "the folder of real videos")
    return folder
