"""What a build puts in order before it begins."""

import os
import time
from pathlib import Path

import pytest

from voiceface.building.tidy import tidy_up


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def written(name: str, seconds_from_now: float = -60) -> Path:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    moment = time.time() + seconds_from_now
    os.utime(path, (moment, moment))
    return path


def test_what_killed_jobs_left_is_removed_and_nothing_else() -> None:
    half = written("data/faces/.a.parquet.k2j3.part")
    others = [
        written("data/faces/a.parquet"),
        written("data/media/.part/web-a/media.mp4.part"),  # to be gone on with
        written("data/demo-world/.a.mp4.x1.part"),  # may be being rendered
        written("notes/.mine.part"),
    ]
    tidy_up()
    assert not half.exists()
    assert all(path.exists() for path in others)


def test_files_of_the_future_are_dated_before_all_others_in_their_order() -> None:
    late = [written(f"data/faces/{n}", 3600 + n) for n in range(3)]
    same = written("data/faces/same", 3602)
    os.utime(same, ns=(0, late[2].stat().st_mtime_ns))
    others = [written("data/speech/a", -5000), written("manifests/reviews/ann/b.jsonl", -1)]
    before = [path.stat().st_mtime_ns for path in others]
    tidy_up()
    times = [path.stat().st_mtime_ns for path in late]
    assert times == sorted(set(times))
    assert same.stat().st_mtime_ns == times[2]
    assert times[2] < min(before)
    assert [path.stat().st_mtime_ns for path in others] == before


def test_times_of_the_past_stay_as_they_are() -> None:
    path = written("models/m/model.json")
    before = path.stat().st_mtime_ns
    tidy_up()
    assert path.stat().st_mtime_ns == before
