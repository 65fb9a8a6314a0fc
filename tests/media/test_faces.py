"""Faces: the crop's place and how much of it is picture, the size, and where the head looks."""

from functools import cache

import cv2
import numpy as np
import pytest

from tests.builders import drawn_face, find_faces
from voiceface.config import Samples
from voiceface.demo.picture import Head, Look, Planes, Pose
from voiceface.demo.scene import HEIGHT, WIDTH
from voiceface.demo.traits import speaker_traits
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


@cache
def _drawn_head() -> Head:
    return Head(speaker_traits(4, seed=0))


def _landmarks(width: int, tilt: float = 0.0) -> np.ndarray:
    """Of a head of the demo world, in a picture of that width."""
    picture = Planes(np.full((HEIGHT * 3 // 2, WIDTH), 128, np.uint8))
    _drawn_head().draw(Pose(640, 305, tilt, 0.89, yaw=0, pitch=0), Look(), picture)
    size = (width, width * HEIGHT // WIDTH)
    grey = cv2.resize(picture.y, size, interpolation=cv2.INTER_AREA)
    rgb = cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB)
    return faces.find_landmarks(rgb, find_faces(rgb)[0])


def test_a_height_goes_with_the_picture_and_a_small_face_is_told() -> None:
    heights = {width: faces.face_height(_landmarks(width)) for width in (1280, 240, 160)}
    assert heights[240] == pytest.approx(heights[1280] * 240 / 1280, rel=0.06)
    assert heights[160] == pytest.approx(heights[1280] * 160 / 1280, rel=0.06)
    assert heights[160] < Samples().min_face_px < heights[240]


@pytest.mark.parametrize("tilt_deg", [-17, 0, 17])
def test_the_tilt_of_a_drawn_head_is_told(tilt_deg: int) -> None:
    landmarks = _landmarks(WIDTH, float(np.radians(tilt_deg)))
    assert faces.head_pose(landmarks, WIDTH, HEIGHT)[2] == pytest.approx(tilt_deg, abs=3)


# Of other proportions than the head that is fitted; x right, y down, z away: nose tip, chin, outer
# eye corners, mouth corners.
OTHER_HEAD = np.array(
    [
        (0, 0, 0),
        (0, 330, 65),
        (-225, -170, 135),
        (225, -170, 135),
        (-150, 150, 125),
        (150, 150, 125),
    ]
)


@pytest.mark.parametrize(
    "pose", [(0, 0, 0), (30, 0, 0), (-45, 0, 0), (58, 0, 0), (0, 25, 0), (0, -25, 0), (20, 10, 15)]
)
def test_where_a_head_of_other_proportions_looks_is_told(pose: tuple[int, int, int]) -> None:
    yaw, pitch, roll = (
        cv2.Rodrigues(np.radians(angle) * np.array(axis, float))[0]
        for angle, axis in zip(pose, ([0, 1, 0], [1, 0, 0], [0, 0, 1]), strict=True)
    )
    points = OTHER_HEAD / 450 @ (roll @ yaw @ pitch).T + [0.6, -0.4, 8]
    landmarks = np.zeros((68, 2), np.float32)
    landmarks[[30, 8, 36, 45, 48, 54]] = points[:, :2] / points[:, 2:] * WIDTH + [640, 360]
    told = faces.head_pose(landmarks, WIDTH, HEIGHT)
    assert told == pytest.approx(pose, abs=7)
    assert (abs(told[0]) > Samples().max_yaw_deg) == (abs(pose[0]) > Samples().max_yaw_deg)
