"""Which frames of a video to decode, and decoding just those.

Only keyframes can be decoded by themselves: any other frame costs all those from the keyframe
before it. So each segment is looked at in its keyframes. What is between them is known without
decoding: where the picture changes at once (a cut, a freeze, light going out, somebody stepping
in), the encoder has to spend a large packet, or all at once hardly any. Each stretch between such
changes gets a look of its own. What follows one of the looks is decoded as a burst, to see whether
the picture stands still and how the mouth moves.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache, cached_property
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

import av
import av.error
import cv2
import numpy as np
from av.sidedata.sidedata import SideDataContainer
from av.video.reformatter import VideoReformatter

from voiceface.media.container import opened, video_stream
from voiceface.media.packets import read_packets, to_us

_PLANAR = ("yuv420p", "yuvj420p", "yuv422p", "yuv444p", "nv12")  # 8 bit, grey levels first
_INSIDE_US = 100_000  # looks keep that far from a segment's start and from changes
_BEFORE_END_US = 200_000  # and that far from its end: frames may be 0.17 s apart
_SHORTEST_US = 300_000  # a shorter stretch between changes is not looked at
_APART_US = 600_000  # between the looks of a stretch that has too few keyframes
_LATER_US = 120_000  # from a look to the frame that tells whether the picture stands still
_STEP_US = 100_000  # between the frames of a burst
_BURST_US = 600_000  # length of the bursts of a segment, together
_EXTRA_US = 2_000_000  # and of what is decoded of it when more is asked for
_LONGEST_US = 1_200_000  # of a burst and its extra part


@dataclass(frozen=True)
class Look:
    """A time of a segment at which to decode a frame.

    Attributes:
        segment: number of the segment.
        time_us: the first frame at or after this PTS (µs) is taken.
        keyframe: PTS of the keyframe to start from, in the stream's time base.
        full: look for faces; otherwise it is a frame that follows such a one within a second.
        extra: only if more is asked for.
    """

    segment: int
    time_us: int
    keyframe: int
    full: bool
    extra: bool = False


@dataclass(frozen=True, eq=False)
class Frame:
    """A decoded frame; its pixels are converted when asked for.

    Attributes:
        segment: number of the segment it was decoded for.
        time_us: its PTS in µs.
        full: see `Look`.
        picture: as it was decoded.
        aspect: of the pixels: width / height.
    """

    segment: int
    time_us: int
    full: bool
    picture: av.VideoFrame
    aspect: Fraction

    @cached_property
    def size(self) -> tuple[int, int]:
        """Width and height of `rgb`."""
        width, height = round(self.picture.width * self.aspect), self.picture.height
        return (height, width) if self._layout[0] else (width, height)

    @property
    def rgb(self) -> np.ndarray:
        """As a player shows it, upright and with square pixels: uint8 (height, width, 3)."""
        width, height = round(self.picture.width * self.aspect), self.picture.height
        rgb = _converted(self.picture, width, height, "rgb24")
        return np.ascontiguousarray(self._shown(rgb))

    @cached_property
    def luma(self) -> np.ndarray:
        """The same in grey levels, in the decoder's own range: uint8 (height, width), read only."""
        picture = self.picture
        rows: np.ndarray
        if picture.format.name in _PLANAR:
            rows = np.frombuffer(memoryview(picture.planes[0]), np.uint8)
            rows = rows.reshape(-1, picture.planes[0].line_size)[: picture.height, : picture.width]
        else:
            rows = _converted(picture, picture.width, picture.height, "gray")
        width = round(picture.width * self.aspect)
        if width != picture.width:
            rows = cv2.resize(rows, (width, picture.height), interpolation=cv2.INTER_LINEAR)
        return self._shown(rows)

    def grey(self, longer: int) -> np.ndarray:
        """The same, its longer side so many pixels: uint8 (height, width)."""
        height, width = self.luma.shape
        scale = longer / max(width, height)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        return cv2.resize(self.luma, size, interpolation=how)

    def _shown(self, pixels: np.ndarray) -> np.ndarray:
        """Stored pixels, (height, width, ...), as the display matrix lays them out."""
        swapped, down, across = self._layout
        return (pixels.swapaxes(0, 1) if swapped else pixels)[::down, ::across]

    @cached_property
    def _layout(self) -> tuple[bool, int, int]:
        """Whether rows are shown as columns; then the steps through both: -1 is backwards."""
        try:
            # Not `picture.side_data`: the picture would hold that, and that the picture: both stay
            # until the garbage collector comes by.
            found = SideDataContainer(self.picture)  # type: ignore[call-arg]  # its stub has none
            matrix: Any = found.get("DISPLAYMATRIX")
        except ValueError:  # beside data of a kind that PyAV has no name for: no mirroring is told
            turn = math.radians(self.picture.rotation)
            a, b, c, d = math.cos(turn), -math.sin(turn), math.sin(turn), math.cos(turn)
        else:
            if matrix is None:
                return False, 1, 1
            # (x, y) is shown at (a x + c y, b x + d y); the others move it or are fixed.
            a, b, _, c, d = np.frombuffer(matrix, np.int32)[:5].tolist()
        swapped = abs(b) > abs(a)
        across, down = (c, b) if swapped else (a, d)
        return swapped, -1 if down < 0 else 1, -1 if across < 0 else 1


@cache
def _reformatter() -> VideoReformatter:
    """One for all frames: a converter of its own for each, on all cores, costs twice the time."""
    return VideoReformatter()


def _converted(picture: av.VideoFrame, width: int, height: int, format: str) -> np.ndarray:
    """The pixels in that size and format: uint8 (height, width[, 3])."""
    converted = _reformatter().reformat(picture, width, height, format, threads=1)
    return converted.to_ndarray()


def plan_looks(
    keyframes: list[int],
    time_base: Fraction,
    segments: list[tuple[int, int]],
    per_segment: int,
    changes: Sequence[int] = (),
) -> list[Look]:
    """Choose when to look at each segment.

    Args:
        keyframes: PTS of the video's keyframes, ascending, in `time_base`.
        segments: start and end of each, µs PTS.
        per_segment: least number of looks; the greatest is twice that and one for each change.
        changes: times (µs) at which the picture changes at once, ascending.

    Returns: looks ordered by keyframe and time; none for a segment before the first keyframe.
    """
    times = [to_us(pts, time_base) for pts in keyframes]
    looks = []
    for number, (start_us, end_us) in enumerate(segments):
        full: list[int] = []
        inner = changes[bisect_right(changes, start_us) : bisect_left(changes, end_us)]
        for first, last in pairwise([start_us, *inner, end_us]):
            before_last = _BEFORE_END_US if last == end_us else _INSIDE_US
            stretch = (first + _INSIDE_US, last - before_last)
            if last - first >= _SHORTEST_US:
                share = max(1, round(per_segment * (last - first) / (end_us - start_us)))
                full += _stretch_looks(times, *stretch, share)
        burst, extra = _bursts(times, full, [*inner, end_us])
        # Of the kinds that fall on one time, the last counts.
        wanted = dict.fromkeys(extra, "extra") | dict.fromkeys(burst, "burst")
        wanted |= dict.fromkeys(_seconds(full, burst, [start_us, *inner, end_us]), "burst")
        wanted |= dict.fromkeys(full, "full")
        for time_us, kind in wanted.items():
            at = bisect_right(times, time_us) - 1
            if at >= 0:
                look = Look(number, time_us, keyframes[at], kind == "full", kind == "extra")
                looks.append(look)
    return sorted(looks, key=lambda look: (look.keyframe, look.time_us, look.segment))


def decode_looks(
    media: Path,
    segments: list[tuple[int, int]],
    per_segment: int,
    more: Callable[[], bool] = lambda: False,
) -> Iterator[Frame]:
    """Decode the planned frames of the first video stream, in the order of their times.

    What can't be decoded is passed over: a damaged stretch costs its own frames only. Frames that
    no other refers to are not decoded; those are up to every second or third.

    Args:
        segments: start and end of each, µs PTS, in order.
        per_segment: see `plan_looks`.
        more: asked, when a segment's frames have been taken, whether to decode some more of it.

    Raises:
        VoicefaceError: the file can't be opened.
    """
    if not segments:
        return  # also of a video that could not be had: its file is empty
    with opened(media) as container:
        stream = video_stream(container)
        if stream is None:
            return
        stream.codec_context.thread_count = 1
        stream.codec_context.skip_frame = "NONREF"
        base = stream.time_base
        assert base is not None
        packets = read_packets(container, stream)
        seek_points, late_us = packets.keyframes, packets.late_us
        segments = [(start_us + late_us, end_us + late_us) for start_us, end_us in segments]
        looks = plan_looks(sorted(seek_points), base, segments, per_segment, packets.changes)
        for keyframe, of_keyframe in groupby(looks, key=lambda look: look.keyframe):
            group = list(of_keyframe)
            if all(look.extra for look in group) and not more():
                continue  # without a seek, which costs as much as some frames
            try:
                container.seek(seek_points[keyframe], stream=stream)
                for frame in _decode_group(container, stream, group, segments, more):
                    yield replace(frame, time_us=frame.time_us - late_us) if late_us else frame
            except MemoryError:  # PyAV's is both: the file is not to blame
                raise
            except av.error.FFmpegError:
                continue


def _decode_group(
    container: av.container.InputContainer,
    stream: av.VideoStream,
    looks: list[Look],
    segments: list[tuple[int, int]],
    more: Callable[[], bool],
) -> Iterator[Frame]:
    """Decode forward from the keyframe of `looks` until the last of them."""
    base, aspect = stream.time_base, stream.sample_aspect_ratio or Fraction(1)
    assert base is not None
    at, planned_end = 0, 1 + max((n for n, look in enumerate(looks) if not look.extra), default=-1)
    for frame in container.decode(stream):
        if frame.pts is None:
            continue
        time_us = to_us(frame.pts, base)
        first = at  # one keyframe may govern a whole video, so its looks are gone through once
        while at < len(looks) and looks[at].time_us <= time_us:
            at += 1
        for number, own in groupby(looks[first:at], key=lambda look: look.segment):
            kinds = [(look.full, not look.extra) for look in own]
            full, planned = any(full for full, _ in kinds), any(planned for _, planned in kinds)
            if time_us < segments[number][1] and (planned or more()):
                yield Frame(number, time_us, full, frame, aspect)
        if at >= planned_end and not (at < len(looks) and more()):
            return


def _stretch_looks(keyframes: list[int], first: int, last: int, least: int) -> list[int]:
    """Times (µs) from `first` to `last` to look at, at least so many and at most twice as many."""
    inside = keyframes[bisect_left(keyframes, first) : bisect_right(keyframes, last)]
    step = (last - first) / least
    even = [first + round((number + 0.5) * step) for number in range(least)]
    if len(inside) > 2 * least:
        return _spread(inside, even)
    looks = list(inside)
    for _ in range(least - len(inside)):
        # Where the fewest frames are to be decoded, but not beside another look.
        free = range(first, last + 1, _STEP_US)
        apart = [t for t in free if all(abs(t - look) >= _APART_US for look in looks)]
        if not apart:
            break
        looks.append(min(apart, key=lambda t: _frames_to(keyframes, looks, t)))
    return sorted(looks)


def _frames_to(keyframes: list[int], looks: list[int], time_us: int) -> int:
    """Time (µs) to decode to get to `time_us` from the keyframe or the look before it."""
    at = bisect_right(keyframes, time_us)
    before = keyframes[at - 1] if at else -(10**12)
    return time_us - max([before, *(look for look in looks if look <= time_us)])


def _bursts(
    keyframes: list[int], looks: list[int], changes: list[int]
) -> tuple[list[int], list[int]]:
    """Times of the frames that follow looks, where they are cheapest; and of some more.

    Args:
        looks: of one segment, µs, ascending.
        changes: of the picture in the segment, and the segment's end, µs, ascending.
    """
    rooms = []
    for number, time_us in enumerate(looks):
        ends = [end - _INSIDE_US for end in changes if end > time_us]
        at = bisect_right(keyframes, time_us)
        next_look = looks[number + 1] if number + 1 < len(looks) else None
        if next_look is not None:
            ends.append(next_look)
        # Frames on the way to another look of the same keyframe are decoded anyway.
        free = next_look is not None and (at == len(keyframes) or next_look < keyframes[at])
        room = min(ends, default=time_us) - time_us
        room = min(room, _LONGEST_US)
        rooms.append((free, min(room, _BURST_US), time_us, room))
    rooms.sort(reverse=True)
    # Two places, if they are apart: the voice may be the speaker's own at one of them only.
    best = [(time_us, room) for *_, time_us, room in rooms]
    places = best[:1] + [one for one in best[1:] if abs(one[0] - best[0][0]) > _APART_US][:1]
    burst: list[int] = []
    for time_us, room in places:
        burst += range(
            time_us + _STEP_US, time_us + min(room, _BURST_US // len(places) + 1), _STEP_US
        )
    extra: list[int] = []
    for time_us, room in best:
        if time_us >= max(place for place, _ in places):
            extra += range(time_us + _STEP_US, time_us + room, _STEP_US)
    return burst, sorted(set(extra) - set(burst))[: _EXTRA_US // _STEP_US]


def _seconds(looks: list[int], bursts: list[int], changes: list[int]) -> list[int]:
    """Times of a second frame in each stretch between changes that has a look and no burst."""
    times = []
    for first, last in pairwise(changes):
        inside = [time_us for time_us in looks if first < time_us < last]
        if inside and not any(first < time_us < last for time_us in bursts):
            times.append(inside[-1] + _LATER_US)
    return times


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
