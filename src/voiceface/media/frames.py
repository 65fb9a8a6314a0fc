"""Which frames of a video to decode, and decoding just those.

Only keyframes can be decoded by themselves. So each segment is looked at in its keyframes where it
has enough of them (an encoder sets one at each cut, too), and otherwise at chosen times, decoding
forward from the keyframe before each.
"""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import av.error
import numpy as np

from voiceface.media.container import opened

_LATER_US = 100_000  # between a frame and the near frame that tells whether the picture moves


@dataclass(frozen=True)
class Look:
    """A time of a segment at which to decode a frame.

    Attributes:
        segment: number of the segment.
        time_us: the first frame at or after this PTS (µs) is taken.
        keyframe: PTS of the keyframe to start from, in the stream's time base.
    """

    segment: int
    time_us: int
    keyframe: int


@dataclass(frozen=True)
class Frame:
    """A decoded frame, upright and with square pixels.

    Attributes:
        segment: number of the segment it was decoded for.
        time_us: its PTS in µs.
        rgb: uint8 (height, width, 3).
        motion: mean absolute change of the grey levels (0 to 255) to a frame about 0.1 s later;
            None where the video ends before that.
    """

    segment: int
    time_us: int
    rgb: np.ndarray
    motion: float | None


def plan_looks(
    keyframes: list[int], time_base: Fraction, segments: list[tuple[int, int]], per_segment: int
) -> list[Look]:
    """Choose at least `per_segment` times in each segment, and at most twice as many.

    Keyframes are taken where the segment has enough.

    Args:
        keyframes: PTS of the video's keyframes, ascending, in `time_base`.
        segments: start and end of each, µs PTS.

    Returns: looks ordered by keyframe and time; none for a segment before the first keyframe.
    """
    times = [_to_us(pts, time_base) for pts in keyframes]
    looks = []
    for number, (start_us, end_us) in enumerate(segments):
        inside = times[bisect_right(times, start_us - 1) : bisect_right(times, end_us - _LATER_US)]
        step = (end_us - start_us) / per_segment
        wanted = [start_us + round((index + 0.5) * step) for index in range(per_segment)]
        if len(inside) >= per_segment:
            wanted = inside if len(inside) <= 2 * per_segment else _spread(inside, wanted)
        for time_us in wanted:
            at = bisect_right(times, time_us) - 1
            if at >= 0:
                looks.append(Look(number, time_us, keyframes[at]))
    return sorted(looks, key=lambda look: (look.keyframe, look.time_us, look.segment))


def decode_looks(
    media: Path, segments: list[tuple[int, int]], per_segment: int, compare_width: int
) -> Iterator[Frame]:
    """Decode the planned frames of the first video stream.

    What can't be decoded is passed over: a damaged stretch costs its own frames only.

    Args:
        segments: start and end of each, µs PTS.
        compare_width: width in pixels at which two frames are compared for motion.

    Raises:
        VoicefaceError: the file can't be opened.
    """
    with opened(media) as container:
        streams = [s for s in container.streams.video if not _is_cover(s)]
        if not streams or not segments:
            return
        stream = streams[0]
        stream.codec_context.thread_count = 1
        base = stream.time_base
        assert base is not None
        keyframes = _keyframes(container, stream)
        pending = plan_looks(keyframes, base, segments, per_segment)
        while pending:
            keyframe = pending[0].keyframe
            group = [look for look in pending if look.keyframe == keyframe]
            pending = pending[len(group) :]
            try:
                container.seek(keyframe, stream=stream)
                yield from _decode_group(container, stream, group, compare_width)
            except av.error.FFmpegError:
                continue


def _decode_group(
    container: av.container.InputContainer,
    stream: av.VideoStream,
    looks: list[Look],
    compare_width: int,
) -> Iterator[Frame]:
    """Decode forward from the keyframe of `looks` until the last of them has its near frame."""
    base, aspect = stream.time_base, stream.sample_aspect_ratio
    assert base is not None
    waiting: list[tuple[Look, av.VideoFrame, int]] = []
    todo = list(looks)
    for frame in container.decode(stream):
        if frame.pts is None:
            continue
        time_us = _to_us(frame.pts, base)
        for look, earlier, earlier_us in [w for w in waiting if time_us >= w[2] + _LATER_US]:
            yield _finish(look, earlier, earlier_us, frame, compare_width, aspect)
            waiting = [w for w in waiting if w[0] is not look]
        while todo and time_us >= todo[0].time_us:
            waiting.append((todo.pop(0), frame, time_us))
        if not todo and not waiting:
            return
    for look, earlier, earlier_us in waiting:
        yield _finish(look, earlier, earlier_us, None, compare_width, aspect)


def _finish(
    look: Look,
    frame: av.VideoFrame,
    time_us: int,
    later: av.VideoFrame | None,
    width: int,
    aspect: Fraction | None,
) -> Frame:
    motion = None
    if later is not None and (later.width, later.height) == (frame.width, frame.height):
        before, after = (_small_grey(picture, width) for picture in (frame, later))
        motion = float(np.abs(before - after).mean())
    return Frame(look.segment, time_us, _upright(frame, aspect), motion)


def _small_grey(frame: av.VideoFrame, width: int) -> np.ndarray:
    height = max(2, round(frame.height * width / frame.width / 2) * 2)
    return frame.to_ndarray(width=width, height=height, format="gray").astype(np.int16)


def _upright(frame: av.VideoFrame, aspect: Fraction | None) -> np.ndarray:
    """RGB pixels as a player shows them: square pixels, turned by the display matrix."""
    width = round(frame.width * aspect) if aspect else frame.width
    rgb = frame.to_ndarray(width=width, height=frame.height, format="rgb24")
    return np.ascontiguousarray(np.rot90(rgb, round(frame.rotation / 90)))


def _keyframes(container: av.container.InputContainer, stream: av.VideoStream) -> list[int]:
    """PTS of the stream's keyframes, read without decoding, ascending."""
    found = []
    try:
        for packet in container.demux(stream):
            if packet.is_keyframe and packet.pts is not None:
                found.append(packet.pts)
    except av.error.FFmpegError:
        pass  # a damaged end: what came before it counts
    return sorted(found)


def _is_cover(stream: av.VideoStream) -> bool:
    return bool(stream.disposition & av.stream.Disposition.attached_pic)


def _spread(times: list[int], wanted: list[int]) -> list[int]:
    """As many of `times`, each once, as near as may be to the `wanted`, in order."""
    chosen: list[int] = []
    rest = times
    for left, target in zip(range(len(wanted) - 1, -1, -1), wanted, strict=True):
        usable = rest[: len(rest) - left]
        best = min(range(len(usable)), key=lambda index: abs(usable[index] - target))
        chosen.append(rest[best])
        rest = rest[best + 1 :]
    return chosen


def _to_us(pts: int, time_base: Fraction) -> int:
    return round(pts * time_base * 1_000_000)
