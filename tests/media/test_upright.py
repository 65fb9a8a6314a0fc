"""A frame looks as a player shows it: turned by the display matrix, with square pixels."""

from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest

from tests.flash_builder import ffmpeg, heard_s, make_flashes, seen_s
from tests.media_builder import make_media
from voiceface.media.frames import decode_looks

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


def test_a_turned_picture_is_in_step(tmp_path: Path) -> None:
    clip = make_flashes(tmp_path / "clip.mp4")
    media = ffmpeg(tmp_path / "a.mp4", "-display_rotation", "90", "-i", str(clip), "-c", "copy")
    heard = heard_s(media)
    assert seen_s(media, heard) == pytest.approx(heard, abs=0.02)
