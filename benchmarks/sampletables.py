"""The tables of many videos as the stages write them, with drawn-up values and no media."""

import os
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pyarrow as pa

from voiceface.files import write_table
from voiceface.ids import sample_id
from voiceface.outcome import Outcome, write_outcome
from voiceface.review.ledger import Ledger, Mark
from voiceface.sources import Video, write_videos
from voiceface.tables import SAMPLES, TIMELINE

PER_VIDEO = 500
_VIDEOS_PER_SPEAKER = 4
_SEGMENT_US = 4_000_000
_FLAGS = ("no_face", "turned", "dark", "blurred", "noise_or_music")
_FLAGGED = 0.3
_MARK_EVERY = 10
_APART = 0.2
"""Descriptor distance of a face to its speaker's usual one."""


@patch.object(os, "fsync", lambda handle: None)  # to wait for the disk would be most of it
def make_tables(root: Path, rows: int, seed: int = 0) -> None:
    """Write what the gather stage reads: no two samples have anything in common.

    Args:
        rows: a multiple of `PER_VIDEO`; each tenth of them has a mark in the ledger.
    """
    rng = np.random.default_rng(seed)
    videos = [_video(number) for number in range(rows // PER_VIDEO)]
    write_videos(root / "manifests/videos.csv", videos)
    usual = np.zeros(128)
    with Ledger(root / "manifests/reviews", "ana") as ledger:
        for number, video in enumerate(videos):
            if number % _VIDEOS_PER_SPEAKER == 0:
                usual = rng.normal(0, 0.1, 128)
            table = pa.table(_columns(video.video, usual, rng), SAMPLES)
            write_table(root / f"data/samples/{video.video}.parquet", table)
            whole = {"video": video.video, "reason": "segment"}
            whole |= {"duration_us": PER_VIDEO * _SEGMENT_US}
            timeline = pa.Table.from_pylist([whole], TIMELINE)
            write_table(root / f"data/timeline/{video.video}.parquet", timeline)
            outcome = Outcome(video=video.video, status="ok", video_codec="h264", audio_codec="aac")
            write_outcome(root / f"data/download/{video.video}.json", outcome)
            ledger.append(*_marks(table))


def _video(number: int) -> Video:
    return Video(
        video=f"file-{number:012x}",
        speaker=f"speaker-{number // _VIDEOS_PER_SPEAKER:05d}",
        gender="female",
        language="en",
        location=f"videos/{number}.mp4",
        title=f"{number}",
        duration_s=None,
        uploaded="",
        licence="",
        consent="synthetic",
        status="listed",
        source="videos",
    )


def _columns(video: str, usual: np.ndarray, rng: np.random.Generator) -> list[pa.Array]:
    starts = np.arange(PER_VIDEO) * _SEGMENT_US
    flagged = rng.random(PER_VIDEO) < _FLAGGED
    flags = [
        [_FLAGS[one]] if some else []
        for one, some in zip(rng.integers(len(_FLAGS), size=PER_VIDEO), flagged, strict=True)
    ]
    faceless = np.array([found[:1] == ["no_face"] for found in flags])
    steps = rng.normal(size=(PER_VIDEO, 128))
    steps *= _APART / np.linalg.norm(steps, axis=1)[:, None]
    known: dict[str, Any] = {
        "sample": [sample_id(video, start) for start in starts.tolist()],
        "video": [video] * PER_VIDEO,
        "start_us": starts,
        "end_us": starts + _SEGMENT_US,
        "frame_us": starts,
        "content": _digests(rng),
        "audio_sha256": _digests(rng),
        "face_sha256": _digests(rng),
        "face_print": [rng.bytes(32) for _ in range(PER_VIDEO)],
        "audio_prints": _lists(rng.integers(-(2**62), 2**62, (PER_VIDEO, 16))),
        "audio_marks": _lists(rng.integers(-(2**31), 2**31, (PER_VIDEO, 128), np.int32)),
        "descriptor": _lists((usual + steps).astype(np.float32), faceless),
        "flags": flags,
    }
    for name in ("frame_us", "content", "face_sha256", "face_print"):
        known[name] = [None if no else one for one, no in zip(known[name], faceless, strict=True)]
    return [pa.array(known.get(f.name, _scores(f, rng)), f.type) for f in SAMPLES]


def _lists(values: np.ndarray, missing: np.ndarray | None = None) -> pa.Array:
    """A list for each row of numbers (n, m), but for those that are missing (n,) bool."""
    count, size = values.shape
    offsets = pa.array(np.arange(count + 1) * size, pa.int32())
    mask = None if missing is None else pa.array(missing)
    return pa.ListArray.from_arrays(offsets, pa.array(values.ravel()), mask=mask)


def _scores(field: pa.Field, rng: np.random.Generator) -> np.ndarray:
    if pa.types.is_floating(field.type):
        return rng.random(PER_VIDEO, np.float32)
    return np.zeros(PER_VIDEO, np.int16)


def _digests(rng: np.random.Generator) -> list[str]:
    text = rng.bytes(32 * PER_VIDEO).hex()
    return [text[64 * row : 64 * row + 64] for row in range(PER_VIDEO)]


def _marks(table: pa.Table) -> list[Mark]:
    pairs = table.select(["sample", "content"]).to_pylist()[::_MARK_EVERY]
    decisions = ("keep", "drop", "keep", "unsure")
    return [
        Mark(pair["sample"], pair["content"] or "", decision, "ugly" if decision == "drop" else "")
        for place, pair in enumerate(pairs)
        for decision in [decisions[place % len(decisions)]]
    ]
