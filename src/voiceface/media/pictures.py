"""Pictures of one person as one media file: a picture for each second, without loss."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from voiceface.media.container import opened
from voiceface.media.frames import Frame

STEP_US = 1_000_000
"""Time of a picture in the media file."""

_JPEG_BEGIN = b"\xff\xd8\xff"
_JPEG_END = 0xD9
_JPEG_ALONE = (0x00, 0x01, *range(0xD0, 0xD9))  # what stands after 0xFF without a length


@dataclass(frozen=True)
class Picture:
    """One picture of the media file.

    Attributes:
        start_us: its place: number × `STEP_US`.
        rgb: uint8 (height, width, 3), upright; None when it can't be decoded.
    """

    start_us: int
    rgb: np.ndarray | None


def write_pictures(
    pictures: Sequence[Path], output: Path, mend: Callable[[str, bytes], bytes]
) -> tuple[int, list[Path]]:
    """Put pictures into a QuickTime file (Matroska takes no PNG), picture n at second n.

    When all are JPEG by their content, their bytes are taken as they are; otherwise all become PNG.
    A damaged one is left out, and its second stays empty. Equal pictures give equal bytes.

    Args:
        mend: gives the bytes to take from a picture's name and bytes.

    Returns: how many were written, and the damaged ones.

    Raises:
        OSError: a picture can't be read.
    """
    damaged, jpeg, size = [], True, (0, 0)
    for path in pictures:
        data = mend(path.name, path.read_bytes())
        shape = _size(data)
        if shape is None:
            damaged.append(path)
        else:
            size = size if any(size) else shape
            jpeg = jpeg and data.startswith(_JPEG_BEGIN)
    if len(damaged) == len(pictures):
        return 0, damaged
    options = {"fflags": "+bitexact"}
    with av.open(str(output.absolute()), "w", format="mov", options=options) as container:
        codec = "mjpeg" if jpeg else "png"
        stream = container.add_mux_stream(codec, rate=1, width=size[0], height=size[1])
        for number, path in enumerate(pictures):
            if path not in damaged:
                data = mend(path.name, path.read_bytes())
                packet = av.Packet(data if jpeg else _as_png(data))
                packet.stream, packet.time_base = stream, Fraction(1)
                packet.pts = packet.dts = number
                packet.duration, packet.is_keyframe = 1, True
                container.mux(packet)
    return len(pictures) - len(damaged), damaged


def read_pictures(media: Path) -> Iterator[Picture]:
    """Decode what `write_pictures` wrote; a picture that can't be decoded costs only itself.

    Raises:
        VoicefaceError: the file can't be opened.
    """
    with opened(media) as container:
        for start_us, data in _packets(container):
            # By OpenCV, which knows the orientation that a camera wrote into it.
            picture = _bgr(data)
            rgb = None if picture is None else np.ascontiguousarray(picture[:, :, ::-1])
            yield Picture(start_us, rgb)


def picture_times(media: Path) -> list[int]:
    """The pictures' places, µs, without decoding them.

    Raises:
        VoicefaceError: the file can't be opened.
    """
    with opened(media) as container:
        return [start_us for start_us, _ in _packets(container)]


def picture_frames(media: Path) -> Iterator[Frame]:
    """The pictures as frames to look at, each a segment of its own, numbered as `picture_times`.

    Raises:
        VoicefaceError: the file can't be opened.
    """
    for number, one in enumerate(read_pictures(media)):
        if one.rgb is not None:
            picture = av.VideoFrame.from_ndarray(one.rgb, "rgb24")
            yield Frame(number, one.start_us, True, picture, Fraction(1))


def _packets(container: av.container.InputContainer) -> Iterator[tuple[int, bytes]]:
    """Place and encoded bytes of each picture."""
    stream = container.streams.video[0]
    base = stream.time_base
    assert base is not None
    for packet in container.demux(stream):
        if packet.pts is not None:
            start_us = round(packet.pts * base * 1_000_000 / STEP_US) * STEP_US
            yield start_us, bytes(packet)


def _bgr(data: bytes) -> np.ndarray | None:
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None


def _size(data: bytes) -> tuple[int, int] | None:
    """Width and height of a whole picture; None of a damaged one."""
    if data.startswith(_JPEG_BEGIN) and not _jpeg_ends(data):
        return None  # cut short: decoders fill the rest with grey
    picture = _bgr(data)
    return None if picture is None else (picture.shape[1], picture.shape[0])


def _jpeg_ends(data: bytes) -> bool:
    """Whether the mark of its end stands in a JPEG, a thumbnail's left aside (ISO 10918-1, B.1).

    Anything may follow it: phones put seconds of video there.
    """
    at = 2
    while 0 <= (at := data.find(b"\xff", at)) < len(data) - 1:
        mark = data[at + 1]
        if mark == _JPEG_END:
            return True
        if mark == 0xFF:  # fills up
            at += 1
        else:
            at += 2 if mark in _JPEG_ALONE else 2 + int.from_bytes(data[at + 2 : at + 4])
    return False


def _as_png(data: bytes) -> bytes:
    picture = _bgr(data)
    assert picture is not None
    return data if data.startswith(b"\x89PNG") else bytes(cv2.imencode(".png", picture)[1])
