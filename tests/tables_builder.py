"""Builders of what the per-video stages write, without any video: noise for sound and faces."""

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
import soundfile

from voiceface.config import Dataset, Gather, Manifest, Samples
from voiceface.files import write_table, writing_media
from voiceface.media.fingerprint import content_prints, sound_marks
from voiceface.outcome import Outcome, write_outcome
from voiceface.sources import Video, write_videos
from voiceface.stages import dataset, gather, manifest, pack, samples
from voiceface.tables import FACES, SPEECH, TIMELINE

SEGMENT_US = 250_000
RATE_HZ = 16_000
SIZE = 32
OUTSIDE_US = {"no_speech": 70_001, "too_short": 30_003}
"""What every video has beside its segments."""


def write_media(path: Path, rows: list[dict[str, Any]], schema: pa.Schema) -> None:
    """A table with pictures or sound, as the stages write it."""
    with writing_media(path, schema) as add:
        for row in rows:
            add(row)


@dataclass
class Segment:
    """One segment; what is not given is made up, clean, and like no other."""

    sound: np.ndarray | None = None
    """int16 (4,000,)"""
    face: np.ndarray | None = None
    """uint8 (32, 32, 3), RGB"""
    descriptor: np.ndarray | None = None
    """(128,)"""
    scores: dict[str, Any] = field(default_factory=dict)
    """columns of the speech and the faces table, to be set; faces=0 is no face"""
    more_faces: int = 0
    """further samples of the segment, with other faces (faces.per_segment)"""


class Tables:
    """The files of a project below `root`, up to what the test asks for."""

    def __init__(self, root: Path, seed: int = 0) -> None:
        self.root = root
        self.rng = np.random.default_rng(seed)
        self.videos: list[Video] = []
        self.usual: dict[str, np.ndarray] = {}

    @property
    def manifest(self) -> Path:
        """All samples."""
        return self.root / "manifests/samples.parquet"

    @property
    def reviews(self) -> Path:
        """The ledger's folder."""
        return self.root / "manifests/reviews"

    @property
    def dataset(self) -> Path:
        """The kept samples."""
        return self.root / "manifests/dataset.parquet"

    def sound(self) -> np.ndarray:
        """Loud noise: int16 (4,000,)."""
        return self.rng.integers(-9000, 9000, RATE_HZ * SEGMENT_US // 1_000_000).astype(np.int16)

    def face(self) -> np.ndarray:
        """Noise: uint8 (32, 32, 3)."""
        return self.rng.integers(0, 256, (SIZE, SIZE, 3)).astype(np.uint8)

    def add(
        self, video: str, speaker: str, segments: int | Sequence[Segment] = 2, kind: str = "video"
    ) -> str:
        """Write all the tables of one video, through the real samples stage; returns `video`.

        Args:
            kind: video, sound (without a picture) or pictures (without sound).
        """
        if isinstance(segments, int):
            segments = [Segment() for _ in range(segments)]
        self._list(video, speaker)
        if kind == "sound":
            segments = [replace(one, scores={**one.scores, "faces": 0}) for one in segments]
        outcome = Outcome(
            video=video,
            status="ok",
            duration_us=1,
            video_codec=None if kind == "sound" else "h264",
            audio_codec=None if kind == "pictures" else "aac",
            pictures=len(segments) if kind == "pictures" else None,
        )
        write_outcome(self.root / f"data/download/{video}.json", outcome)
        rows = [self._row(video, speaker, n, one) for n, one in enumerate(segments)]
        with_more = [
            self._row(video, speaker, n, replace(one, face=None)) | {"face_number": number}
            for n, one in enumerate(segments)
            for number in range(1, one.more_faces + 1)
        ]
        order = sorted([*rows, *with_more], key=lambda row: (row["start_us"], row["face_number"]))
        speech, faces = (self.root / f"data/{part}/{video}.parquet" for part in ("speech", "faces"))
        write_media(speech, rows if kind != "pictures" else [], SPEECH)
        write_media(faces, order, FACES)
        samples.run(Samples(), speech, faces, self.root / f"data/samples/{video}.parquet")
        times = {"segment": len(rows) * SEGMENT_US, **OUTSIDE_US} if kind != "pictures" else {}
        parts = [{"video": video, "reason": r, "duration_us": us} for r, us in times.items() if us]
        timeline = self.root / f"data/timeline/{video}.parquet"
        write_table(timeline, pa.Table.from_pylist(parts, TIMELINE))
        return video

    def add_lost(self, video: str, speaker: str, status: str, reason: str = "") -> None:
        """Write the tables of a video that could not be had (or that is `gone`)."""
        self._list(video, speaker, "gone" if status == "gone" else "listed")
        if status == "gone":
            return
        outcome = Outcome.model_validate({"video": video, "status": status, "reason": reason})
        write_outcome(self.root / f"data/download/{video}.json", outcome)
        for folder, schema in (("timeline", TIMELINE), ("samples", samples.SAMPLES)):
            write_table(self.root / f"data/{folder}/{video}.parquet", schema.empty_table())

    def run_manifest(self, config: Gather | Manifest | None = None) -> list[dict[str, Any]]:
        """Run the gather and the manifest stage; returns the manifest's rows."""
        videos, data = self.root / "manifests/videos.csv", self.root / "data"
        write_videos(videos, self.videos)
        gather.run(
            config if isinstance(config, Gather) else Gather(),
            videos,
            downloads=data / "download",
            timelines=data / "timeline",
            samples=data / "samples",
            output=data / "gathered.parquet",
            outside=data / "outside.parquet",
            people=self.root / "manifests/people.parquet",
        )
        manifest.run(
            config if isinstance(config, Manifest) else Manifest(),
            videos,
            gathered=data / "gathered.parquet",
            outside=data / "outside.parquet",
            reviews=self.reviews,
            output=self.manifest,
            funnel=self.root / "manifests/funnel.parquet",
        )
        return pa.parquet.read_table(self.manifest).to_pylist()

    def run_dataset(self, config: Dataset | None = None) -> list[dict[str, Any]]:
        """Run the gather, manifest and dataset stages; returns the dataset's rows."""
        self.run_manifest()
        self.split(config)
        return pa.parquet.read_table(self.dataset).to_pylist()

    def split(self, config: Dataset | None = None) -> None:
        """Run the dataset stage alone."""
        leakage = self.root / "manifests/leakage.json"
        samples, people = self.root / "data/samples", self.root / "manifests/people.parquet"
        dataset.run(config or Dataset(), self.manifest, samples, people, self.dataset, leakage)

    def run_pack(self, split: str) -> Path:
        """Run the pack stage for one split; returns its folder."""
        output = self.root / "data/packed" / split
        data = self.root / "data"
        pack.run(self.dataset, data / "speech", data / "faces", split, output)
        return output

    def near(self, descriptor: np.ndarray, distance: float = 0.2) -> np.ndarray:
        """A descriptor at a distance of another."""
        step = self.rng.normal(size=128)
        return descriptor + distance * step / np.linalg.norm(step)

    def _list(self, video: str, speaker: str, status: str = "listed") -> None:
        made = Video(
            video=video,
            speaker=speaker,
            gender="",
            language="es",
            location=f"{video}.mp4",
            title=video,
            duration_s=None,
            uploaded="",
            licence="free",
            consent="synthetic",
            status="gone" if status == "gone" else "listed",
            source="here",
        )
        self.videos = [one for one in self.videos if one.video != video] + [made]

    def _row(self, video: str, speaker: str, number: int, segment: Segment) -> dict[str, Any]:
        sound = self.sound() if segment.sound is None else segment.sound
        face = self.face() if segment.face is None else segment.face
        usual = self.usual.setdefault(speaker, self.rng.normal(0, 0.1, 128))
        descriptor = self.near(usual) if segment.descriptor is None else segment.descriptor
        row: dict[str, Any] = {
            "video": video,
            "start_us": number * SEGMENT_US,
            "end_us": (number + 1) * SEGMENT_US,
            "voiced": 1.0,
            "loudness_db": -20.0,
            "clipped": 0.0,
            "snr_db": 30.0,
            "speech": 0.9,
            "second_voice": 0.0,
            "voice_change": 0.0,
            "voice_print": [0.0] * 32,
            "audio_sha256": hashlib.sha256(sound.tobytes()).hexdigest(),
            "audio_prints": content_prints(sound),
            "audio_marks": sound_marks(sound, RATE_HZ),
            "audio": {"bytes": _flac(sound), "path": None},
            "faces": 1,
            "face_number": 0,
            "frame_us": number * SEGMENT_US,
            "face_px": 200.0,
            "detector_score": 1.0,
            "sharpness": 500.0,
            "brightness": 120.0,
            "yaw_deg": 0.0,
            "pitch_deg": 0.0,
            "roll_deg": 0.0,
            "motion": 5.0,
            "landmarks": [0.0] * 136,
            "descriptor": descriptor.tolist(),
            "face_sha256": hashlib.sha256(face.tobytes()).hexdigest(),
            "face": {"bytes": _png(face), "path": None},
            **segment.scores,
        }
        if row["faces"] == 0:
            row |= dict.fromkeys(("frame_us", "face_px", "detector_score", "sharpness"))
            row |= dict.fromkeys(("brightness", "yaw_deg", "pitch_deg", "roll_deg", "motion"))
            row |= dict.fromkeys(("landmarks", "descriptor", "face_sha256", "face"))
        return row


def _png(face: np.ndarray) -> bytes:
    return cv2.imencode(".png", face[:, :, ::-1])[1].tobytes()


def _flac(sound: np.ndarray) -> bytes:
    target = io.BytesIO()
    soundfile.write(target, sound, RATE_HZ, format="FLAC", subtype="PCM_16")
    return target.getvalue()
