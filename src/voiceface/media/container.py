"""Opening media files."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import av.container
import av.error

from voiceface.errors import VoicefaceError


@contextmanager
def opened(media: Path) -> Iterator[av.container.InputContainer]:
    """Open a media file to read, with messages of the decoders turned off.

    Raises:
        VoicefaceError: the file can't be opened.
    """
    av.logging.set_level(None)
    # An absolute path, so that a name with a colon is never taken for a protocol.
    try:
        container = av.open(f"file:{media.absolute()}", metadata_errors="ignore")
    except MemoryError:  # PyAV's is both: the file is not to blame
        raise
    except av.error.FFmpegError as error:
        reason = (error.strerror or str(error)).lower()
        raise VoicefaceError(f"{media}: can't be opened ({reason}); is it a video?") from None
    with container:
        yield container


def first_time_us(media: Path) -> int:
    """PTS (µs) at which a media file's clock begins: 0 in most, anything in MPEG-TS.

    Raises:
        VoicefaceError: the file can't be opened.
    """
    with opened(media) as container:
        return max(0, container.start_time or 0)  # in AV_TIME_BASE, which is µs


def video_stream(container: av.container.InputContainer) -> av.VideoStream | None:
    """The first video stream that is no cover picture."""
    cover = av.stream.Disposition.attached_pic
    return next((s for s in container.streams.video if not s.disposition & cover), None)


def seek_point(container: av.container.InputContainer, packet: av.Packet) -> int:
    """The timestamp, in the stream's time base, to seek to so as to decode from this keyframe on.

    Most containers are searched by PTS. MPEG's are searched by DTS: a seek to the PTS, which is
    later, lands on the keyframe after it. MPEG's program stream (mpg) moreover gives times to some
    frames only, and what is read first after a seek gets wrong ones: so that starts a second early.
    """
    assert packet.pts is not None
    if packet.dts is None or container.format.name not in ("mpegts", "mpeg"):
        return packet.pts
    early_s = 1 if container.format.name == "mpeg" else 0
    return packet.dts - round(early_s / packet.time_base)


def frames_late(container: av.container.InputContainer, stream: av.VideoStream) -> int:
    """How much later than it is shown a frame's PTS is, in the stream's time base.

    AVI holds no PTS: its frames are shown in step with the sound from 0 on, one after the other,
    and FFmpeg's guess is later by the frames that the decoder holds back. The container is left
    behind the stream's first packet.
    """
    if container.format.name != "avi":
        return 0
    try:
        container.seek(0, stream=stream)
        first = next(container.demux(stream))
    except MemoryError:  # PyAV's is both: the file is not to blame
        raise
    except av.error.FFmpegError:  # damaged: what can be read counts, if a little late
        return 0
    return (first.pts or 0) - (first.dts or 0)
