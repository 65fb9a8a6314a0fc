"""A packed split, as it lies on disk: arrays to map, and what their rows are."""

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from voiceface import files
from voiceface.errors import VoicefaceError, hardship
from voiceface.ids import segment_of
from voiceface.tables import DESCRIPTOR, PACKED, SPLITS


@dataclass(frozen=True)
class Packed:
    """One split of the packed dataset; the arrays are mapped, not read."""

    split: str
    """train, test or unseen."""
    faces: np.ndarray
    """uint8 (n, size, size, 3), RGB."""
    audio: np.ndarray
    """int16 (n, segment samples)."""
    labels: np.ndarray
    """int64 (n,): each row's place in `speakers`; -1 for a speaker who is not there."""
    people: list[str]
    """The speaker of each row."""
    recordings: list[str]
    """The video that each row's sound is of; the rows of one stand together, in time."""
    genders: list[str]
    """The gender of each row's speaker, as in sources.csv; may be empty."""
    speakers: list[str]
    """Speakers of the training split: the classes."""
    videos: list[str]
    """The videos that sound or faces come from, sorted."""
    sample_rate_hz: int
    digest: str
    """Digest of the content and of its description."""
    descriptors: np.ndarray
    """float32 (n, 128): dlib's descriptor of each face; NaN where it has none."""
    emotions: list[str] = field(default_factory=list)
    """The emotion of each row's speech, as in sources.csv; may be empty."""
    emotion_classes: list[str] = field(default_factory=list)
    """Emotions of the training split: the classes."""
    segments: list[str] = field(default_factory=list)
    """The segment that each row's sound is of: several faces may share one. Empty: each its own."""

    @property
    def emotion_labels(self) -> np.ndarray:
        """int64 (n,): each row's place in `emotion_classes`; -1 for one that is not there."""
        if not self.emotion_classes:
            return np.full(len(self.labels), -1)
        number = {emotion: label for label, emotion in enumerate(self.emotion_classes)}
        return np.array([number.get(emotion, -1) for emotion in self.emotions], np.int64)

    def rows_of(self, gender: str) -> np.ndarray:
        """The rows of that gender's speakers, int64; all of them where it is empty."""
        genders = np.array(self.genders, str)
        return np.flatnonzero(genders == gender) if gender else np.arange(len(self.labels))


def read_packed(folder: Path) -> Packed:
    """Open `data/packed/<split>/`, which may have no row.

    Raises:
        VoicefaceError: a part is missing, damaged, or of another size than `pack.json` says.
    """
    card = files.read_json(folder / "pack.json")
    try:
        count, size, segment = card["count"], card["size"], card["segment_samples"]
        faces = _array(folder / "faces.npy", (count, size, size, 3), np.uint8)
        audio = _array(folder / "audio.npy", (count, segment), np.int16)
        descriptors = _array(folder / "descriptors.npy", (count, DESCRIPTOR), np.float32)
        speakers, rate = list(card["speakers"]), int(card["sample_rate_hz"])
        emotions = list(card["emotions"])
    except KeyError as error:
        raise VoicefaceError(f"{folder / 'pack.json'}: has no {error}; build it again") from None
    table = files.read_table(folder / "samples.parquet", PACKED)
    if table.num_rows != count:
        raise VoicefaceError(
            f"{folder / 'samples.parquet'}: {table.num_rows} rows, not the {count} of pack.json; "
            "build it again"
        )
    people = table.column("speaker").to_pylist()
    number = {speaker: label for label, speaker in enumerate(speakers)}
    labels = np.array([number.get(person, -1) for person in people], np.int64)
    digest = hashlib.sha256(json.dumps(card, sort_keys=True).encode()).hexdigest()
    recordings, genders = table["video"].to_pylist(), table["gender"].to_pylist()
    videos = sorted({*recordings, *table["face_video"].to_pylist()})
    return Packed(
        folder.name, faces, audio, labels, people, recordings, genders, speakers, videos, rate,
        digest, descriptors, table["emotion"].to_pylist(), emotions,
        [segment_of(sample) for sample in table["sample"].to_pylist()],
    )  # fmt: skip


def read_splits(folder: Path) -> dict[str, Packed]:
    """Open all splits of `data/packed/`, by name."""
    return {split: read_packed(folder / split) for split in SPLITS}


def _array(path: Path, shape: tuple[int, ...], kind: type) -> np.ndarray:
    try:
        array = np.load(path, mmap_mode=None if 0 in shape else "r")
    except (OSError, ValueError) as error:
        if hardship(error):
            raise
        raise VoicefaceError(f"{path}: cannot be read ({error}); build it again") from None
    if array.shape != shape or array.dtype != kind:
        raise VoicefaceError(
            f"{path}: {array.dtype} {array.shape}, not the {np.dtype(kind)} {shape} of pack.json; "
            "build it again"
        )
    return array
