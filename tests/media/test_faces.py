"""Crops of faces: their place, and how much of them is picture."""

import numpy as np
import pytest

from tests.builders import drawn_face, find_faces
from voiceface.media import faces


@pytest.fixture(scope="module")
def seen() -> tuple[np.ndarray, np.ndarray]:
    """A picture of 640 × 360 with a face, and its landmarks."""
    picture = np.full((360, 640, 3), 90, np.uint8)
    picture[70:290, 200:420] = drawn_face(np.full(8, 0.5), np.random.default_rng(0), 220)
    return picture, faces.find_landmarks(picture, find_faces(picture)[0])


def test_a_thumb_shows_eyes_and_lips_in_their_places(seen: tuple[np.ndarray, np.ndarray]) -> None:
    landmarks = seen[1]
    marked = np.zeros((360, 640), np.uint8)
    eyes, lips = landmarks[36:48].mean(axis=0), landmarks[48:68].mean(axis=0)
    for x, y in (eyes, lips):
        marked[round(y) - 6 : round(y) + 6, round(x) - 6 : round(x) + 6] = 255
    rows = np.flatnonzero(faces.thumb(marked, landmarks, 64).max(axis=1) > 128)
    assert rows.min() == pytest.approx(32 - 0.2 * 64, abs=5)
    assert rows.max() == pytest.approx(32 + 0.2 * 64, abs=5)


def test_a_height_is_about_that_of_the_box(seen: tuple[np.ndarray, np.ndarray]) -> None:
    picture, landmarks = seen
    box = find_faces(picture)[0]
    assert faces.face_height(landmarks) == pytest.approx(box.height, rel=0.35)
    assert faces.face_height(landmarks * 3) == pytest.approx(3 * faces.face_height(landmarks))


def test_the_share_outside_is_that_of_the_black_in_the_crop(
    seen: tuple[np.ndarray, np.ndarray],
) -> None:
    picture, landmarks = seen
    assert faces.outside_share(landmarks, 640, 360, 0.35) == 0
    for cut in (250, 290):
        part, moved = np.full_like(picture[:, cut:], 255), landmarks - [cut, 0]
        crop, _ = faces.align(part, moved.astype(np.float32), 128, 0.35)
        black = float((crop.max(axis=2) == 0).mean())
        assert faces.outside_share(moved, 640 - cut, 360, 0.35) == pytest.approx(black, abs=0.03)
        assert black > 0.02
