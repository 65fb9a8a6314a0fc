"""Packed splits of the demo world, and copies whose voices are shuffled, to train models on.

Rendering the same people as videos would cost a CPU second and more for each of theirs, an hour in
all. So the world's own camera films the very moments that become faces, one in the middle of each
4 s segment; the segment is spoken as in its videos, by the same person in the same mood, and heard
in the same room. The faces are found and cut out as the dataset's are; a segment whose face is not
found is left out. No trouble is planted.
"""

import shutil
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa

from voiceface import files
from voiceface.config import Faces
from voiceface.data.packed import read_splits
from voiceface.demo import sound
from voiceface.demo.camera import Camera
from voiceface.demo.script import RATE_HZ, Script, Stretch
from voiceface.demo.sentences import sentence
from voiceface.demo.traits import (
    VARIANTS,
    guest_traits,
    sources_rows,
    speaker_name,
    speaker_traits,
)
from voiceface.demo.voice import EMOTIONS, speak, voice_of
from voiceface.evaluation.matching import count_trials, percent_won
from voiceface.media.audio import resampled
from voiceface.media.descriptor import describe
from voiceface.media.faces import align, detect, find_landmarks
from voiceface.tables import DESCRIPTOR, PACKED, SPLITS

PACKED_HZ = 16_000
SEGMENT_S = 4
CHIP = (150, 150)
"""Of the pictures that are described: here whole crops, as the metrics take them."""


@dataclass(frozen=True)
class World:
    """Who there is, and how much of each."""

    known: int
    """Speakers to train on, who also have the videos of the test split."""
    unseen: int
    """Speakers of whom no model learns."""
    videos: int
    """Of each known speaker to train on; half as many, at least one, to test."""
    segments: int
    """Of each video."""
    seed: int = 5

    def videos_of(self, split: str) -> list[tuple[int, int]]:
        """Speaker and video, from 0, of all videos of a split."""
        all_of = self.videos + max(1, self.videos // 2)
        people, videos = {
            "train": (range(self.known), range(self.videos)),
            "test": (range(self.known), range(self.videos, all_of)),
            "unseen": (range(self.known, self.known + self.unseen), range(all_of - self.videos)),
        }[split]
        return [(speaker, video) for speaker in people for video in videos]


def pack_world(folder: Path, world: World) -> Path:
    """The world's packed splits below `folder`; what is there already stays as it is."""
    packed = folder / "-".join(str(value) for value in vars(world).values())
    for split in SPLITS:
        if not (packed / split / "pack.json").is_file():
            print(f"packing {split} of {packed.name}", flush=True)
            _pack(packed / split, world, world.videos_of(split))
    return packed


def matching_told(packed: Path) -> float:
    """Percent of the matching trials of unseen people that one wins who is told what voices hide.

    Not a voice but the very traits that a voice and a face share are given, for each person; which
    descriptor goes with them is learnt from the training split, by ridge regression. So much, and
    not all, of a face is in a voice.
    """
    seed, splits = int(packed.name.rpartition("-")[2]), read_splits(packed)
    known, unseen = splits["train"], splits["unseen"]
    given = _shared_traits(known.people, seed)
    weights = np.linalg.solve(
        given.T @ given / len(given) + 1e-3 * np.eye(given.shape[1]),
        given.T @ known.descriptors / len(given),
    )
    guesses = (_shared_traits(unseen.people, seed) @ weights).astype(np.float32)
    whose = np.unique(unseen.people, return_inverse=True)[1]
    trials = count_trials(guesses, unseen.descriptors, whose, own=True)
    return float(percent_won(trials, np.ones((1, len(trials.all))))[0])


def shuffle_voices(packed: Path, target: Path, seed: int = 0) -> Path:
    """A copy whose training voices each go with somebody's face: the control.

    The sounds and the videos that they are of stay as they are; the faces change places, with the
    speakers, genders and emotions that they are of. The other splits are those that the model is to
    be tested on.
    """
    for split in SPLITS:
        shutil.copytree(packed / split, target / split, dirs_exist_ok=True)
    train = target / "train"
    table, faces = files.read_table(train / "samples.parquet", PACKED), np.load(train / "faces.npy")
    order = np.random.default_rng(seed).permutation(len(faces))
    for name in ("speaker", "gender", "emotion"):
        place = table.schema.get_field_index(name)
        table = table.set_column(place, PACKED.field(name), table[name].take(pa.array(order)))
    speakers = files.read_json(train / "pack.json")["speakers"]
    audio, told = np.load(train / "audio.npy"), np.load(train / "descriptors.npy")
    write_split(train, faces[order], audio, told[order], table, speakers)
    return target


def write_split(
    folder: Path,
    faces: np.ndarray,
    audio: np.ndarray,
    descriptors: np.ndarray,
    table: pa.Table,
    speakers: list[str],
) -> None:
    """Write a packed split as the stage `pack` does.

    Args:
        faces: uint8 (n, size, size, 3), RGB.
        audio: int16 (n, samples), at 16 kHz.
        descriptors: float32 (n, 128), of the faces.
        table: a row for each, `tables.PACKED`.
        speakers: those of the training split.
    """
    arrays = {"faces.npy": faces, "audio.npy": audio, "descriptors.npy": descriptors}
    for name, array in arrays.items():
        with files.replacing(folder / name) as temporary, open(temporary, "wb") as target:
            np.save(target, array)
    files.write_table(folder / "samples.parquet", table)
    names = (*arrays, "samples.parquet")
    card = {
        "sample_rate_hz": PACKED_HZ,
        "segment_samples": audio.shape[1],
        "size": faces.shape[1],
        "speakers": speakers,
        "emotions": sorted(set(table["emotion"].to_pylist()) - {""}),
        "count": len(table),
        "sha256": {name: files.sha256_file(folder / name) for name in names},
    }
    files.write_sealed(folder / "pack.json", card)


def described(faces: np.ndarray) -> np.ndarray:
    """Descriptors of whole crops, float32 (n, 128), of faces uint8 (n, size, size, 3)."""
    chips = (cv2.resize(face, CHIP, interpolation=cv2.INTER_LINEAR)[None] for face in faces)
    return np.concatenate([np.empty((0, DESCRIPTOR), np.float32), *map(describe, chips)])


def _shared_traits(people: list[str], seed: int) -> np.ndarray:
    """What voice and face share of each person, and its products with the gender: (n, traits)."""
    rows = {}
    for name in set(people):
        person = speaker_traits(int(name.rpartition("-")[2]) - 1, seed)
        woman = float(person.gender == "f")
        degrees = np.array([1, person.masculine, person.length, person.size, person.age])
        timbre = np.eye(max(map(len, VARIANTS.values())))[person.timbre]
        traits = np.concatenate([degrees, timbre])
        rows[name] = np.concatenate([traits, woman * traits])
    return np.stack([rows[name] for name in people])


def _pack(folder: Path, world: World, videos: list[tuple[int, int]]) -> None:
    everybody = world.known + world.unseen
    genders = {row["speaker"]: row["gender"] for row in sources_rows(everybody, world.seed)}
    # Not forked: OpenCV's threads would be missing in a copy of this process, and be waited for.
    fresh = get_context("spawn")
    with ProcessPoolExecutor(None, fresh, cv2.setNumThreads, (1,)) as pool:
        filmed = list(pool.map(partial(_filmed, world), *zip(*videos, strict=True)))
    rows = []
    for (speaker, video), (_, _, _, moods) in zip(videos, filmed, strict=True):
        name = speaker_name(speaker)
        place = f"{name}-{video + 1:02d}"
        about = {"speaker": name, "gender": genders[name], "video": place, "face_video": place}
        for number, mood in moods.items():
            sample = f"{place}_{1000 * SEGMENT_S * number:09d}"
            rows.append({"sample": sample, "emotion": mood, **about})
    faces, audio, told = (np.concatenate(part) for part in list(zip(*filmed, strict=True))[:3])
    known = [speaker_name(speaker) for speaker in range(world.known)]
    write_split(folder, faces, audio, told, pa.Table.from_pylist(rows, PACKED), known)


def _filmed(
    world: World, speaker: int, video: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, dict[int, str]]:
    """One video's faces, uint8 (found, size, size, 3), their sound, int16 (found, n), the faces'
    descriptors, and the mood of each segment, by its number, whose face is found."""
    person = speaker_traits(speaker, world.seed)
    seed = [world.seed, speaker, video]
    rng = np.random.default_rng(seed)
    moods = rng.choice(EMOTIONS, world.segments)
    voice = np.concatenate([_spoken(speaker, world.seed, mood, rng) for mood in moods])
    silent = np.zeros_like(voice)
    stretches = [
        Stretch(SEGMENT_S * n, SEGMENT_S * (n + 1), "", mood) for n, mood in enumerate(moods)
    ]
    mix = voice + sound.room_tone(len(voice), rng)
    script = Script(stretches, voice, silent, silent, mix)
    at_s = SEGMENT_S * (np.arange(world.segments) + 0.5)
    camera = Camera(person, guest_traits(0, world.seed, person), script, at_s, seed)
    crops = [_cut_out(camera.frame(n)) for n in range(world.segments)]
    found = {n: crop for n, crop in enumerate(crops) if crop is not None}
    size = Faces().size
    faces = np.array(list(found.values()), np.uint8).reshape(-1, size, size, 3)
    heard = [_heard(part) for n, part in enumerate(np.split(mix, world.segments)) if n in found]
    sounds = np.array(heard, np.int16).reshape(-1, SEGMENT_S * PACKED_HZ)
    return faces, sounds, described(faces), {n: str(moods[n]) for n in found}


def _spoken(speaker: int, seed: int, mood: str, rng: np.random.Generator) -> np.ndarray:
    person, samples = speaker_traits(speaker, seed), SEGMENT_S * RATE_HZ
    said = partial(speak, voice=voice_of(person), emotion=mood)
    parts: list[np.ndarray] = []
    while sum(map(len, parts)) < samples:
        pause = np.zeros(round(rng.uniform(0.15, 0.35) * RATE_HZ), np.float32)
        parts += [said(sentence(person.language, rng)), pause]
    return np.concatenate(parts)[:samples]


def _heard(part: np.ndarray) -> np.ndarray:
    pcm = (part.clip(-1, 1) * 32767).round().astype(np.int16)
    wanted = resampled(pcm, RATE_HZ, PACKED_HZ)[: SEGMENT_S * PACKED_HZ]
    return (wanted.clip(-1, 1) * 32767).round().astype(np.int16)


def _cut_out(frame: np.ndarray) -> np.ndarray | None:
    config = Faces()
    rgb = cv2.cvtColor(frame, cv2.COLOR_YUV2RGB_I420)
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    height, width = grey.shape
    small = None
    for times in (1, 2):
        scale = times * config.detect_width / width
        size = (round(width * scale), round(height * scale))
        small = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
        if found := detect(small, scale):
            return align(rgb, find_landmarks(rgb, found[0]), config.size, config.margin)[0]
    return None
