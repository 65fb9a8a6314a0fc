"""A frame looks as a player shows it: turned by the display matrix, with square pixels."""

import struct
from fractions import Fraction
from pathlib import Path

import av
import cv2
import imageio_ffmpeg
import numpy as np
import pytest

from tests.flash_builder import ffmpeg, heard_s, make_flashes, seen_s
from tests.media_builder import make_media
from voiceface.media.frames import Frame, decode_looks

SECOND = 1_000_000
# Four corners of four brightnesses: no turn and no mirroring looks like another.
CORNERS = (
    "color=0x202020:s={size}:r=25:d=2,drawbox=0:0:iw/2:ih/2:0xe0e0e0:fill"
    ",drawbox=iw/2:0:iw/2:ih/2:0xa0a0a0:fill,drawbox=0:ih/2:iw/2:ih/2:0x606060:fill"
)


def _corners(rgb: np.ndarray) -> list[int]:
    """Mean brightness of the four quarters, row by row."""
    height, width = rgb.shape[0] // 2, rgb.shape[1] // 2
    quarters = (rgb[y : y + height, x : x + width] for y in (0, height) for x in (0, width))
    return [round(float(quarter.mean())) for quarter in quarters]


def _aspect(rgb: np.ndarray) -> float:
    return rgb.shape[1] / rgb.shape[0]


def _shown(media: Path, folder: Path) -> np.ndarray:
    """The first frame as ffmpeg shows it: turned by itself, made square by a filter."""
    png = ffmpeg(folder / "shown.png", "-i", str(media), "-vf", "scale=iw*sar:ih", "-frames:v", "1")
    reader = imageio_ffmpeg.read_frames(str(png), pix_fmt="rgb24")
    width, height = next(reader)["size"]
    return np.frombuffer(next(reader), np.uint8).reshape(height, width, 3)


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
@pytest.mark.parametrize("aspect", ["1", "4/3", "16/15"])
@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_a_frame_is_shown_as_a_player_shows_it(
    tmp_path: Path, name: str, turn: int, aspect: str
) -> None:
    picture = CORNERS.format(size="320x240") + f",setsar={aspect}"
    plain = make_media(tmp_path / "plain.mp4", picture=picture, seconds=2)
    media = make_media(tmp_path / name, remux_of=plain, rotate=turn)
    frame = next(decode_looks(media, [(0, SECOND)], 1))
    expected = _shown(media, tmp_path)
    # ffmpeg makes a lying picture's pixels square by taking from its width: fewer, the same shape.
    assert _aspect(frame.rgb) == pytest.approx(_aspect(expected), rel=0.01)
    assert frame.rgb.shape[0] >= expected.shape[0]
    assert _corners(frame.rgb) == pytest.approx(_corners(expected), abs=3)


def test_the_four_turns_are_four_pictures(tmp_path: Path) -> None:
    plain = make_media(tmp_path / "plain.mp4", picture=CORNERS.format(size="320x240"), seconds=2)
    seen = []
    for turn in (0, 90, 180, 270):
        media = make_media(tmp_path / "a.mp4", remux_of=plain, rotate=turn)
        seen.append(_corners(next(decode_looks(media, [(0, SECOND)], 1)).rgb))
    light = [np.argmax(corners) for corners in seen]
    assert light == [
        0,
        2,
        3,
        1,
    ]  # counter-clockwise: top left, bottom left, bottom right, top right


@pytest.mark.parametrize("mirror", ["-display_hflip", "-display_vflip"])
@pytest.mark.parametrize("turn", ["0", "90"])
def test_a_mirrored_picture_is_shown_as_a_player_shows_it(
    tmp_path: Path, mirror: str, turn: str
) -> None:
    picture = CORNERS.format(size="320x240")
    plain = make_media(tmp_path / "plain.mp4", picture=picture, sound=None, seconds=1)
    how = ("-display_rotation", turn, mirror, "-i", str(plain), "-c", "copy")
    media = ffmpeg(tmp_path / "a.mp4", *how)
    frame = next(decode_looks(media, [(0, SECOND)], 1))
    expected = _shown(media, tmp_path)
    assert frame.rgb.shape == expected.shape
    assert frame.size == expected.shape[1::-1]
    assert _corners(frame.rgb) == pytest.approx(_corners(expected), abs=3)
    assert np.argsort(_corners(frame.luma)).tolist() == np.argsort(_corners(expected)).tolist()


def test_a_picture_is_turned_though_its_camera_wrote_more_than_the_turn() -> None:
    # As a JPEG with Exif, orientation 6: the left is the top. PyAV has no name for Exif data.
    stored = np.zeros((240, 320, 3), np.uint8)
    stored[:, :160] = 255
    jpeg = cv2.imencode(".jpg", stored)[1].tobytes()
    tiff = b"MM\0*\0\0\0\x08" + struct.pack(">HHHIHHI", 1, 0x112, 3, 1, 6, 0, 0)
    exif = b"Exif\0\0" + tiff
    jpeg = jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + jpeg[2:]
    decoder = av.CodecContext.create("mjpeg", "r")
    (picture,) = [*decoder.decode(av.Packet(jpeg)), *decoder.decode(None)]
    frame = Frame(0, 0, True, picture, Fraction(1))
    assert frame.rgb.shape == (320, 240, 3)
    assert _corners(frame.rgb) == pytest.approx([255, 255, 0, 0], abs=3)


def test_a_turned_picture_is_in_step(tmp_path: Path) -> None:
    clip = make_flashes(tmp_path / "clip.mp4")
    media = ffmpeg(tmp_path / "a.mp4", "-display_rotation", "90", "-i", str(clip), "-c", "copy")
    heard = heard_s(media)
    assert seen_s(media, heard) == pytest.approx(heard, abs=0.02)
