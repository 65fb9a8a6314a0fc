"""Faces stage: a good frame of the right time, its crop, its scores."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
import pytest

from tests.media_builder import make_media
from voiceface.config import Faces
from voiceface.demo.truth import TRUTH
from voiceface.files import read_table, write_table
from voiceface.media import faces as media_faces
from voiceface.outcome import Outcome, write_outcome
from voiceface.stages import faces
from voiceface.tables import FACES, SPEECH

SECOND = 1_000_000


def _run(folder: Path, media: Path, spans: list[tuple[int, int]], **settings: Any) -> list[Any]:
    """The rows of the faces table for given segments."""
    write_outcome(folder / "o.json", Outcome(video="file-1", status="ok"))
    sound = {"voiced": 1, "loudness_db": -20, "clipped": 0, "snr_db": 30, "speech": 1}
    sound |= {"second_voice": 0, "audio_sha256": "", "audio_marks": []}
    rows = [
        {"video": "file-1", "start_us": start, "end_us": end, "audio_prints": [], **sound}
        | {"audio": {"bytes": b"", "path": None}}
        for start, end in spans
    ]
    write_table(folder / "speech.parquet", pa.Table.from_pylist(rows, SPEECH))
    paths = [folder / name for name in ("o.json", "speech.parquet", "faces.parquet")]
    faces.run(Faces(**settings), media, *paths)
    return read_table(folder / "faces.parquet", FACES).to_pylist()


@pytest.fixture
def seen(tmp_path: Path, demo_world: Path) -> list[tuple[dict[str, Any], Any]]:
    """Each stretch of truth of the demo's videos of one speaker, with the face found in it."""
    found = []
    truth = read_table(demo_world / "truth.parquet", TRUTH).to_pylist()
    for media in sorted((demo_world / "demo-02").iterdir()):
        name = f"demo-02/{media.name}"
        own = [row for row in truth if row["file"] == name]
        own = [row for row in own if row["end_us"] - row["start_us"] > SECOND]
        rows = _run(tmp_path, media, [(row["start_us"], row["end_us"]) for row in own])
        found += list(zip(own, rows, strict=True))
    return found


def test_a_face_is_found_where_there_is_one_and_none_where_there_is_none(
    seen: list[tuple[dict[str, Any], Any]],
) -> None:
    clear = [row for truth, row in seen if truth["face"] == "main" and not truth["dark"]]
    assert len(clear) >= 4
    assert all(row["faces"] == 1 for row in clear)
    for truth, row in seen:
        if truth["face"] in ("none", "turned"):
            assert row["face"] is None
        if truth["face"] == "two":
            assert row["faces"] == 2


def test_the_crop_is_upright_with_its_landmarks_where_the_eyes_are(
    seen: list[tuple[dict[str, Any], Any]],
) -> None:
    row = next(row for truth, row in seen if truth["trouble"] == "")
    crop = cv2.imdecode(np.frombuffer(row["face"]["bytes"], np.uint8), cv2.IMREAD_COLOR)
    assert crop.shape == (128, 128, 3)
    points = np.array(row["landmarks"]).reshape(68, 2)
    left, right = points[36:42].mean(axis=0), points[42:48].mean(axis=0)
    assert abs(left[1] - right[1]) < 6  # level
    assert 25 < right[0] - left[0] < 80
    # The detector, run on the crop itself, puts the landmarks where the stage says they are.
    rgb = cv2.copyMakeBorder(crop, 64, 64, 64, 64, cv2.BORDER_REFLECT)[:, :, ::-1]
    rgb = np.ascontiguousarray(rgb)
    again = media_faces.find_landmarks(rgb, media_faces.find_faces(rgb, 256, 1)[0]) - 64
    assert np.abs(again - points).mean() < 4


def test_the_frame_lies_within_its_segment(seen: list[tuple[dict[str, Any], Any]]) -> None:
    for truth, row in seen:
        if row["frame_us"] is not None:
            assert truth["start_us"] <= row["frame_us"] < truth["end_us"]


def test_the_descriptor_may_be_left_out(tmp_path: Path, demo_world: Path) -> None:
    media = sorted((demo_world / "demo-01").iterdir())[0]
    (row,) = _run(tmp_path, media, [(0, 6 * SECOND)], descriptor=False, size=64)
    assert row["descriptor"] is None
    assert row["face_sha256"]
    crop = cv2.imdecode(np.frombuffer(row["face"]["bytes"], np.uint8), cv2.IMREAD_COLOR)
    assert crop.shape == (64, 64, 3)


def test_a_segment_without_picture_is_a_row_without_face(tmp_path: Path) -> None:
    media = make_media(tmp_path / "a.m4a", picture=None, seconds=5)
    (row,) = _run(tmp_path, media, [(0, 4 * SECOND)])
    assert row["faces"] == 0
    assert row["face"] is None
