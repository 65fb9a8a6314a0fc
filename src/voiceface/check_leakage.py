"""What the splits of a foreign dataset share: sound and faces, by content and not by name.

The folder's subfolders are its splits; below them every WAV, FLAC and picture counts, whatever its
name or ending. Nothing is resampled or re-encoded before bits are compared. Other media (MP3, MP4…)
are not examined, and their number is told.
"""

import hashlib
import mimetypes
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from itertools import combinations
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import soundfile

from voiceface.errors import VoicefaceError
from voiceface.files import read_table
from voiceface.fingerprints import with_fingerprints
from voiceface.leakage import near_faces, near_sounds, prove_no_leak
from voiceface.media.fingerprint import sound_marks
from voiceface.media.quality import face_print
from voiceface.people import read_same_people
from voiceface.reporting.words import counted
from voiceface.stretches import LEAST_SAMPLES, StretchIndex, shared_stretch
from voiceface.tables import DATASET

KINDS = {
    "identical_sound": f"share at least {LEAST_SAMPLES} samples of sound bit by bit",
    "near_sound": "have nearly the same sound",
    "identical_face": "have a picture with the same pixels",
    "near_face": "have nearly the same picture",
}
"""What is looked for, and the words for it."""

_PART_S = 30  # long sound is read in parts of this length
_OVERLAP_S = 2  # so that no stretch is lost between two parts
_WINDOW = 1 << 16  # samples read around a match to verify it
_LEAST_MARKS = 8  # 0.65 s of sound: released clips are often of a second
_NEAR_BITS = 7  # of a face print: pictures of a foreign folder may be cut in any way
_SHOWN = 3
_MEDIA_HEADS = (b"ID3", b"OggS", b"\x1aE\xdf\xa3", b"RIFF", b"FORM", b"NIST_1A", b"FLV")


@dataclass
class Split:
    """The files of one split."""

    name: str
    sounds: list[Path] = field(default_factory=list)
    pictures: list[Path] = field(default_factory=list)
    others: int = 0
    """files that are no media"""
    unexamined: list[Path] = field(default_factory=list)
    """sound, videos and pictures of other types"""
    unreadable: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Twin:
    """A file of one split that shares content with one of the other."""

    file: str
    shares_with: str
    samples: int = 0
    """length of the bit-identical sound around the match, for such"""


@dataclass(frozen=True)
class Pair:
    """What two splits share, told of the files of the smaller one."""

    examined: str
    against: str
    sounds: int
    """of the examined split"""
    pictures: int
    leaks: dict[str, list[Twin]]
    """of each of `KINDS`, sorted by file; what is identical is not listed as near"""

    @property
    def leaks_at_all(self) -> bool:
        """Whether anything is shared."""
        return any(self.leaks.values())

    def total(self, kind: str) -> int:
        """Of how many files those of a kind are a part."""
        return self.sounds if kind.endswith("sound") else self.pictures


@dataclass(frozen=True)
class Examination:
    """The result for a folder."""

    splits: list[Split]
    pairs: list[Pair]

    @property
    def leaks(self) -> bool:
        """Whether any two splits share anything."""
        return any(pair.leaks_at_all for pair in self.pairs)

    @property
    def unexamined(self) -> list[Path]:
        """The media files of all splits that may share anything, unseen."""
        return [path for split in self.splits for path in split.unexamined]

    def words(self) -> list[str]:
        """What was found, in lines."""
        lines = []
        for split in self.splits:
            counts = {"sound": len(split.sounds), "picture": len(split.pictures)}
            if split.others:
                counts["other file"] = split.others
            words = ", ".join(counted(count, noun) for noun, count in counts.items())
            lines.append(f"{split.name}: {words}")
            lines += [f"  can't be read: {problem}" for problem in split.unreadable]
        for pair in self.pairs:
            for kind, twins in pair.leaks.items():
                lines += _kind_words(pair, kind, twins)
            if not pair.leaks_at_all:
                limit = " of what was examined" if self.unexamined else ""
                lines.append(f"{pair.examined} and {pair.against} share nothing{limit}")
        if self.unexamined:
            kinds = Counter(path.suffix.lower() or "no ending" for path in self.unexamined)
            words = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
            total = counted(len(self.unexamined), "media file")
            lines.append(f"warning: {total} not examined, only WAV, FLAC and pictures: {words}")
        return lines

    def as_json(self) -> dict[str, Any]:
        """Everything, with each file that shares something."""
        splits = {
            split.name: {
                "sounds": len(split.sounds),
                "pictures": len(split.pictures),
                "others": split.others,
                "unexamined": len(split.unexamined),
                "unreadable": split.unreadable,
            }
            for split in self.splits
        }
        pairs = [
            {
                "examined": pair.examined,
                "against": pair.against,
                **{kind: _kind_json(pair, kind, twins) for kind, twins in pair.leaks.items()},
            }
            for pair in self.pairs
        ]
        return {"leaks": self.leaks, "splits": splits, "pairs": pairs}


def check_build(dataset: Path, samples: Path, people: Path) -> dict[str, Any]:
    """Prove anew that the splits of this project's dataset share nothing.

    Args:
        dataset: `manifests/dataset.parquet`.
        samples: `data/samples`, for the fingerprints.
        people: `manifests/people.parquet`, for the labels that are one person.

    Returns: what was compared, as `leakage.prove_no_leak`.

    Raises:
        VoicefaceError: there is a leak, or a table is missing, damaged or not of the same build.
    """
    kept = with_fingerprints(samples, read_table(dataset, DATASET))
    return prove_no_leak(kept, read_same_people(people))


def check_folder(folder: Path) -> Examination:
    """Compare every two splits of a foreign dataset.

    Args:
        folder: its subfolders are the splits, as in `train/<speaker>/…` and `test/<speaker>/…`.

    Raises:
        VoicefaceError: there are not two subfolders with sound or pictures.
    """
    if not folder.is_dir():
        raise VoicefaceError(f"{folder}: no such folder")
    splits = [_list(path) for path in sorted(folder.iterdir()) if path.is_dir()]
    splits = [split for split in splits if split.sounds or split.pictures or split.unexamined]
    if sum(1 for split in splits if split.sounds or split.pictures) < 2:
        raise VoicefaceError(
            f"{folder}: needs a subfolder with sound or pictures for each of at least two splits,"
            " as in train/ and test/"
        )
    faces = {split.name: _read_pictures(split) for split in splits}
    pairs = []
    for one, other in combinations(splits, 2):
        size = {split.name: len(split.sounds) + len(split.pictures) for split in (one, other)}
        small, large = sorted((one, other), key=lambda split: size[split.name])
        leaks = _compare_sounds(small, large) | _compare_faces(faces[small.name], faces[large.name])
        named = {kind: _named(folder, twins) for kind, twins in leaks.items()}
        pairs.append(Pair(small.name, large.name, len(small.sounds), len(small.pictures), named))
    return Examination(splits, pairs)


def _list(folder: Path) -> Split:
    """The files below a folder, told apart by their first bytes."""
    split = Split(folder.name)
    for path in sorted(folder.rglob("*")):
        if path.name.startswith(".") or not path.is_file():
            continue
        with open(path, "rb") as source:
            head = source.read(12)
        if head[:4] == b"fLaC" or (head[:4] in (b"RIFF", b"RF64") and head[8:] == b"WAVE"):
            split.sounds.append(path)
        elif not _is_mp4(head) and cv2.haveImageReader(str(path)):
            split.pictures.append(path)
        elif _is_media(path, head):
            split.unexamined.append(path)
        else:
            split.others += 1
    return split


def _is_media(path: Path, head: bytes) -> bool:
    kind = (mimetypes.guess_type(path.name)[0] or "").split("/")[0]
    known = kind in ("audio", "video", "image")
    return known or head.startswith(_MEDIA_HEADS) or _is_mp4(head)


def _is_mp4(head: bytes) -> bool:
    """Whether it is of the MP4 family and no AVIF picture; OpenCV takes both for one."""
    return head[4:8] == b"ftyp" and head[8:12] not in (b"avif", b"avis")


def _compare_sounds(small: Split, large: Split) -> dict[str, dict[Path, tuple[Path, int]]]:
    identical = _identical_sounds(small, large)
    marks = [(n, part) for n, path in enumerate(small.sounds) for part in _marks(small, path)]
    first_large = len(small.sounds)
    for number, path in enumerate(large.sounds, first_large):
        marks += [(number, part) for part in _marks(large, path)]
    files = [*small.sounds, *large.sounds]
    side = np.array([files_of < first_large for files_of, _ in marks], np.int8)
    lengths = np.array([len(part) for _, part in marks], np.int64)
    joined = np.concatenate([np.zeros(0, np.uint32), *(part for _, part in marks)])
    near: dict[Path, tuple[Path, int]] = {}
    for one, other in near_sounds(joined, lengths, side, _LEAST_MARKS):
        theirs, mine = sorted((marks[one][0], marks[other][0]), reverse=True)
        if files[mine] not in identical:
            near.setdefault(files[mine], (files[theirs], 0))
    return {"identical_sound": identical, "near_sound": near}


def _identical_sounds(small: Split, large: Split) -> dict[Path, tuple[Path, int]]:
    """File of the small split → one of the large split and the length of what they share."""
    parts = ((n, path) for n, path in enumerate(small.sounds))
    index = StretchIndex((n, at, pcm) for n, path in parts for at, pcm, _ in _sound(small, path))
    found: dict[Path, tuple[Path, int]] = {}
    for path in large.sounds:
        for _, pcm, _ in _sound(large, path):
            for place, number, there in index.find(pcm):
                mine = small.sounds[number]
                if mine in found:
                    continue
                start, around = _around(mine, there)
                _, _, shared = shared_stretch(pcm, place, around, there - start)
                if shared:
                    found[mine] = (path, shared)
                    index.drop(number)
    return found


def _sound(split: Split, path: Path) -> Iterator[tuple[int, np.ndarray, int]]:
    """First sample, int16 mono samples and rate of the overlapping parts of a file."""
    try:
        with soundfile.SoundFile(path) as source:
            rate, place = source.samplerate, 0
            while place < max(source.frames, 1):
                source.seek(place)
                pcm = _mono(source.read((_PART_S + _OVERLAP_S) * rate, "int16", always_2d=True))
                yield place, pcm, rate
                place += _PART_S * rate // LEAST_SAMPLES * LEAST_SAMPLES
    except (soundfile.LibsndfileError, OSError) as error:
        problem = f"{path}: {error}"
        if problem not in split.unreadable:
            split.unreadable.append(problem)


def _marks(split: Split, path: Path) -> Iterator[np.ndarray]:
    for _, pcm, rate in _sound(split, path):
        yield sound_marks(pcm, rate).view(np.uint32)


@lru_cache(maxsize=64)
def _around(path: Path, place: int) -> tuple[int, np.ndarray]:
    """The first sample that was read, and the samples around a place of a file."""
    start = max(0, place - _WINDOW // 2)
    with soundfile.SoundFile(path) as source:
        source.seek(start)
        return start, _mono(source.read(_WINDOW, "int16", always_2d=True))


def _mono(pcm: np.ndarray) -> np.ndarray:
    """The first channel: a mean of several would be no bits that anybody stored."""
    return np.ascontiguousarray(pcm[:, 0])


def _read_pictures(split: Split) -> list[tuple[Path, bytes, bytes]]:
    """Path, digest of the pixels and face print of each picture."""
    found = []
    for path in split.pictures:
        data = np.fromfile(path, np.uint8)
        picture = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
        if picture is None:
            split.unreadable.append(f"{path}: not a whole picture")
            continue
        picture = np.ascontiguousarray(picture[:, :, ::-1])
        digest = hashlib.sha256(f"{picture.shape}".encode() + picture.tobytes()).digest()
        found.append((path, digest, face_print(picture)))
    return found


def _compare_faces(
    small: list[tuple[Path, bytes, bytes]], large: list[tuple[Path, bytes, bytes]]
) -> dict[str, dict[Path, tuple[Path, int]]]:
    of_large = {digest: path for path, digest, _ in reversed(large)}
    identical = {path: (of_large[digest], 0) for path, digest, _ in small if digest in of_large}
    files = [path for path, _, _ in [*small, *large]]
    joined = b"".join(known for _, _, known in [*small, *large])
    prints = np.frombuffer(joined, np.uint8).reshape(-1, 32)
    side = np.arange(len(files)) < len(small)
    near: dict[Path, tuple[Path, int]] = {}
    for one, other in near_faces(prints, np.arange(len(files)), side, _NEAR_BITS):
        mine, theirs = sorted((one, other))
        if files[mine] not in identical:
            near.setdefault(files[mine], (files[theirs], 0))
    return {"identical_face": identical, "near_face": near}


def _named(folder: Path, twins: dict[Path, tuple[Path, int]]) -> list[Twin]:
    return [
        Twin(str(path.relative_to(folder)), str(other.relative_to(folder)), samples)
        for path, (other, samples) in sorted(twins.items())
    ]


def _kind_words(pair: Pair, kind: str, twins: list[Twin]) -> list[str]:
    if not twins:
        return []
    total = pair.total(kind)
    lines = [
        f"{pair.examined} and {pair.against}: {len(twins)} of {total} ({len(twins) / total:.1%})"
        f" in {pair.examined} {KINDS[kind]}"
    ]
    lines += [f"  {twin.file} with {twin.shares_with}" for twin in twins[:_SHOWN]]
    more = len(twins) - _SHOWN
    return [*lines, f"  and {more} more"] if more > 0 else lines


def _kind_json(pair: Pair, kind: str, twins: list[Twin]) -> dict[str, Any]:
    total = pair.total(kind)
    return {
        "count": len(twins),
        "of": total,
        "share": len(twins) / total if total else 0.0,
        "files": [
            {key: value for key, value in asdict(twin).items() if value or key != "samples"}
            for twin in twins
        ],
    }
