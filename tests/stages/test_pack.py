import hashlib
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.tables_builder import RATE_HZ, SIZE, Segment, Tables, write_media
from voiceface.errors import VoicefaceError
from voiceface.files import read_json, sha256_file
from voiceface.tables import FACES, PACKED, SPEECH


@pytest.fixture
def tables(tmp_path: Path) -> Tables:
    """Four speakers with two videos of four samples; one of each is not kept."""
    made = Tables(tmp_path)
    for speaker in range(4):
        for video in range(2):
            segments = [Segment(), Segment(scores={"brightness": 1.0}), Segment(), Segment()]
            made.add(f"file-{speaker}{video}", f"speaker{speaker}", segments)
    made.run_dataset()
    return made


@pytest.mark.parametrize("split", ["train", "test", "unseen"])
def test_the_arrays_are_the_source_s_pixels_and_sound(tables: Tables, split: str) -> None:
    folder = tables.run_pack(split)
    rows = [r for r in pq.read_table(tables.dataset).to_pylist() if r["split"] == split]
    faces, audio = np.load(folder / "faces.npy"), np.load(folder / "audio.npy")
    assert len(rows) >= 3
    assert (faces.shape, faces.dtype) == ((len(rows), SIZE, SIZE, 3), np.uint8)
    assert (audio.shape, audio.dtype) == ((len(rows), 4000), np.int16)
    digests = [hashlib.sha256(face.tobytes()).hexdigest() for face in faces]
    assert digests == [row["face_sha256"] for row in rows]
    digests = [hashlib.sha256(sound.tobytes()).hexdigest() for sound in audio]
    assert digests == [row["audio_sha256"] for row in rows]
    told = np.load(folder / "descriptors.npy")
    assert (told.shape, told.dtype) == ((len(rows), 128), np.float32)
    tables_of = {row["video"]: _descriptors(tables, row["video"]) for row in rows}
    assert (told == [tables_of[row["video"]][row["start_us"]] for row in rows]).all()
    packed = pq.read_table(folder / "samples.parquet")
    assert packed.schema.equals(PACKED)
    assert packed["sample"].to_pylist() == [row["sample"] for row in rows]


def _descriptors(tables: Tables, video: str) -> dict[int, np.ndarray]:
    """Those of a video's faces table, by the start of the segment."""
    faces = pq.read_table(tables.root / f"data/faces/{video}.parquet").to_pylist()
    return {row["start_us"]: np.array(row["descriptor"], np.float32) for row in faces}


def test_a_face_without_a_descriptor_has_none_of_numbers(tables: Tables) -> None:
    rows = pq.read_table(tables.dataset).to_pylist()
    first = next(row for row in rows if row["split"] == "train")
    path = tables.root / f"data/faces/{first['video']}.parquet"
    faces = pq.read_table(path).to_pylist()
    write_media(path, [row | {"descriptor": None} for row in faces], FACES)
    told = np.load(tables.run_pack("train") / "descriptors.npy")
    here = [row["video"] == first["video"] for row in rows if row["split"] == "train"]
    assert np.isnan(told).all(1).tolist() == here


def test_every_split_carries_the_classes_the_rates_and_the_digests(tables: Tables) -> None:
    rows = pq.read_table(tables.dataset).to_pylist()
    known = sorted({row["speaker"] for row in rows if row["split"] == "train"})
    for split in ("train", "test", "unseen"):
        folder = tables.run_pack(split)
        about = read_json(folder / "pack.json")
        parts = ("faces.npy", "audio.npy", "descriptors.npy", "samples.parquet")
        assert about == {
            "sample_rate_hz": RATE_HZ,
            "segment_samples": 4000,
            "size": SIZE,
            "speakers": known,
            "emotions": [],
            "count": sum(row["split"] == split for row in rows),
            "sha256": {part: sha256_file(folder / part) for part in parts},
        }


def test_each_of_several_faces_of_a_segment_is_packed_with_its_sound(tmp_path: Path) -> None:
    tables = Tables(tmp_path)
    tables.add("file-a", "ana", [Segment(), Segment(more_faces=2)])
    rows = tables.run_dataset()
    folder = tables.run_pack("train")
    faces, audio = np.load(folder / "faces.npy"), np.load(folder / "audio.npy")
    digests = [hashlib.sha256(face.tobytes()).hexdigest() for face in faces]
    assert digests == [row["face_sha256"] for row in rows]
    assert len(set(digests)) == 4
    assert [(audio[1] == other).all() for other in audio] == [False, True, True, True]


def test_an_empty_split_is_packed_with_its_sizes(tmp_path: Path) -> None:
    tables = Tables(tmp_path)
    tables.add("file-a", "ana", 1)
    tables.run_dataset()
    folder = tables.run_pack("unseen")
    assert np.load(folder / "faces.npy").shape == (0, SIZE, SIZE, 3)
    assert np.load(folder / "audio.npy").shape == (0, 4000)
    assert read_json(folder / "pack.json")["speakers"] == ["ana"]


def test_two_runs_give_the_same_bytes(tables: Tables) -> None:
    folder = tables.run_pack("train")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    tables.run_pack("train")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def damage(tables: Tables, part: str, change: dict[str, bytes], row: int = 2) -> str:
    """Put other bytes into one row of a train video's table; returns that row's sample."""
    rows = pq.read_table(tables.dataset).to_pylist()
    victim = next(r for r in rows if r["split"] == "train" and r["start_us"] // 250_000 == row)
    path = tables.root / f"data/{part}/{victim['video']}.parquet"
    table = pq.read_table(path).to_pylist()
    for column, data in change.items():
        table[row][column] = {"bytes": data, "path": None}
    schema = FACES if part == "faces" else SPEECH
    write_media(path, table, schema)
    return victim["sample"]


@pytest.mark.parametrize("data", [b"", b"\x89PNG\r\n\x1a\n", b"no picture"])
def test_a_damaged_picture_is_refused_by_name(tables: Tables, data: bytes) -> None:
    sample = damage(tables, "faces", {"face": data})
    with pytest.raises(VoicefaceError, match=f"the face of {sample} is damaged"):
        tables.run_pack("train")
    assert not list((tables.root / "data/packed/train").iterdir())


def test_damaged_sound_is_refused_by_name(tables: Tables) -> None:
    sample = damage(tables, "speech", {"audio": b"fLaC"})
    with pytest.raises(VoicefaceError, match=f"the audio of {sample} is damaged"):
        tables.run_pack("train")


def test_another_picture_than_was_seen_is_refused_by_name(tables: Tables) -> None:
    other = pq.read_table(tables.root / "data/faces/file-00.parquet")["face"][0].as_py()["bytes"]
    sample = damage(tables, "faces", {"face": other})
    with pytest.raises(VoicefaceError, match=f"{sample} is damaged \\(not what it was\\)"):
        tables.run_pack("train")


def test_a_missing_row_is_refused_by_name(tables: Tables) -> None:
    rows = pq.read_table(tables.dataset).to_pylist()
    victim = [row for row in rows if row["split"] == "train"][-1]
    path = tables.root / f"data/faces/{victim['video']}.parquet"
    write_media(path, pq.read_table(path).slice(0, 3).to_pylist(), FACES)
    with pytest.raises(VoicefaceError, match=f"{victim['sample']} is not there"):
        tables.run_pack("train")


def test_a_damaged_table_is_refused_by_name(tables: Tables) -> None:
    rows = pq.read_table(tables.dataset).to_pylist()
    victim = next(row for row in rows if row["split"] == "train")
    path = tables.root / f"data/speech/{victim['video']}.parquet"
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(VoicefaceError, match=rf"{victim['video']}\.parquet: damaged") as told:
        tables.run_pack("train")
    assert "\n" not in str(told.value)


def test_pictures_of_two_sizes_are_refused_by_name(tables: Tables) -> None:
    face = np.zeros((SIZE * 2, SIZE * 2, 3), np.uint8)
    tables.add("file-30", "speaker3", [Segment(), Segment(face=face), Segment(), Segment()])
    rows = tables.run_dataset()
    split = next(row["split"] for row in rows if row["video"] == "file-30")
    with pytest.raises(VoicefaceError, match=r"file-30_000000250 is \(64, 64, 3\), others are"):
        tables.run_pack(split)
