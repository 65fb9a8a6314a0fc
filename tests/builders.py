"""Builders of synthetic data for the tests: small, seeded, and read by the real code."""

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa

from voiceface import files
from voiceface.media.faces import Face, detect
from voiceface.tables import DESCRIPTOR, PACKED

RATE_HZ = 16_000


def packed_dataset(
    folder: Path,
    *,
    speakers: int = 3,
    per_speaker: int = 8,
    test_per_speaker: int = 3,
    unseen_speakers: int = 1,
    size: int = 128,
    seed: int = 0,
    emotions: tuple[str, ...] = (),
) -> Path:
    """Write a packed dataset of drawn faces and hummed voices; each speaker has one of each.

    Speakers are female and male in turn, samples of each emotion: the mouth opens, and the pitch
    rises, from the first emotion to the last.

    Returns `folder`, which then holds train/, test/ and unseen/ (0 rows where a count is 0).
    """
    rng = np.random.default_rng(seed)
    names = [f"speaker{number}" for number in range(speakers + unseen_speakers)]
    traits = {name: rng.random(8) for name in names}
    known, unseen = names[:speakers], names[speakers:]
    for split, people, count in [
        ("train", known, per_speaker),
        ("test", known, test_per_speaker),
        ("unseen", unseen, test_per_speaker),
    ]:
        rows = [(name, number) for name in people for number in range(count)]
        moods = [number % max(1, len(emotions)) / max(1, len(emotions) - 1) for _, number in rows]
        with_moods = list(zip((traits[name] for name, _ in rows), moods, strict=True))
        faces = [drawn_face(one, rng, size, mood) for one, mood in with_moods]
        sounds = [hummed_voice(one, rng, mood=mood) for one, mood in with_moods]
        told = [described_face(traits[name], number) for name, number in rows]
        _write_split(folder / split, known, rows, faces, sounds, told, size, emotions)
    return folder


def drawn_face(
    traits: np.ndarray, rng: np.random.Generator, size: int = 128, mood: float = 0
) -> np.ndarray:
    """A face that dlib's HOG detector finds: uint8 (size, size, 3), RGB, aligned with jitter.

    Args:
        mood: 0 to 1, how far the mouth is open.
    """
    scale = 4 * size / 128  # drawn four times as large, then shrunk: smooth edges

    def at(x: float, y: float) -> tuple[int, int]:
        return round((x + shift[0]) * scale), round((y + shift[1]) * scale)

    def ellipse(x: float, y: float, wide: float, high: float, colour: np.ndarray) -> None:
        axes = (max(1, round(wide * scale)), max(1, round(high * scale)))
        shade = tuple(float(c) for c in colour)
        cv2.ellipse(picture, at(x, y), axes, 0, 0, 360, shade, -1, cv2.LINE_AA)

    shift = rng.normal(0, 1.0, 2)
    skin = np.array([150 + 90 * traits[0], 100 + 90 * traits[1], 70 + 90 * traits[2]])
    hair = np.array([40, 30, 25]) + 120 * traits[3] * np.array([1, 0.8, 0.3])
    back = 60 + 150 * traits[4:7]
    picture = np.empty((round(128 * scale), round(128 * scale), 3), np.float32)
    picture[:] = back
    wide, eye_y = 36 + 8 * traits[7], 54.0
    ellipse(64, 52, wide + 6, 52, hair)
    ellipse(64, 70, wide, 50, skin)
    ellipse(64, 70, wide * 0.8, 42, skin * 1.06)
    for side in (-1, 1):
        ellipse(64 + side * 17, eye_y - 10, 10, 2.5, hair * 0.6)
        ellipse(64 + side * 17, eye_y + 1, 9, 5.5, skin * 0.72)
        ellipse(64 + side * 17, eye_y + 1, 7.5, 4, np.array([240, 240, 240]))
        ellipse(64 + side * 17, eye_y + 1, 3.5, 3.8, np.array([40, 30, 30]))
        ellipse(64 + side * 4, 80, 2.5, 1.8, skin * 0.5)
    ellipse(64, 70, 3.5, 12, skin * 0.85)
    ellipse(66, 69, 2, 11, skin * 1.1)
    ellipse(64, 95, 14, 3 + 3 * float(rng.random()) + 9 * mood, skin * np.array([0.75, 0.45, 0.45]))
    picture = cv2.GaussianBlur(picture, (0, 0), scale)
    picture = cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA)
    noise = rng.normal(0, 3, picture.shape)
    return np.clip(picture * (1 + rng.normal(0, 0.03)) + noise, 0, 255).astype(np.uint8)


def hummed_voice(
    traits: np.ndarray, rng: np.random.Generator, seconds: float = 4, mood: float = 0
) -> np.ndarray:
    """A pitch with harmonics and syllables: int16 (seconds × 16,000,).

    Args:
        mood: 0 to 1, by how much of two fifths the pitch is raised.
    """
    time = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    pitch = (90 + 160 * traits[7] + 40 * traits[0]) * (1 + 0.4 * mood)
    phase = 2 * np.pi * pitch * (1 + rng.normal(0, 0.02)) * time + 0.5 * np.sin(
        2 * np.pi * 5 * time
    )
    tilt = 0.5 + traits[3]
    hum = sum(np.sin(k * phase + rng.uniform(0, 6.28)) / k**tilt for k in range(1, 9))
    loudness = 0.6 + 0.4 * np.sin(2 * np.pi * (3 + traits[1]) * time + rng.uniform(0, 6.28))
    sound = 0.12 * hum * loudness + 0.005 * rng.normal(size=time.size)
    return np.clip(sound * 32767, -32768, 32767).astype(np.int16)


def described_face(traits: np.ndarray, number: int) -> np.ndarray:
    """Something like dlib's descriptor of a face: float64 (128,), alike for all of a person's."""
    person = np.random.default_rng(int(1e6 * traits[0])).normal(0, 0.06, DESCRIPTOR)
    return 0.1 + person + np.random.default_rng(number).normal(0, 0.02, DESCRIPTOR)


def _write_split(
    folder: Path,
    speakers: list[str],
    rows: list[tuple[str, int]],
    faces: list[np.ndarray],
    sounds: list[np.ndarray],
    descriptors: list[np.ndarray],
    size: int,
    emotions: tuple[str, ...],
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    segment = 4 * RATE_HZ
    np.save(folder / "faces.npy", np.array(faces, np.uint8).reshape(-1, size, size, 3))
    np.save(folder / "audio.npy", np.array(sounds, np.int16).reshape(-1, segment))
    told = np.array(descriptors, np.float32).reshape(-1, DESCRIPTOR)
    np.save(folder / "descriptors.npy", told)
    table = pa.table(
        {
            "sample": [f"file-{name}_{number * 4000:09d}" for name, number in rows],
            "speaker": [name for name, _ in rows],
            "gender": [("female", "male")[int(name[-1]) % 2] for name, _ in rows],
            "emotion": [emotions[n % len(emotions)] if emotions else "" for _, n in rows],
            "video": [f"file-{name}" for name, _ in rows],
            "face_video": [f"file-{name}" for name, _ in rows],
        },
        schema=PACKED,
    )
    files.write_table(folder / "samples.parquet", table)
    parts = ("faces.npy", "audio.npy", "descriptors.npy", "samples.parquet")
    card = {
        "sample_rate_hz": RATE_HZ,
        "segment_samples": segment,
        "size": size,
        "speakers": speakers,
        "emotions": sorted(emotions),
        "count": len(rows),
        "sha256": {part: files.sha256_file(folder / part) for part in parts},
    }
    (folder / "pack.json").write_text(json.dumps(card))


def trained_model(folder: Path, packed: Path, *, steps: int = 2) -> Path:
    """Train a Wav2Pix for a few small steps into `folder`/wav2pix, without its checkpoint.

    Returns `folder`.
    """
    from voiceface.model_config import Train, Wav2pix
    from voiceface.training.engine import train

    output = folder / "wav2pix"
    train(Train(device="cpu"), "wav2pix", Wav2pix(steps=steps, batch=4), packed, output)
    shutil.rmtree(output / "checkpoint")  # 200 MB
    return folder


def find_faces(rgb: np.ndarray, longer: int = 320) -> list[Face]:
    """Faces in a picture (height, width, 3) scaled to a longer side of so many pixels."""
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    scale = longer / max(grey.shape)
    small = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return detect(small, scale)
