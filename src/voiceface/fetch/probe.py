"""What a media file says of itself."""

import os
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av

from voiceface.media.container import video_stream

# Containers that carry their own media. Left out are those that name other files or urls (hls,
# concat, dash, image sequences): opening one that a stranger wrote would read what it names.
_CONTAINERS = (
    "matroska,webm,mov,mp4,m4a,3gp,3g2,mj2,avi,flv,mpegts,mpeg,mpegvideo,asf,ogg,"
    "wav,mp3,flac,aac,mxf,rm,m4v,dv,ivf,w64,aiff,amr,caf,live_flv"
)


class Unreadable(Exception):
    """Not a media file that can be opened; the text says why."""


@dataclass(frozen=True)
class Probe:
    """What `Outcome` has under the same names."""

    format: str
    duration_us: int | None
    width: int | None
    height: int | None
    fps: float | None
    video_codec: str | None
    audio_codec: str | None


def probe(path: Path) -> Probe:
    """Open a media file, whatever its name, and read its headers; nothing is decoded.

    Raises:
        Unreadable: it is empty, no media, damaged, or has neither picture nor sound.
        OSError: the file itself can't be read.
    """
    if not os.stat(path).st_size:
        raise Unreadable("the file is empty")
    options = {"format_whitelist": _CONTAINERS, "protocol_whitelist": "file"}
    try:
        # An absolute path: FFmpeg takes a relative one with a colon for a protocol.
        with av.open(str(path.absolute()), options=options, metadata_errors="replace") as container:
            return _read(container)
    except MemoryError:  # PyAV's is both: the file is not to blame
        raise
    except av.FFmpegError as error:
        reason = (error.strerror or str(error)).lower()
        raise Unreadable(f"{reason} (damaged, cut short, or no video)") from None


def _read(container: av.container.InputContainer) -> Probe:
    picture, sounds = video_stream(container), container.streams.audio
    if not picture and not sounds:
        raise Unreadable("there is neither picture nor sound in it")
    rate = (picture.average_rate or picture.guessed_rate) if picture else None
    return Probe(
        format=container.format.name,
        duration_us=container.duration if container.duration else _measured_us(container),
        width=picture.width if picture else None,
        height=picture.height if picture else None,
        fps=round(float(rate), 3) if rate else None,
        video_codec=picture.codec_context.name if picture else None,
        audio_codec=sounds[0].codec_context.name if sounds else None,
    )


def _measured_us(container: av.container.InputContainer) -> int | None:
    """Length from the packets, for a file whose header does not tell (a recording of a browser)."""
    end = Fraction(0)
    for packet in container.demux():
        if packet.pts is not None:
            end = max(end, (packet.pts + (packet.duration or 0)) * packet.time_base)
    return int(end * 1_000_000) or None
