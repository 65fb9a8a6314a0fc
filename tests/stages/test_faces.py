"""Faces stage: a good frame of the right time, its crop, its scores."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pyarrow as pa
import pytest

from tests.builders import drawn_face, find_faces
from tests.flash_builder import ffmpeg
from tests.media_builder import make_media
from voiceface.config import Faces
from voiceface.demo.truth import TRUTH, picture_is_good
from voiceface.files import read_table, write_table
from voiceface.media import faces as media_faces
from voiceface.media import quality
from voiceface.media.audio import to_flac
from voiceface.media.frames import Frame, decode_looks
from voiceface.media.watch import Sight
from voiceface.outcome import Outcome, write_outcome
from voiceface.stages import faces
from voiceface.tables import FACES, SPEECH

SECOND = 1_000_000


def _run(
    folder: Path,
    media: Path,
    spans: list[tuple[int, int]],
    flac: bytes = b"",
    voices: dict[int, float] | None = None,
    **settings: Any,
) -> list[Any]:
    """The rows of the faces table for given segments; `voices`: of those that differ by so much."""
    write_outcome(folder / "o.json", Outcome(video="file-1", status="ok"))
    sound = {"voiced": 1, "loudness_db": -20, "clipped": 0, "snr_db": 30, "speech": 1}
    sound |= {"second_voice": 0, "voice_change": 0, "audio_sha256": "", "audio_marks": []}
    rows = [
        {"video": "file-1", "start_us": start, "end_us": end, "audio_prints": [], **sound}
        | {"audio": {"bytes": flac, "path": None}}
        | {"voice_print": [(voices or {}).get(number, 0.0)] * 32}
        for number, (start, end) in enumerate(spans)
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
    clear = [row for truth, row in seen if picture_is_good(truth)]
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
    again = media_faces.find_landmarks(rgb, find_faces(rgb, 256)[0]) - 64
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


@pytest.mark.parametrize("size", [64, 256])
def test_several_faces_of_a_segment_are_rows_of_their_own(
    tmp_path: Path, demo_world: Path, size: int
) -> None:
    media = sorted((demo_world / "demo-01").iterdir())[0]
    spans = [(round(2.6 * SECOND), round(6.6 * SECOND)), (7 * SECOND, 9 * SECOND)]
    rows = _run(tmp_path, media, spans, per_segment=3, size=size, descriptor=False)
    first = [row for row in rows if row["start_us"] == spans[0][0]]
    assert len(first) >= 2
    assert [row["face_number"] for row in first] == list(range(len(first)))
    times = sorted(row["frame_us"] for row in first)
    assert min(np.diff(times)) >= SECOND // 2
    assert first[0]["frame_score"] == max(row["frame_score"] for row in first)
    assert len({row["face_sha256"] for row in first}) == len(first)
    for row in first:
        crop = cv2.imdecode(np.frombuffer(row["face"]["bytes"], np.uint8), cv2.IMREAD_COLOR)
        assert crop.shape == (size, size, 3)
        assert len(row["face_print"]) == 32
        assert row["outside"] == 0
        assert row["mouth_motion"] == first[0]["mouth_motion"] is not None


def _face_png(folder: Path, *size_and_left: tuple[int, int]) -> Path:
    picture = np.full((360, 640, 3), 90, np.uint8)
    for size, left in size_and_left or [(220, 200)]:
        face = drawn_face(np.full(8, 0.5), np.random.default_rng(0), size)
        picture[70 : 70 + size, left : left + size] = face
    cv2.imwrite(str(folder / "face.png"), picture[:, :, ::-1])
    return folder / "face.png"


def _run_silent(folder: Path, media: Path, clips: str = "") -> list[Any]:
    """The rows of a video without sound, with what its download's record says."""
    with av.open(str(media)) as container:
        known = {"video_codec": "h264", "duration_us": container.duration}
    write_outcome(folder / "o.json", Outcome(video="file-1", status="ok", **known))
    write_table(folder / "speech.parquet", pa.Table.from_pylist([], SPEECH))
    paths = [folder / name for name in ("o.json", "speech.parquet", "faces.parquet")]
    faces.run(Faces(descriptor=False), media, *paths, clips)
    return read_table(folder / "faces.parquet", FACES).to_pylist()


@pytest.mark.parametrize(
    ("clips", "starts"),
    [("", [0, 4, 8, 12]), ("0-4", [0]), ("2-6.5;9-99", [2, 9]), ("1-4", []), ("90-99", [])],
)
def test_faces_of_a_silent_video_lie_within_clips(
    tmp_path: Path, clips: str, starts: list[int]
) -> None:
    media = make_media(tmp_path / "a.mp4", sound=None, seconds=16, keyframe_every=25)
    rows = _run_silent(tmp_path, media, clips)
    assert [row["start_us"] for row in rows] == [at * SECOND for at in starts]
    assert all(row["end_us"] - row["start_us"] == 4 * SECOND for row in rows)


def test_a_silent_video_s_faces_are_looked_for_where_its_clock_begins(tmp_path: Path) -> None:
    still = f"movie={_face_png(tmp_path)},loop=200:1:0,setpts=N/25/TB"
    early = make_media(tmp_path / "a.mp4", picture=still, sound=None, keyframe_every=25)
    late = ("-i", str(early), "-c", "copy", "-output_ts_offset", "100")
    media = ffmpeg(tmp_path / "a.ts", *late)
    rows = _run_silent(tmp_path, media)
    assert [row["faces"] for row in rows] == [1, 1]
    assert rows[0]["start_us"] > 100 * SECOND
    assert rows[0]["start_us"] <= rows[0]["frame_us"] < rows[0]["end_us"]


def test_a_silent_video_of_one_frame_gives_its_face(tmp_path: Path) -> None:
    media = make_media(tmp_path / "a.mp4", picture=f"movie={_face_png(tmp_path)}", sound=None)
    (row,) = _run_silent(tmp_path, media)
    assert (row["faces"], row["start_us"]) == (1, 0)


def test_of_two_faces_the_one_is_taken_at_the_place_that_the_clip_tells(tmp_path: Path) -> None:
    still = f"movie={_face_png(tmp_path, (220, 20), (160, 420))},loop=200:1:0,setpts=N/25/TB"
    media = make_media(tmp_path / "a.mp4", picture=still, sound=None, keyframe_every=25)
    rows = _run_silent(tmp_path, media, "0-4@0.2x0.5;4-8@0.78x0.42")
    assert [row["faces"] for row in rows] == [2, 2]
    assert [row["face_px"] for row in rows] == pytest.approx([159, 114], abs=3)


def _sight(traits: list[float]) -> Sight:
    picture = np.full((360, 360, 3), 90, np.uint8)
    picture[70:290, 70:290] = drawn_face(np.array(traits), np.random.default_rng(0), 220)
    frame = Frame(0, 0, True, av.VideoFrame.from_ndarray(picture, "rgb24"), Fraction(1))
    (face,) = find_faces(picture)
    landmarks = media_faces.find_landmarks(picture, face)
    return Sight(frame, face, landmarks, media_faces.thumb(frame.luma, landmarks, 64), 1.0)


def test_who_is_farthest_from_the_face_counts_not_who_looks_least_like_it() -> None:
    own = _sight([0.5] * 8)
    unlike = _sight([0.95, 0.05, 0.05, 0.95, 0.95, 0.95, 0.95, 0.95])
    other = _sight([0.05, 0.95, 0.95, 0.95, 0.95, 0.95, 0.95, 0.05])
    likeness = [quality.likeness(own.thumb, look.thumb) for look in (unlike, other)]
    assert likeness[0] < likeness[1] < 0.8
    chip = media_faces.descriptor_chip(own.frame.rgb, own.landmarks)
    change = [
        faces._described(chip, own, looks)["face_change"]
        for looks in ([own], [unlike], [other], [own, unlike, other])
    ]
    assert change[0] == 0
    assert change[1] < change[2] - 0.05
    assert change[3] == pytest.approx(change[2], abs=1e-4)


def test_sharpness_hardly_depends_on_the_size_of_the_crop(tmp_path: Path) -> None:
    still = f"movie={_face_png(tmp_path)},loop=100:1:0,setpts=N/25/TB"
    media = make_media(tmp_path / "a.mp4", picture=still, seconds=4, keyframe_every=25)
    sharpness = {}
    for size in (64, 128, 256):
        (row,) = _run(tmp_path, media, [(0, 4 * SECOND)], descriptor=False, size=size)
        sharpness[size] = row["sharpness"]
    assert sharpness[256] == pytest.approx(sharpness[128], rel=0.4)
    assert 0.1 * sharpness[128] < sharpness[64] < sharpness[128]  # it has lost detail


def test_a_still_picture_neither_moves_nor_talks(tmp_path: Path) -> None:
    still = f"movie={_face_png(tmp_path)},loop=100:1:0,setpts=N/25/TB"
    media = make_media(tmp_path / "a.mp4", picture=still, seconds=4, keyframe_every=25)
    (row,) = _run(tmp_path, media, [(0, 4 * SECOND)], descriptor=False)
    assert row["motion"] < 0.05
    assert row["mouth_motion"] < 0.005
    assert row["other_mouth_motion"] is None


def test_a_mouth_is_watched_for_longer_where_the_voice_is_no_usual_one(
    tmp_path: Path, demo_world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    truth = read_table(demo_world / "truth.parquet", TRUTH).to_pylist()
    clear = next(
        row
        for row in truth
        if picture_is_good(row) and row["end_us"] - row["start_us"] > 4.3 * SECOND
    )
    media = demo_world / clear["file"]
    begin = clear["start_us"] + 200_000
    spans = [(begin + n * SECOND, begin + (n + 1) * SECOND) for n in range(4)]
    flac = to_flac(np.random.default_rng(0).integers(-9, 9, 16000).astype(np.int16), 16000)
    numbers: list[int] = []

    def counted(*arguments: Any) -> Iterator[Frame]:
        for frame in decode_looks(*arguments):
            numbers.append(frame.segment)
            yield frame

    monkeypatch.setattr(faces, "decode_looks", counted)
    seen = []
    for voices in ({}, {2: 1.0}):
        numbers.clear()
        _run(tmp_path, media, spans, flac, voices)
        seen.append(np.bincount(numbers, minlength=4))
    longer = seen[1] - seen[0]
    assert longer[2] > 0
    assert not np.delete(longer, 2).any()
