"""What the packets of a video tell without decoding them: keyframes, and changes of the picture."""

from array import array
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import av.error
import numpy as np

from voiceface.media.changes import find_changes
from voiceface.media.container import frames_late, opened, seek_point, video_stream

_FROM_THE_START = -(1 << 40)  # a time to seek to that is before any


@dataclass(frozen=True)
class Packets:
    """A video stream as far as its packets tell.

    Attributes:
        keyframes: PTS of each keyframe → where to seek for it, both in the stream's time base.
        changes: times (µs PTS) at which the picture changes at once, ascending.
        late_us: how much later than it is shown a frame's PTS is, µs.
    """

    keyframes: dict[int, int]
    changes: list[int]
    late_us: int


def picture_changes(media: Path) -> list[int]:
    """Times (µs, on the sound's clock) at which the picture changes at once, ascending.

    None where there is no picture.

    Raises:
        VoicefaceError: the file can't be opened.
    """
    with opened(media) as container:
        stream = video_stream(container)
        if stream is None:
            return []
        packets = read_packets(container, stream)
        return [time_us - packets.late_us for time_us in packets.changes]


def read_packets(container: av.container.InputContainer, stream: av.VideoStream) -> Packets:
    """Read all packets of a stream, without decoding; the container is left at no certain place.

    Where the clock goes back (recordings put one behind the other), a seek may land in either: then
    only the first frame is given as a keyframe, to decode all from there. The sound takes what
    comes first at each time, too.
    """
    base = stream.time_base
    assert base is not None
    keyframes: dict[int, int] = {}
    pts, sizes = array("q"), array("q")
    latest, goes_back = None, False
    try:
        for packet in container.demux(stream):
            if packet.pts is None:
                continue
            if packet.dts is not None:
                goes_back |= latest is not None and packet.dts < latest
                latest = packet.dts
            if packet.is_keyframe:
                keyframes[packet.pts] = seek_point(container, packet)
            else:
                pts.append(packet.pts)
                sizes.append(packet.size)
    except MemoryError:  # PyAV's is both: the file is not to blame
        raise
    except av.error.FFmpegError:
        pass  # a damaged end: what came before it counts
    if goes_back:
        keyframes = dict.fromkeys([*keyframes][:1], _FROM_THE_START)
    order = np.argsort(np.asarray(pts), kind="stable")
    times = np.round(np.asarray(pts)[order] * float(base * 1_000_000)).astype(np.int64)
    keys = [to_us(key, base) for key in sorted(keyframes)]
    changes = find_changes(times, np.asarray(sizes)[order], keys)
    return Packets(keyframes, changes, to_us(frames_late(container, stream), base))


def to_us(pts: int, time_base: Fraction) -> int:
    """Rounded as Python does, in whole numbers: a fraction's product takes ten times as long."""
    whole, rest = divmod(pts * time_base.numerator * 1_000_000, time_base.denominator)
    return whole + (2 * rest + whole % 2 > time_base.denominator)
