"""Pictures of one person as one media file."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from voiceface.media.pictures import read_pictures, write_pictures


def _jpeg(progressive: bool) -> bytes:
    noise = np.random.default_rng(0).integers(0, 256, (200, 300, 3), np.uint8)
    options = [cv2.IMWRITE_JPEG_PROGRESSIVE, int(progressive), cv2.IMWRITE_JPEG_RST_INTERVAL, 4]
    return bytes(cv2.imencode(".jpg", noise, options)[1])


@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_with_a_film_behind_its_end_is_whole_and_a_cut_one_is_not(
    tmp_path: Path, progressive: bool
) -> None:
    whole = _jpeg(progressive)
    thumbnail = b"\xff\xe1" + (len(whole[:60_000]) + 2).to_bytes(2) + whole[-60_000:]
    pictures = {
        "a": whole,
        "b": whole + bytes(100_000),
        "c": whole[: len(whole) * 2 // 3],
        "d": whole[:2] + thumbnail + whole[2:],
        "e": whole[:2] + thumbnail + whole[2:-1000],  # the thumbnail alone has its end
    }
    for name, data in pictures.items():
        (tmp_path / f"{name}.jpg").write_bytes(data)
    paths = sorted(tmp_path.glob("*.jpg"))
    count, damaged = write_pictures(paths, tmp_path / "o.mkv", lambda _, data: data)
    assert [path.stem for path in damaged] == ["c", "e"]
    shown = [one.rgb for one in read_pictures(tmp_path / "o.mkv")]
    assert count == len(shown) == 3
    assert all(np.array_equal(one, shown[0]) for one in shown)
