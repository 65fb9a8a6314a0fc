"""Frames: which are decoded, and that each is the one that was shown at its time."""

import gc
import os
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from tests.media_builder import make_media
from voiceface.media import frames as frames_module
from voiceface.media.changes import find_changes
from voiceface.media.frames import Frame, Look, _decode_group, decode_looks, plan_looks

SECOND = 1_000_000
# Grey level = whole seconds × 20: a frame tells when it was shown.
CLOCK = "color=black:s=320x240:r={fps}:d={seconds},format=gray,geq=lum='20*floor(T+0.001)+16'"


def _full(looks: list[Look]) -> list[int]:
    return sorted({look.time_us for look in looks if look.full})


def test_keyframes_inside_a_segment_are_looked_at() -> None:
    keyframes = [0, 1000, 2000, 3000, 4000]
    looks = plan_looks(keyframes, Fraction(1, 1000), [(0, 4 * SECOND)], 2)
    assert _full(looks) == [1 * SECOND, 2 * SECOND, 3 * SECOND]
    assert all(look.time_us == look.keyframe * 1000 for look in looks if look.full)


def test_of_many_keyframes_those_spread_over_the_segment_are_taken() -> None:
    looks = plan_looks(list(range(0, 4000, 100)), Fraction(1, 1000), [(0, 4 * SECOND)], 2)
    first, second = _full(looks)
    assert first <= 1.2 * SECOND
    assert second >= 2.7 * SECOND


def test_without_keyframes_inside_it_is_decoded_forward_from_the_one_before() -> None:
    looks = plan_looks([0, 10_000], Fraction(1, 1000), [(4 * SECOND, 8 * SECOND)], 2)
    assert {look.keyframe for look in looks} == {0}
    assert len(_full(looks)) == 2


def test_each_stretch_between_changes_is_looked_at() -> None:
    changes = [round(0.8 * SECOND), round(3.4 * SECOND)]
    looks = plan_looks([0, 2000], Fraction(1, 1000), [(0, 4 * SECOND)], 2, changes)
    first, second, third = 0, 0, 0
    for time_us in _full(looks):
        first += time_us < changes[0]
        second += changes[0] < time_us < changes[1]
        third += time_us > changes[1]
    assert min(first, second, third) > 0


def test_a_burst_follows_a_look_and_stays_in_its_stretch() -> None:
    looks = plan_looks([0, 2000], Fraction(1, 1000), [(0, 4 * SECOND)], 2, [2_400_000])
    burst = [look.time_us for look in looks if not look.full]
    assert len(burst) >= 6
    for time_us in burst:
        assert any(0 < time_us - full < 1.3 * SECOND for full in _full(looks))
    assert max(burst) < 4 * SECOND


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
    frames = list(decode_looks(media, spans, 2))
    assert [sum(frame.full for frame in frames if frame.segment == n) for n in (0, 1)] >= [2, 2]
    for frame in frames:
        start, end = spans[frame.segment]
        assert start <= frame.time_us < end
        shown = (float(frame.rgb.mean()) - 16) / 20
        assert round(shown) == (frame.time_us + 1000) // SECOND


def test_where_no_more_is_wanted_nothing_is_decoded_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    media = make_media(
        tmp_path / "a.mp4", picture=CLOCK, sound=None, fps="25", seconds=9, keyframe_every=10
    )
    decoded: list[bool] = []

    def counted(*arguments: Any) -> Iterator[Frame]:
        decoded.append(all(look.extra for look in arguments[2]))
        return _decode_group(*arguments)

    monkeypatch.setattr(frames_module, "_decode_group", counted)
    spans = [(0, 4 * SECOND), (4 * SECOND, 8 * SECOND)]
    assert len(list(decode_looks(media, spans, 2, lambda: True))) > 20
    assert any(decoded)
    decoded.clear()
    assert len(list(decode_looks(media, spans, 2, lambda: False))) > 10
    assert not any(decoded)


def test_a_display_matrix_turns_the_picture_upright(tmp_path: Path) -> None:
    half = "color=black:s=320x240:r=25:d=2,drawbox=0:0:160:240:white:fill"
    upright = make_media(tmp_path / "a.mp4", picture=half, seconds=2)
    turned = make_media(tmp_path / "b.mp4", remux_of=upright, rotate=90)
    with av.open(str(turned)) as container:
        assert container.streams.video[0].height == 240  # stored as it was
    frame = next(decode_looks(turned, [(0, SECOND)], 1))
    assert frame.rgb.shape == (320, 240, 3)
    # ffmpeg's rotation of 90 degrees is counter-clockwise: the left half is shown at the bottom.
    assert frame.rgb[:100].mean() < 30
    assert frame.rgb[-100:].mean() > 220


def test_pixels_are_made_square(tmp_path: Path) -> None:
    media = make_media(
        tmp_path / "a.mp4", picture="testsrc=s=360x288:r=25:d=2,setsar=16/15", seconds=2
    )
    frame = next(decode_looks(media, [(0, SECOND)], 1))
    assert frame.rgb.shape == (288, 384, 3)


@pytest.mark.parametrize("pixels", ["yuv420p", "yuv420p10le"])
def test_frames_are_converted_on_one_core_as_pyav_converts_them(
    tmp_path: Path, pixels: str
) -> None:
    picture = "testsrc2=s=640x360:r=25:d=1"
    media = make_media(tmp_path / "a.mkv", picture=picture, seconds=1, pixels=pixels)
    frames = list(decode_looks(media, [(0, SECOND)], 1))
    threads = len(os.listdir("/proc/self/task"))
    shown = [frame.rgb for frame in frames]
    grey = [frame.luma for frame in frames]
    assert len(os.listdir("/proc/self/task")) == threads
    for frame, rgb, luma in zip(frames, shown, grey, strict=True):
        np.testing.assert_array_equal(rgb, frame.picture.to_ndarray(format="rgb24"))
        if pixels == "yuv420p10le":
            np.testing.assert_array_equal(luma, frame.picture.to_ndarray(format="gray"))


def test_a_frame_that_is_no_longer_needed_is_let_go_at_once(tmp_path: Path) -> None:
    media = make_media(tmp_path / "a.mp4", picture="testsrc=s=320x240:r=25:d=2", seconds=2)
    gc.collect()
    gc.disable()
    try:
        for frame in decode_looks(media, [(0, SECOND)], 2):
            assert frame.rgb.any()
            assert frame.luma.any()
        del frame
        assert not [one for one in gc.get_objects() if isinstance(one, av.VideoFrame)]
    finally:
        gc.enable()


def test_a_cut_and_a_freeze_are_told_from_the_packets() -> None:
    rng = np.random.default_rng(0)
    times = np.arange(0, 10 * SECOND, SECOND // 25)
    sizes = rng.integers(900, 1100, len(times))
    sizes[times == 3 * SECOND] = 9000
    sizes[times >= 6 * SECOND] = 20
    keyframes = list(range(0, 10 * SECOND, 2 * SECOND))
    found = find_changes(times, sizes, [*keyframes, 5 * SECOND])
    assert found[0] == 3 * SECOND
    assert any(abs(time_us - 6 * SECOND) <= SECOND // 2 for time_us in found)
    assert find_changes(times, np.full(len(times), 1000), keyframes) == []


def test_one_damaged_time_among_the_packets_costs_nothing_and_hides_nothing() -> None:
    times = np.arange(0, 200 * SECOND, SECOND // 25)
    sizes = np.full(len(times), 1000)
    sizes[times >= 150 * SECOND] = 20
    keyframes = list(range(0, 200 * SECOND, 2 * SECOND))
    assert find_changes(times, sizes, keyframes) == [150 * SECOND]
    broken = find_changes(np.append(times, 1 << 62), np.append(sizes, 20), keyframes)
    assert broken == [150 * SECOND]


def test_half_a_second_without_packets_is_still() -> None:
    times = np.arange(0, 10 * SECOND, SECOND // 25)
    times = times[(times < 4 * SECOND) | (times >= 6 * SECOND)]
    found = find_changes(times, np.full(len(times), 1000), list(range(0, 10 * SECOND, 2 * SECOND)))
    assert found == [4 * SECOND, 6 * SECOND]


def test_looks_after_one_keyframe_cost_no_more_than_their_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    media = make_media(tmp_path / "a.mp4", picture=CLOCK, fps="25", seconds=9, keyframe_every=1000)
    asked = 0

    def time_us(look: Look) -> int:
        nonlocal asked
        asked += 1
        return int(vars(look)["time_us"])

    spans = [(n * SECOND // 2, (n + 1) * SECOND // 2) for n in range(16)]
    with av.open(str(media)) as container:
        stream = container.streams.video[0]
        base = stream.time_base
        assert base is not None
        looks = plan_looks([0], base, spans, 2)
        monkeypatch.setattr(Look, "time_us", property(time_us), raising=False)
        frames = list(_decode_group(container, stream, looks, spans, lambda: False))
    assert len(frames) >= 16
    assert asked < len(looks) + 9 * 25 + 10


def test_a_real_cut_is_seen_on_both_sides(tmp_path: Path) -> None:
    cut = (
        "color=black:s=320x240:r=25:d=6,noise=alls=20:allf=t,"
        "drawbox=0:0:320:240:white:fill:enable='gte(t,2.6)'"
    )
    media = make_media(tmp_path / "a.mp4", picture=cut, seconds=6, keyframe_every=100)
    frames = [frame for frame in decode_looks(media, [(2 * SECOND, 6 * SECOND)], 2) if frame.full]
    light = [frame.rgb.mean() > 128 for frame in frames]
    assert light == [frame.time_us >= 2.6 * SECOND for frame in frames]
    assert set(light) == {True, False}


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
    assert {frame.segment for frame in decode_looks(media, spans, 1)} == {0, 1}


def test_sound_alone_gives_no_frames(tmp_path: Path) -> None:
    media = make_media(tmp_path / "a.m4a", picture=None, sound="sine=d=1", seconds=1)
    assert list(decode_looks(media, [(0, SECOND)], 2)) == []


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
    frame = next(decode_looks(media, [(start, start + SECOND)], 1))
    assert frame.rgb.shape == (240, 322, 3)
    assert frame.rgb.std() > 30
