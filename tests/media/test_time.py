"""Sound and picture belong together: every time is the source's own PTS, whatever the file.

Each clip has a flash and a beep at known times. Asserted are the times at which the pipeline sees
and hears them, through the very functions that the stages use, and that both agree to 20 ms.
"""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests.flash_builder import ffmpeg, heard_s, make_flashes, seen_s
from voiceface.fetch.probe import probe
from voiceface.media.audio import first_sound_us

TOLERANCE_S = 0.020
B_FRAMES = "-preset fast -bf 3 -g 30"
FRAGMENTED = "-movflags +frag_keyframe+delay_moov"


@dataclass(frozen=True)
class Streams:
    """What a clip holds, as FFmpeg tells it: proof that it is the kind of file it should be."""

    picture_start_s: float
    sound_start_s: float
    first_packet_s: float
    b_frames: bool


def _streams(media: Path) -> Streams:
    with av.open(str(media)) as container:
        picture, sound = container.streams.video[0], container.streams.audio[0]
        packets = [p for p in container.demux() if p.pts is not None]
        pts = [p.pts for p in packets if p.stream is picture]
        starts = [float((s.start_time or 0) * s.time_base) for s in (picture, sound)]
        first = min(float(p.pts * p.time_base) for p in packets)
    return Streams(*starts, first, b_frames=pts != sorted(pts))


def _check(media: Path, flashes: list[float], beeps: list[float] | None = None) -> None:
    """Assert that each flash and each beep is at its time, and each pair as far apart as made.

    Args:
        flashes: PTS in seconds.
        beeps: all beeps of the clip; by default they go with the flashes.
    """
    expected = np.array(flashes)
    heard, seen = heard_s(media), seen_s(media, expected)
    wanted = expected if beeps is None else np.array(beeps)
    assert heard == pytest.approx(wanted, abs=TOLERANCE_S)
    assert seen == pytest.approx(expected, abs=TOLERANCE_S)
    if beeps is None:
        assert np.abs(seen - heard).max() <= TOLERANCE_S


@pytest.mark.parametrize(
    ("name", "picture", "options"),
    [
        ("h264.mp4", "libx264", B_FRAMES),
        ("h264.mkv", "libx264", B_FRAMES),
        ("h264.mov", "libx264", B_FRAMES),
        ("hevc.mp4", "libx265", "-preset veryfast -bf 3 -tag:v hvc1"),
        ("hevc.mkv", "libx265", "-preset veryfast -bf 3"),
        ("vp9.webm", "libvpx-vp9", ""),
        ("vp9.mp4", "libvpx-vp9", ""),
        ("av1.webm", "libsvtav1", ""),
        ("av1.mp4", "libsvtav1", ""),
    ],
)
def test_every_codec_and_container_of_the_web_is_in_step(
    tmp_path: Path, name: str, picture: str, options: str
) -> None:
    media = make_flashes(tmp_path / name, picture=picture, options=options)
    assert _streams(media).b_frames == ("-bf 3" in options)
    _check(media, [0, 1, 2, 3, 4])


@pytest.mark.parametrize("fps", ["24000/1001", "30000/1001", "12", "25", "60"])
def test_every_frame_rate_is_in_step(tmp_path: Path, fps: str) -> None:
    media = make_flashes(tmp_path / "a.mp4", fps=fps, options=B_FRAMES)
    assert probe(media).fps == pytest.approx(float(Fraction(fps)), abs=0.001)
    _check(media, [0, 1, 2, 3, 4])


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts", "a.webm"])
def test_a_variable_frame_rate_is_in_step(tmp_path: Path, name: str) -> None:
    picture, more = ("libvpx-vp9", "") if name == "a.webm" else ("libx264", B_FRAMES)
    thinned = r"select='lt(t\,2)+not(mod(floor(n*n/7)\,4))'"
    media = make_flashes(
        tmp_path / name, fps="60", picture=picture, filters=thinned, options=f"-fps_mode vfr {more}"
    )
    with av.open(str(media)) as container:
        times = sorted(frame.time for frame in container.decode(video=0))
    assert np.diff(times).max() > 2.9 * np.diff(times).min()
    _check(media, [times[0] + second for second in range(5)])


@pytest.mark.parametrize("rate", [8000, 11_025, 22_050, 44_100, 48_000])
@pytest.mark.parametrize(("name", "sound"), [("a.mp4", "aac"), ("a.mkv", "flac")])
def test_every_sample_rate_is_in_step(tmp_path: Path, name: str, sound: str, rate: int) -> None:
    _check(make_flashes(tmp_path / name, sound=sound, rate=rate), [0, 1, 2, 3, 4])


@pytest.mark.parametrize("sound", ["libmp3lame", "libopus", "libvorbis", "ac3"])
def test_what_a_sound_codec_puts_before_the_sound_is_no_offset(tmp_path: Path, sound: str) -> None:
    _check(make_flashes(tmp_path / "a.mkv", sound=sound), [0, 1, 2, 3, 4])


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six seconds of H.264 with B-frames and a keyframe each second, and AAC."""
    path = tmp_path_factory.mktemp("time") / "clip.mp4"
    return make_flashes(path, seconds=6, options=B_FRAMES)


def test_an_edit_list_that_trims_the_start_is_followed(clip: Path, tmp_path: Path) -> None:
    for cut_s in (0.5, 1.4):
        media = ffmpeg(tmp_path / "a.mp4", "-ss", str(cut_s), "-i", str(clip), "-c", "copy")
        with av.open(str(media)) as container:
            first = next(p for p in container.demux(video=0) if p.pts is not None)
            assert first.pts < 0  # it is decoded, and shown to nobody
        _check(media, [second - cut_s for second in range(6) if second > cut_s])


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.mov"])
def test_an_empty_edit_that_delays_one_of_them_is_followed(
    clip: Path, tmp_path: Path, name: str
) -> None:
    late, other = ["-itsoffset", "0.8", "-i", str(clip)], ["-i", str(clip)]
    whole = list(range(6))
    delayed = [second + 0.8 for second in whole]
    picture_late = ffmpeg(
        tmp_path / name, *late, *other, "-map", "0:v", "-map", "1:a", "-c", "copy"
    )
    assert _streams(picture_late).picture_start_s == pytest.approx(0.8, abs=0.01)
    _check(picture_late, delayed, beeps=whole)
    sound_late = ffmpeg(tmp_path / name, *late, *other, "-map", "1:v", "-map", "0:a", "-c", "copy")
    assert _streams(sound_late).sound_start_s == pytest.approx(0.8, abs=0.03)
    _check(sound_late, whole, beeps=delayed)


@pytest.mark.parametrize(
    ("name", "options"),
    [("a.mp4", ""), ("a.mkv", ""), ("a.mov", ""), ("a.flv", ""), ("a.mp4", FRAGMENTED)],
)
@pytest.mark.parametrize(
    ("picture_s", "sound", "beeps"),
    [
        (0.7, "anull", [0, 1, 2, 3]),
        (0, "atrim=start=1.5", [2, 3]),
        (0, "atrim=end=2.3", [0, 1, 2]),
        (0.3, "atrim=start=0.1", [1, 2, 3]),
    ],
    ids=["picture late", "sound late", "sound ends early", "both late"],
)
def test_a_stream_that_starts_late_or_ends_early_keeps_its_times(
    tmp_path: Path, name: str, options: str, picture_s: float, sound: str, beeps: list[int]
) -> None:
    media = make_flashes(
        tmp_path / name,
        seconds=4,
        filters=f"trim=start={picture_s}",
        options=f"-af {sound} -fps_mode passthrough {B_FRAMES} {options}",
    )
    # Where there is no edit list, all times of the file are later by what its decoder holds back.
    late = _streams(media).picture_start_s - picture_s
    assert 0 <= late <= 0.1
    _check(media, [second + late for second in (1, 2, 3)], [second + late for second in beeps])


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_times_before_zero_are_times(clip: Path, tmp_path: Path, name: str) -> None:
    earlier = ["-itsoffset", "-0.5", "-i", str(clip), "-c", "copy"]
    media = ffmpeg(tmp_path / name, *earlier, "-avoid_negative_ts", "disabled")
    assert _streams(media).first_packet_s < -0.4
    heard = heard_s(media)
    # mp4 has an edit list, which hides what is before 0; Matroska shows it.
    assert heard[-5:] == pytest.approx(np.arange(5) + 0.5, abs=TOLERANCE_S)
    assert seen_s(media, heard[-5:]) == pytest.approx(heard[-5:], abs=TOLERANCE_S)


@pytest.mark.parametrize(
    ("name", "start_s"),
    [
        ("a.ts", 0),
        ("a.ts", 36_000),
        ("a.ts", 2**33 / 90_000 - 3),  # the clock of MPEG-TS has 33 bits
        ("a.ts", 2**33 / 90_000 - 61),  # FFmpeg looks 60 s ahead for that
        ("a.mp4", 36_000),
        ("a.mkv", 36_000),
    ],
)
def test_a_clock_that_starts_anywhere_is_the_clock(
    clip: Path, tmp_path: Path, name: str, start_s: float
) -> None:
    shifted = ["-i", str(clip), "-c", "copy", "-output_ts_offset", str(start_s)]
    media = ffmpeg(tmp_path / name, *shifted)
    start = _streams(media).picture_start_s
    _check(media, [start + second for second in range(6)])
    sound_us = first_sound_us(media)
    assert sound_us is not None
    assert sound_us / 1e6 == pytest.approx(_streams(media).sound_start_s, abs=1e-3)


@pytest.mark.parametrize(
    ("name", "picture", "options"),
    [
        ("a.avi", "mpeg4", "-bf 0"),
        ("a.avi", "mpeg4", "-bf 2"),
        ("a.avi", "libx264", "-bf 0"),
        ("a.avi", "libx264", "-preset fast -bf 2"),
        ("a.avi", "mjpeg", "-pix_fmt yuvj420p"),
    ],
)
def test_avi_which_has_no_timestamps_is_in_step(
    tmp_path: Path, name: str, picture: str, options: str
) -> None:
    sound = "pcm_s16le"  # AVI can't say what an encoder puts before the sound
    media = make_flashes(tmp_path / name, picture=picture, sound=sound, options=options)
    _check(media, [0, 1, 2, 3, 4])


@pytest.mark.parametrize("name", ["a.mpg", "a.ts", "a.vob"])
def test_mpeg_2_is_in_step(tmp_path: Path, name: str) -> None:
    options = "-bf 2 -g 15 -sc_threshold 1000000000"  # else each frame is a cut
    media = make_flashes(tmp_path / name, picture="mpeg2video", sound="mp2", options=options)
    start = _streams(media).picture_start_s
    _check(media, [start + second for second in range(5)])


def test_recordings_with_overlapping_clocks_in_one_file_are_not_mixed(
    clip: Path, tmp_path: Path
) -> None:
    parts = []
    for cut_s in (0, 1.5):
        coded = ["-c:v", "libx264", "-crf", "8", "-g", "30", "-c:a", "aac"]
        seconds = ["-ss", str(cut_s), "-t", str(4 + cut_s / 3)]
        path = ffmpeg(tmp_path / f"{cut_s}.ts", *seconds, "-i", str(clip), *coded)
        parts.append(path.read_bytes())
    media = tmp_path / "a.ts"
    media.write_bytes(b"".join(parts))
    heard = heard_s(media)
    assert len(heard) >= 4
    assert seen_s(media, heard) == pytest.approx(heard, abs=TOLERANCE_S)


def test_a_gap_in_the_sound_is_silence_and_moves_nothing(clip: Path, tmp_path: Path) -> None:
    for name in ("a.mp4", "a.mkv", "a.ts"):
        drop = "noise=drop='between(pts*tb,1.5,2.4)'"
        media = ffmpeg(tmp_path / name, "-i", str(clip), "-c", "copy", "-bsf:a", drop)
        start = _streams(media).picture_start_s
        _check(media, [start + s for s in range(6)], [start + s for s in (0, 1, 3, 4, 5)])


def test_many_lost_packets_of_sound_add_up_to_no_drift(clip: Path, tmp_path: Path) -> None:
    lost = "noise=drop='eq(mod(n,12),3)'"
    media = ffmpeg(tmp_path / "a.mkv", "-i", str(clip), "-c", "copy", "-bsf:a", lost)
    _check(media, list(range(6)))


def test_a_gap_in_the_picture_moves_nothing(clip: Path, tmp_path: Path) -> None:
    lost = "noise=drop='between(pts*tb,1.9,2.95)'"
    media = ffmpeg(tmp_path / "a.mkv", "-i", str(clip), "-c", "copy", "-bsf:v", lost)
    _check(media, [0, 1, 3, 4, 5], beeps=list(range(6)))


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.webm", "a.avi", "a.ts"])
def test_the_length_is_the_containers_own(tmp_path: Path, name: str) -> None:
    picture = "libvpx-vp9" if name == "a.webm" else "mpeg4" if name == "a.avi" else "libx264"
    length = probe(make_flashes(tmp_path / name, picture=picture, seconds=5)).duration_us
    assert length is not None
    assert length / 1e6 == pytest.approx(5, abs=0.06)  # whole frames, and what an encoder adds


def test_minute_30_is_as_true_as_second_1(tmp_path: Path) -> None:
    minutes, fps = 30, Fraction(30_000, 1001)
    media = make_flashes(
        tmp_path / "a.mp4", seconds=60 * minutes + 2, size="64:48", rate=16_000, options="-g 300"
    )
    heard = heard_s(media)
    at = [1, 600, 1200, 60 * minutes]
    assert heard[at] == pytest.approx(at, abs=TOLERANCE_S)
    apart = seen_s(media, heard[at]) - heard[at]
    assert np.abs(apart).max() <= TOLERANCE_S
    assert np.ptp(apart) <= 0.010
    # What others do: the number of the frame over a whole number of frames per second. The flash of
    # minute 30 would be looked for 62 s too late (at 29: 2 s more each minute), or 1.8 s too early.
    frame = 60 * minutes * fps
    assert float(frame / int(fps)) - 60 * minutes > 60
    assert float(frame / 30) - 60 * minutes < -1.7
