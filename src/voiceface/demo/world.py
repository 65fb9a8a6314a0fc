"""The demo world: procedural people who film themselves talking, with known trouble planted."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from voiceface.demo.traits import Traits, as_row, sources_rows, speaker_traits
from voiceface.demo.truth import TRAITS, TRUTH
from voiceface.demo.video import PROGRESS, REUPLOADED_S, Job, truth_path
from voiceface.demo.voice import voice_of
from voiceface.errors import VoicefaceError
from voiceface.files import read_table, write_table

__all__ = ["render_world", "sources_rows"]

Say = Callable[[str], None]


def render_world(
    folder: Path,
    *,
    speakers: int = 6,
    videos: int = 2,
    seconds: float = 60.0,
    seed: int = 0,
    clean_s: float = Job.clean_s,
    jobs: int = 2,
    progress: Say | None = None,
) -> None:
    """Render the world's videos, `<folder>/<speaker>/<speaker>-NN.mp4|mkv`, and its truth.

    In worlds of videos that are long enough, some speakers have one more: a short re-upload of
    20 s of their first.

    Equal parameters give equal bytes, whatever `jobs`. What is there already is not rendered
    again, and what an earlier run with other parameters left behind is removed.

    Args:
        videos: of each speaker.
        seconds: of each video.
        clean_s: least length of the clean passages between the troubles.
        jobs: videos to render at a time, each in a process of its own.
        progress: is told in a line what is done, from any thread but one at a time.

    Raises:
        VoicefaceError: a parameter is out of range, or a video cannot be rendered.
    """
    _check(speakers=speakers, videos=videos, jobs=jobs, seconds=seconds, seed=seed)
    usual = partial(Job, seconds=seconds, seed=seed, clean_s=clean_s)
    wanted = [usual(s, v) for v in range(videos) for s in range(speakers)]
    if seconds >= REUPLOADED_S[1]:
        again = range(1, speakers, 4)  # every fourth speaker uploads a part of a video again
        wanted += [usual(s, videos, repeats=0) for s in again]
    render_jobs(folder, wanted, jobs, progress)
    people = [speaker_traits(index, seed) for index in range(speakers)]
    rows = [_traits_row(person) for person in people]
    write_table(folder / "traits.parquet", pa.Table.from_pylist(rows, schema=TRAITS))


def render_jobs(
    folder: Path, wanted: list[Job], jobs: int = 2, progress: Say | None = None
) -> None:
    """Render these videos, and `truth.parquet` of them; all others are removed from `folder`."""
    _tidy(folder, wanted)
    missing = [job for job in wanted if not _is_there(folder, job)]
    say = _one_at_a_time(progress or (lambda line: None))
    running: set[subprocess.Popen[str]] = set()
    pool = ThreadPoolExecutor(jobs)
    done = 0
    try:
        # Re-uploads come last: they are made of the others.
        for again in (False, True):
            wave = [job for job in missing if (job.repeats is not None) == again]
            tasks = [pool.submit(_render, folder, job, running, say) for job in wave]
            for task in as_completed(tasks):
                done += 1
                say(f"{task.result()}: done ({done} of {len(missing)} videos)")
    finally:
        # After an interruption or a failure: first no new ones, then end those that run.
        pool.shutdown(wait=False, cancel_futures=True)
        for process in list(running):
            process.kill()
        pool.shutdown()
    ordered = sorted(wanted, key=lambda job: job.name)
    parts = [read_table(truth_path(folder, job), TRUTH) for job in ordered]
    write_table(folder / "truth.parquet", pa.concat_tables(parts).replace_schema_metadata(None))


def _check(**values: float) -> None:
    for name, value in values.items():
        least = 0 if name == "seed" else 1
        if value < least:
            raise VoicefaceError(f"demo world: {name} must be at least {least}, not {value}")


def _is_there(folder: Path, job: Job) -> bool:
    part = truth_path(folder, job)
    if not (part.is_file() and (folder / job.file).is_file()):
        return False
    try:
        metadata = pq.read_schema(part).metadata or {}
    except (pa.ArrowException, OSError):
        return False
    return bool(metadata.get(b"job") == job.digest().encode())


def _tidy(folder: Path, wanted: list[Job]) -> None:
    """Remove what killed runs left, and videos of ours that are not wanted."""
    for left in folder.glob("*/.demo-*.part"):
        left.unlink(missing_ok=True)
    names = {job.name for job in wanted}
    for part in (folder / "truth").glob("*.parquet"):
        if part.stem not in names:
            for video in folder.glob(f"*/{part.stem}.m[pk][4v]"):
                video.unlink()
            part.unlink()


def _render(folder: Path, job: Job, running: set["subprocess.Popen[str]"], say: Say) -> str:
    # One process a video, see video.py; one thread a process, as `jobs` are the parallelism.
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "voiceface.demo.video"]
    process = subprocess.Popen(
        [*command, str(folder), json.dumps(asdict(job)), job.digest()],
        env={**os.environ, **threads},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    running.add(process)
    try:
        assert process.stdout
        told, reason = 0, "no reason given"
        for line in process.stdout:
            if not line.startswith(PROGRESS):
                reason = line.strip() or reason
            elif (tenth := int(float(line.removeprefix(PROGRESS)) * 10)) > told:
                told = tenth
                say(f"{job.file}: {tenth * 10} %")
        if process.wait():
            raise VoicefaceError(f"{folder / job.file}: could not be rendered: {reason}")
    finally:
        running.discard(process)
    return job.file


def _one_at_a_time(say: Say) -> Say:
    lock = threading.Lock()

    def locked(line: str) -> None:
        with lock:
            say(line)

    return locked


def _traits_row(person: Traits) -> dict[str, object]:
    voice = voice_of(person)
    row = as_row(person) | {
        "pitch_hz": voice.pitch_hz,
        "words_per_minute": voice.words_per_minute,
        "tract": voice.tract,
    }
    return {name: row[name] for name in TRAITS.names}
