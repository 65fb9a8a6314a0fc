"""Frames: which are decoded, and that each is the one that was shown at its time."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests.media_builder import make_media
from voiceface.media.frames import decode_looks, plan_looks

SECOND = 1_000_000
# Grey level = whole seconds × 20: a frame tells when it was shown.
CLOCK = "color=black:s=320x240:r={fps}:d={seconds},format=gray,geq=lum='20*floor(T+0.001)+16'"


def test_keyframes_inside_a_segment_are_taken_first() -> None:
    keyframes = [0, 1000, 2000, 3000, 4000]
    looks = plan_looks(keyframes, Fraction(1, 1000), [(0, 4 * SECOND)], 2)
    assert [look.time_us for look in looks] == [0, 1 * SECOND, 2 * SECOND, 3 * SECOND]
    assert all(look.time_us == look.keyframe * 1000 for look in looks)


def test_of_many_keyframes_those_spread_over_the_segment_are_taken() -> None:
    looks = plan_looks(list(range(0, 4000, 100)), Fraction(1, 1000), [(0, 4 * SECOND)], 2)
    assert [look.time_us for look in looks] == [1 * SECOND, 3 * SECOND]


def test_without_keyframes_inside_it_is_decoded_forward_from_the_one_before() -> None:
    looks = plan_looks([0, 10_000], Fraction(1, 1000), [(4 * SECOND, 8 * SECOND)], 2)
    assert [(look.keyframe, look.time_us) for look in looks] == [(0, 5 * SECOND), (0, 7 * SECOND)]


def test_a_segment_before_the_first_picture_is_not_looked_at() -> None:
    assert plan_looks([5000], Fraction(1, 1000), [(0, 4 * SECOND)], 2) == []


@pytest.mark.parametrize("fps", ["25", "30000/1001", "24000/1001", "60"])
@pytest.mark.parametrize("keyframe_every", [10, 1000])
def test_a_frame_is_the_one_shown_at_its_time(
    tmp_path: Path, fps: str, keyframe_every: int
) -> None:
    media = make_media(
        tmp_path / "a.mp4", picture=CLOCK, fps=fps, seconds=9, keyframe_every=keyframe_every
    )
    spans = [(0, 4 * SECOND), (4 * SECOND + 500_000, 8 * SECOND + 500_000)]
    frames = list(decode_looks(media, spans, 2, 160))
    assert sorted(frame.segment for frame in frames) == [0, 0, 1, 1]
    for frame in frames:
        start, end = spans[frame.segment]
        assert start <= frame.time_us < end
        shown = (float(frame.rgb.mean()) - 16) / 20
        assert round(shown) == (frame.time_us + 1000) // SECOND


def test_a_display_matrix_turns_the_picture_upright(tmp_path: Path) -> None:
    half = "color=black:s=320x240:r=25:d=2,drawbox=0:0:160:240:white:fill"
    upright = make_media(tmp_path / "a.mp4", picture=half, seconds=2)
    turned = make_media(tmp_path / "b.mp4", remux_of=upright, rotate=90)
    with av.open(str(turned)) as container:
        assert container.streams.video[0].height == 240  # stored as it was
    (frame,) = decode_looks(turned, [(0, SECOND)], 1, 160)
    assert frame.rgb.shape == (320, 240, 3)
    # ffmpeg's rotation of 90 degrees is counter-clockwise: the left half is shown at the bottom.
    assert frame.rgb[:100].mean() < 30
    assert frame.rgb[-100:].mean() > 220


def test_pixels_are_made_square(tmp_path: Path) -> None:
    media = make_media(
        tmp_path / "a.mp4", picture="testsrc=s=360x288:r=25:d=2,setsar=16/15", seconds=2
    )
    (frame,) = decode_looks(media, [(0, SECOND)], 1, 160)
    assert frame.rgb.shape == (288, 384, 3)


def test_a_frozen_picture_does_not_move_and_a_moving_one_does(tmp_path: Path) -> None:
    moving = make_media(tmp_path / "a.mp4", picture="testsrc2=s=320x240:r=25:d=2", seconds=2)
    frozen = make_media(
        tmp_path / "b.mp4", picture="testsrc2=s=320x240:r=25:d=0.04,loop=50:1", seconds=2
    )
    (moved,) = decode_looks(moving, [(0, SECOND)], 1, 320)
    (still,) = decode_looks(frozen, [(0, SECOND)], 1, 320)
    assert moved.motion is not None
    assert still.motion is not None
    assert moved.motion > 0.5 > 0.05 > still.motion


def test_a_damaged_stretch_costs_only_its_own_frames(tmp_path: Path) -> None:
    media = make_media(
        tmp_path / "a.ts", picture="testsrc2=s=320x240:r=25:d=8", seconds=8, keyframe_every=25
    )
    data = bytearray(media.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 20_000] = np.random.default_rng(0).bytes(20_000)
    media.write_bytes(data)
    start = round(1.4 * SECOND)
    spans = [(start, start + 2 * SECOND), (start + 6 * SECOND, start + 7 * SECOND)]
    assert {frame.segment for frame in decode_looks(media, spans, 1, 160)} == {0, 1}


def test_sound_alone_gives_no_frames(tmp_path: Path) -> None:
    media = make_media(tmp_path / "a.m4a", picture=None, sound="sine=d=1", seconds=1)
    assert list(decode_looks(media, [(0, SECOND)], 2, 160)) == []


@pytest.mark.parametrize(
    ("codec", "pixels", "name"),
    [
        ("libx264", "yuv420p10le", "a.mkv"),
        ("libx265", "yuv420p", "a.mp4"),
        ("libvpx-vp9", "yuv420p", "a.webm"),
        ("libsvtav1", "yuv420p", "a.mkv"),
        ("mpeg1video", "yuv420p", "a.mpg"),
    ],
)
def test_the_codecs_of_the_web_are_read(tmp_path: Path, codec: str, pixels: str, name: str) -> None:
    media = make_media(
        tmp_path / name, picture="testsrc=s=322x240:r=25:d=2", seconds=2, codec=codec, pixels=pixels
    )
    start = 540_000 if name.endswith("mpg") else 0
    frame = next(decode_looks(media, [(start, start + SECOND)], 1, 160))
    assert frame.rgb.shape == (240, 322, 3)
    assert frame.rgb.std() > 30
