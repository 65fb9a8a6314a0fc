"""A synthetic project of a million samples to review: the real tables, with drawn-up values."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from voiceface.files import replacing, writing_media
from voiceface.layout import CONFIG, MANIFEST
from voiceface.media.audio import to_flac
from voiceface.tables import FACES, REASONS, SPEECH
from voiceface.tables import MANIFEST as COLUMNS

PER_VIDEO = 500
_SEGMENT_US = 4_000_000
_RATE_HZ = 16_000
_VIDEOS_PER_SPEAKER = 4
_GROUP = 100  # videos in a row group of the manifest
_FLAGGED = 0.3


def make_project(root: Path, samples: int, **review: object) -> None:
    """Make a project that `voiceface review` opens.

    All videos share one file of faces and one of sounds (hard links), so that each sample has a
    face and 4 s of sound, and a million of them take no more; no two samples have one content.

    Args:
        samples: a multiple of `PER_VIDEO`.
        review: settings of the section `review`.
    """
    rng = np.random.default_rng(0)
    faces, sounds = _write_media(root, rng)
    videos = [f"file-{number:012x}" for number in range(samples // PER_VIDEO)]
    for video in videos:
        for folder, shared in (("faces", faces["path"]), ("speech", sounds["path"])):
            (root / f"data/{folder}").mkdir(exist_ok=True)
            (root / f"data/{folder}/{video}.parquet").hardlink_to(shared)
    with (
        replacing(root / MANIFEST) as path,
        pq.ParquetWriter(path, COLUMNS, compression="zstd") as writer,
    ):
        for first in range(0, len(videos), _GROUP):
            tables = []
            for number, video in enumerate(videos[first : first + _GROUP], first):
                speaker = f"speaker-{number // _VIDEOS_PER_SPEAKER:04d}"
                columns = _columns(video, speaker, faces["digests"], sounds["digests"], rng)
                tables.append(pa.table(columns, COLUMNS))
            writer.write_table(pa.concat_tables(tables))
    (root / "Snakefile").touch()
    (root / CONFIG).write_text(yaml.safe_dump({"review": review}))


def _columns(
    video: str, speaker: str, faces: list[str], sounds: list[str], rng: np.random.Generator
) -> list[Any]:
    """The manifest's columns for one video."""
    starts = np.arange(PER_VIDEO) * _SEGMENT_US
    flags = [
        [REASONS[place] for place in sorted(rng.choice(len(REASONS), 1 + flag % 2, replace=False))]
        if flag < 10 * _FLAGGED
        else []
        for flag in rng.integers(0, 10, PER_VIDEO)
    ]
    digests = rng.bytes(32 * PER_VIDEO).hex()
    known: dict[str, Any] = {
        "sample": [f"{video}_{start // 1000:09d}" for start in starts],
        "video": [video] * PER_VIDEO,
        "face_video": [video] * PER_VIDEO,
        "start_us": starts,
        "face_start_us": starts,
        "frame_us": starts + 2_000_000,
        "end_us": starts + _SEGMENT_US,
        "faces": np.ones(PER_VIDEO, np.int16),
        "content": [digests[64 * row : 64 * row + 64] for row in range(PER_VIDEO)],
        "face_sha256": faces,
        "audio_sha256": sounds,
        "flags": flags,
        "clean": [not some for some in flags],
        "speaker": [speaker] * PER_VIDEO,
        "gender": ["f" if len(video) % 2 else "m"] * PER_VIDEO,
        "language": ["en"] * PER_VIDEO,
        "review": ["pending"] * PER_VIDEO,
        "fate": [some[0] if some else "kept" for some in flags],
    }
    return [pa.array(known.get(f.name, _filled(f, rng)), f.type) for f in COLUMNS]


def _filled(field: pa.Field, rng: np.random.Generator) -> Any:
    if pa.types.is_float32(field.type):
        values = rng.normal(size=PER_VIDEO).astype(np.float32)
        missing = rng.random(PER_VIDEO) < 0.02 if field.nullable else np.zeros(PER_VIDEO, bool)
        return pa.array(values, pa.float32(), mask=missing)
    return [""] * PER_VIDEO if pa.types.is_string(field.type) else [0] * PER_VIDEO


def _write_media(root: Path, rng: np.random.Generator) -> tuple[dict[str, Any], dict[str, Any]]:
    results = []
    for name, schema, rows in (
        ("faces", FACES, _faces(rng)),
        ("sounds", SPEECH, _sounds(rng)),
    ):
        path = root / f"data/shared-{name}.parquet"
        digest = "face_sha256" if name == "faces" else "audio_sha256"
        digests = []
        with writing_media(path, schema) as add:
            for row in rows:
                add(_whole(schema, row))
                digests.append(row[digest])
        results.append({"path": path, "digests": digests})
    return results[0], results[1]


def _whole(schema: pa.Schema, row: dict[str, Any]) -> dict[str, Any]:
    """A row with 0, "" or [] for what it does not have and must have."""
    zeros = {
        field.name: "" if pa.types.is_string(field.type) else [] if pa.types.is_list(field.type)
        else 0
        for field in schema
        if not field.nullable
    }  # fmt: skip
    return zeros | row


def _faces(rng: np.random.Generator) -> Iterator[dict[str, Any]]:
    from PIL import Image

    for number in range(PER_VIDEO):
        small = rng.integers(40, 220, (8, 8, 3)).astype(np.uint8)
        large = np.array(Image.fromarray(small).resize((128, 128), Image.Resampling.BICUBIC))
        noisy = (large + rng.integers(0, 8, large.shape)).clip(0, 255).astype(np.uint8)
        data = io.BytesIO()
        Image.fromarray(noisy).save(data, "PNG")
        digest = rng.bytes(32).hex()
        face = {"bytes": data.getvalue(), "path": None}
        yield {"start_us": number * _SEGMENT_US, "face_sha256": digest, "face": face}


def _sounds(rng: np.random.Generator) -> Iterator[dict[str, Any]]:
    time_s = np.arange(4 * _RATE_HZ) / _RATE_HZ
    for number in range(PER_VIDEO):
        pitch_hz = rng.uniform(90, 250)
        voice = sum(np.sin(2 * np.pi * pitch_hz * k * time_s) / k for k in (1, 2, 3, 4))
        loud = 0.5 + 0.5 * np.sin(2 * np.pi * 3 * time_s)
        pcm = (6000 * voice * loud + rng.normal(0, 200, len(time_s))).astype(np.int16)
        sound = {"bytes": to_flac(pcm, _RATE_HZ), "path": None}
        digest = rng.bytes(32).hex()
        yield {"start_us": number * _SEGMENT_US, "audio_sha256": digest, "audio": sound}
