import hashlib
import json
import signal
import subprocess
import sys
import time
from dataclasses import asdict, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from voiceface.demo.encoder import encode, frame_ticks
from voiceface.demo.truth import TRAITS, TRUTH, clean_stretches
from voiceface.demo.video import Job, render_video
from voiceface.demo.world import render_jobs, render_world
from voiceface.errors import VoicefaceError
from voiceface.files import read_table

SMALL = {"speakers": 2, "videos": 1, "seconds": 3.0}


def digests(folder: Path) -> dict[str, str]:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


def times_us(path: Path) -> list[int]:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        return [
            round(frame.pts * stream.time_base * 1_000_000) for frame in container.decode(stream)
        ]


def test_a_seed_gives_the_same_bytes_however_many_jobs_and_another_gives_others(
    tmp_path: Path,
) -> None:
    render_world(tmp_path / "one", **SMALL, jobs=1)
    render_world(tmp_path / "two", **SMALL, jobs=2)
    render_world(tmp_path / "other", **SMALL | {"speakers": 1}, seed=1)
    first = digests(tmp_path / "one")
    assert {"demo-01/demo-01-01.mp4", "demo-02/demo-02-01.mkv", "truth.parquet"} <= set(first)
    assert digests(tmp_path / "two") == first
    other = digests(tmp_path / "other")
    assert all(other[name] != first[name] for name in other)


def test_what_is_there_is_kept_and_what_is_not_wanted_goes(tmp_path: Path) -> None:
    render_world(tmp_path, **SMALL)
    before = digests(tmp_path)
    changed = {path: path.stat().st_mtime_ns for path in tmp_path.glob("demo-*/*")}
    mine = tmp_path / "demo-02" / "holiday.mp4"
    mine.write_bytes(b"not ours")
    lines: list[str] = []
    render_world(tmp_path, **SMALL, progress=lines.append)
    assert not lines
    assert {path: path.stat().st_mtime_ns for path in changed} == changed
    render_world(tmp_path, **SMALL | {"speakers": 1})
    assert mine.exists()
    assert set(before) - set(digests(tmp_path)) == {
        "demo-02/demo-02-01.mkv", "truth/demo-02-01.parquet",
    }  # fmt: skip
    table = read_table(tmp_path / "truth.parquet", TRUTH)
    assert set(table["speaker"].to_pylist()) == {"demo-01"}


def test_a_killed_render_leaves_no_half_file_and_the_next_run_tidies_up(tmp_path: Path) -> None:
    job = json.dumps(asdict(Job(0, 0, 600.0, 0)))
    command = [sys.executable, "-m", "voiceface.demo.video", str(tmp_path), job]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 30
    while not list(tmp_path.glob("demo-01/.*.part")) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert list(tmp_path.glob("demo-01/.*.part")), "killed too late or too early"
    assert not list(tmp_path.glob("demo-01/demo*"))
    render_world(tmp_path, **SMALL | {"speakers": 1})
    assert not list(tmp_path.glob("**/.*.part"))


def test_truth_covers_every_file_without_gap_or_overlap(demo_world: Path) -> None:
    truth = read_table(demo_world / "truth.parquet", TRUTH)
    files = sorted(path for path in demo_world.glob("demo-*/*") if not path.name.startswith("."))
    assert [str(path.relative_to(demo_world)) for path in files] == sorted(
        set(truth["file"].to_pylist())
    )
    for path in files:
        name = str(path.relative_to(demo_world))
        rows = truth.filter(pc.field("file") == name).to_pylist()
        assert rows[0]["start_us"] == 0
        assert all(a["end_us"] == b["start_us"] for a, b in pairwise(rows))
        assert all(row["start_us"] < row["end_us"] for row in rows)
        with av.open(str(path)) as container:
            assert rows[-1]["end_us"] == pytest.approx(container.duration, abs=120_000)
        assert clean_stretches(rows, 4_000_000)


def test_frame_rates_are_as_promised_and_one_varies(demo_world: Path) -> None:
    rates = {}
    for speaker, video in ((0, 0), (1, 0), (2, 0), (3, 0), (1, 1)):
        job = Job(speaker, video, 20.0, 3)
        gaps = np.diff(times_us(demo_world / job.file))
        rates[job.frames_per_s] = gaps
    for rate, gaps in rates.items():
        if rate is None:
            assert gaps.min() < 40_000
            assert gaps.max() > 90_000
        else:
            assert np.abs(gaps - 1e6 / float(rate)).max() <= 1000  # Matroska counts in ms
    assert set(rates) == {Fraction(25), Fraction(30000, 1001), Fraction(30), Fraction(60), None}


def test_both_containers_hold_720p_h264_and_aac(demo_world: Path) -> None:
    for path in (demo_world / Job(0, 0, 20.0, 3).file, demo_world / Job(1, 0, 20.0, 3).file):
        with av.open(str(path)) as container:
            video, audio = container.streams.video[0], container.streams.audio[0]
            assert (video.codec_context.name, audio.codec_context.name) == ("h264", "aac")
            assert (video.width, video.height) == (1280, 720)
            keys = [float(p.pts * p.time_base) for p in container.demux(video) if p.is_keyframe]
        assert max(np.diff(keys)) <= 2.1


@pytest.mark.parametrize("container", ["mp4", "mkv"])
@pytest.mark.parametrize("rate", [Fraction(25), Fraction(30000, 1001), None])
def test_sound_and_picture_keep_time(tmp_path: Path, container: str, rate: Fraction | None) -> None:
    ticks = frame_ticks(rate, 3.0, np.random.default_rng(0))
    dark = np.full((1080, 1280), 16, np.uint8)
    flash = next(i for i, tick in enumerate(ticks) if tick >= 2 * 90_000)
    at = round(ticks[flash] / 90_000 * 22050)
    beep = np.sin(np.arange(3 * 22050) * 0.3).astype(np.float32)
    beep[:at] = 0
    path = tmp_path / f"clip.{container}"
    encode(path, container, rate, ticks, lambda i: dark + 200 * (i >= flash), beep)
    with av.open(str(path)) as clip:
        seen = next(f.time for f in clip.decode(video=0) if f.to_ndarray()[:720].mean() > 100)
    with av.open(str(path)) as clip:
        frames = [(frame.time, frame.to_ndarray()[0]) for frame in clip.decode(audio=0)]
    sound = np.concatenate([part for _, part in frames])
    rate_hz = 44100 if container == "mp4" else 48000
    heard = frames[0][0] + float(np.flatnonzero(np.abs(sound) > 0.3)[0]) / rate_hz
    assert seen == pytest.approx(ticks[flash] / 90_000, abs=0.001)
    assert heard == pytest.approx(seen, abs=0.02)


def test_a_re_upload_shows_and_says_the_same_in_other_bytes(tmp_path: Path) -> None:
    first = Job(1, 0, 6.0, 0, ["silence"])
    again = replace(first, video=1, repeats=0)
    render_jobs(tmp_path, [again, first])
    source, copy = (_decoded(tmp_path / job.file) for job in (first, again))
    rows = [r for r in read_table(tmp_path / "truth.parquet", TRUTH).to_pylist() if r["repeats"]]
    assert {row["file"] for row in rows} == {again.file}
    assert {row["repeats"] for row in rows} == {first.file}
    assert rows[0]["start_us"] == 0
    assert rows[0]["repeats_us"] == 3_700_000
    assert rows[-1]["end_us"] == 2_300_000
    for at, picture in list(copy.items())[::9]:
        near = min(source, key=lambda time: abs(time - at - 3.7))
        error = np.abs(source[near].astype(int) - picture).mean()
        assert 0 < error < 2


def _decoded(path: Path) -> dict[float, np.ndarray]:
    with av.open(str(path)) as clip:
        return {frame.time: frame.to_ndarray()[:720] for frame in clip.decode(video=0)}


def test_a_broken_size_is_told_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(VoicefaceError, match="speakers must be at least 1, not 0"):
        render_world(tmp_path, speakers=0)


def test_traits_are_written_for_every_speaker(demo_world: Path) -> None:
    traits = read_table(demo_world / "traits.parquet", TRAITS)
    assert traits["speaker"].to_pylist() == [f"demo-{n:02d}" for n in (1, 2, 3, 4)]
    assert set(traits["gender"].to_pylist()) == {"f", "m"}


def test_clipping_and_silence_survive_the_encoder(tmp_path: Path) -> None:
    render_video(tmp_path, Job(0, 0, 9.0, 0, ["silence", "clipping"], clean_s=0.0))
    truth = pa.concat_tables(
        [read_table(path, TRUTH) for path in (tmp_path / "truth").glob("*.parquet")]
    ).to_pylist()
    with av.open(str(tmp_path / Job(0, 0, 9.0, 0).file)) as clip:
        sound = np.concatenate([frame.to_ndarray()[0] for frame in clip.decode(audio=0)])
    for row in truth:
        first, last = (round(row[key] * 44100 / 1e6) for key in ("start_us", "end_us"))
        inner = np.abs(sound[first + 4410 : last - 4410])
        if row["clipped"]:
            assert np.mean(inner > 0.97) > 0.02
        elif row["voice"] == "none":
            assert inner.max() < 0.01
