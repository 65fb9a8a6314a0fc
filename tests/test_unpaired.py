"""Sound and pictures joined by identity: who goes with whom, and what follows from it."""

import base64
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.tables_builder import OUTSIDE_US, SEGMENT_US, Segment, Tables
from voiceface.config import Dataset, Gather
from voiceface.files import read_table
from voiceface.ids import content_digest
from voiceface.reporting.pictures import thumbnail
from voiceface.tables import FUNNEL

Row = dict[str, Any]


@pytest.fixture
def tables(tmp_path: Path) -> Tables:
    return Tables(tmp_path)


def faces_of(rows: list[Row]) -> dict[str, str]:
    return {row["sample"]: row["face_sha256"] for row in rows}


def test_sound_gets_a_face_of_its_speaker_and_pictures_do_not_stay(tables: Tables) -> None:
    tables.add("file-a", "ana", 3, kind="sound")
    tables.add("pictures-a", "ana", 4, kind="pictures")
    tables.add("file-b", "bo", 2, kind="sound")
    tables.add("pictures-c", "cy", 2, kind="pictures")
    rows = tables.run_manifest()
    assert [row["video"] for row in rows] == ["file-a"] * 3 + ["file-b"] * 2
    for row in rows[:3]:
        assert (row["flags"], row["fate"], row["clean"]) == ([], "kept", True)
        assert row["face_video"] == "pictures-a"
        assert row["sample"].startswith("file-a_")
        assert row["content"] == content_digest(row["face_sha256"], row["audio_sha256"])
        there = pq.read_table(tables.root / "data/faces/pictures-a.parquet").to_pylist()
        [face] = [one for one in there if one["start_us"] == row["face_start_us"]]
        assert face["face_sha256"] == row["face_sha256"]
    for row in rows[3:]:
        assert (row["flags"], row["face_video"]) == (["no_face"], "file-b")


def test_the_report_shows_the_face_of_the_picture(tables: Tables) -> None:
    tables.add("file-a", "ana", 1, kind="sound")
    shown = Segment(face=np.full((32, 32, 3), (200, 40, 90), np.uint8))
    tables.add("pictures-a", "ana", [shown], kind="pictures")
    [row] = tables.run_manifest()
    uri = thumbnail(row, tables.root / "data/faces")
    webp = np.frombuffer(base64.b64decode(uri.split(",")[1]), np.uint8)
    picture = cv2.imdecode(webp, cv2.IMREAD_COLOR)
    assert picture is not None
    assert np.abs(picture[:, :, ::-1].mean((0, 1)) - (200, 40, 90)).max() < 8


def test_flags_are_those_of_the_sound_and_of_the_face(tables: Tables) -> None:
    quiet = Segment(scores={"loudness_db": -90.0})
    tables.add("file-a", "ana", [quiet, Segment()], kind="sound")
    dark = Segment(scores={"brightness": 1.0})
    tables.add("pictures-a", "ana", [dark], kind="pictures")
    assert [row["flags"] for row in tables.run_manifest()] == [["dark", "quiet"], ["dark"]]
    tables.add("pictures-b", "ana", 1, kind="pictures")  # a clean face goes before a dark one
    assert [row["flags"] for row in tables.run_manifest()] == [["quiet"], []]


def test_sound_that_is_there_twice_is_so_without_a_picture_too(tables: Tables) -> None:
    sound = tables.sound()
    tables.add("file-a", "ana", [Segment(sound=sound)], kind="sound")
    tables.add("file-b", "ana", [Segment(sound=sound), Segment()], kind="sound")
    tables.add("pictures-a", "ana", 5, kind="pictures")
    assert [row["flags"] for row in tables.run_manifest()] == [[], ["duplicate"], []]


def test_a_stranger_among_the_pictures_is_not_drawn(tables: Tables) -> None:
    stranger = Segment(descriptor=tables.rng.normal(0, 0.1, 128))
    tables.add("file-a", "ana", 12, kind="sound")
    tables.add("pictures-a", "ana", [Segment(), stranger, Segment(), Segment()], kind="pictures")
    starts = {row["face_start_us"] for row in tables.run_manifest()}
    assert starts <= {0, 2 * SEGMENT_US, 3 * SEGMENT_US}
    assert len(starts) > 1


def test_faces_of_videos_are_for_their_own_sound_unless_told_otherwise(tables: Tables) -> None:
    tables.add("file-a", "ana", 2, kind="sound")
    tables.add("file-v", "ana", [Segment(scores={"snr_db": -9.0}), Segment()])
    flags = [row["flags"] for row in tables.run_manifest()]
    assert flags == [["no_face"], ["no_face"], ["noise_or_music"], []]
    rows = tables.run_manifest(Gather(pair_by_identity=True))
    assert [row["face_video"] for row in rows] == ["file-v"] * 4
    # What is against the other sound is nothing against the face.
    assert [row["flags"] for row in rows] == [[], [], ["noise_or_music"], []]
    assert [row["face_start_us"] for row in rows[2:]] == [0, SEGMENT_US]


def test_the_funnel_counts_the_time_of_sound_alone(tables: Tables) -> None:
    tables.add("file-a", "ana", 3, kind="sound")
    tables.add("pictures-a", "ana", 9, kind="pictures")
    tables.run_manifest()
    funnel = read_table(tables.root / "manifests/funnel.parquet", FUNNEL).to_pylist()
    times = {(row["video"], row["reason"]): row["duration_us"] for row in funnel}
    outside = {("file-a", reason): time for reason, time in OUTSIDE_US.items()}
    assert times == {("file-a", "kept"): 3 * SEGMENT_US, **outside}


def test_the_draw_is_the_same_on_each_build_and_another_with_another_seed(tables: Tables) -> None:
    for number in range(4):
        tables.add(f"file-{number}", "ana", 5, kind="sound")
    tables.add("pictures-a", "ana", 30, kind="pictures")
    first = faces_of(tables.run_manifest())
    assert faces_of(tables.run_manifest()) == first
    assert faces_of(tables.run_manifest(Gather(pair_seed=1))) != first
    assert len(set(first.values())) > 8


def test_what_is_added_changes_little(tables: Tables) -> None:
    for number in range(6):
        tables.add(f"file-{number}", "ana", 10, kind="sound")
    tables.add("pictures-a", "ana", 60, kind="pictures")
    before = faces_of(tables.run_manifest())
    tables.add("pictures-b", "ana", 1, kind="pictures")
    tables.add("file-new", "bo", 3, kind="sound")
    after = faces_of(tables.run_manifest())
    assert sum(before[sample] != after[sample] for sample in before) <= 10
    tables.add("file-6", "ana", 10, kind="sound")
    after = faces_of(tables.run_manifest())
    assert sum(before[sample] != after[sample] for sample in before) < len(before) / 2


def test_recordings_share_no_face_while_there_are_enough(tables: Tables) -> None:
    for number in range(5):
        tables.add(f"file-{number}", "ana", 6, kind="sound")
    tables.add("pictures-a", "ana", 80, kind="pictures")
    owners: dict[str, set[str]] = {}
    for row in tables.run_manifest():
        owners.setdefault(row["face_sha256"], set()).add(row["video"])
    assert max(map(len, owners.values())) == 1


def test_the_dataset_of_joined_people_has_splits_that_share_no_face_and_packs(
    tables: Tables,
) -> None:
    for speaker in ("ana", "bo", "cy", "di"):
        for number in range(4):
            tables.add(f"file-{speaker}{number}", speaker, 3, kind="sound")
        twin = tables.face()
        pictures = [Segment(face=twin), Segment(face=twin), *[Segment() for _ in range(30)]]
        tables.add(f"pictures-{speaker}", speaker, pictures, kind="pictures")
    rows = tables.run_dataset()
    assert len(rows) == 48
    assert {row["split"] for row in rows} == {"train", "test", "unseen"}
    for split in ("train", "test", "unseen"):
        folder = tables.run_pack(split)
        count = sum(row["split"] == split for row in rows)
        assert np.load(folder / "faces.npy").shape == (count, 32, 32, 3)


def test_sound_is_in_the_split_of_the_video_that_its_faces_are_of(tables: Tables) -> None:
    for speaker in ("ana", "bo"):
        for number in range(4):
            tables.add(f"file-{speaker}{number}", speaker, 6)
        for number in range(2):
            tables.add(f"file-{speaker}-sound{number}", speaker, 6, kind="sound")
    tables.run_manifest(Gather(pair_by_identity=True))
    tables.split(Dataset(test_fraction=0.3, unseen_fraction=0.0))
    rows = pq.read_table(tables.dataset).to_pylist()
    assert len(rows) == 2 * 6 * 6
    splits = {row["video"]: row["split"] for row in rows}
    assert all(splits[row["face_video"]] == row["split"] for row in rows)
    assert len({(row["speaker"], row["split"]) for row in rows}) == 4
