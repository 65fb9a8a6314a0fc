"""Scores of a face's picture."""

import cv2
import numpy as np
import pytest

from tests.builders import drawn_face
from voiceface.media import quality

GOOD = {"eyes": 0.3, "yaw_deg": 0.0, "pitch_deg": 0.0, "sharp": 500.0, "bright": 130.0, "sure": 1.5}


def _crop(seed: int, size: int = 128) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.ascontiguousarray(drawn_face(rng.random(8), rng, size))


def _eyes(opening: float) -> np.ndarray:
    points = np.zeros((68, 2))
    for x, first in ((0, 36), (50, 42)):
        points[first], points[first + 3] = (x, 0), (x + 30, 0)
        points[[first + 1, first + 2]] = [(x + 10, -15 * opening), (x + 20, -15 * opening)]
        points[[first + 5, first + 4]] = [(x + 10, 15 * opening), (x + 20, 15 * opening)]
    return points


def test_a_blurred_crop_is_less_sharp_and_a_dark_one_less_bright() -> None:
    crop = _crop(1)
    assert quality.sharpness(cv2.GaussianBlur(crop, (0, 0), 3)) < 0.3 * quality.sharpness(crop)
    assert quality.brightness(crop // 4) < 0.3 * quality.brightness(crop)


def test_eyes_are_measured_as_height_over_width() -> None:
    assert quality.eyes_open(_eyes(0.3)) == pytest.approx(0.3)
    assert quality.eyes_open(_eyes(0.1)) == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("name", "worse"),
    [
        *(("eyes", 0.14), ("yaw_deg", 40.0), ("pitch_deg", -30.0), ("sharp", 5.0)),
        *(("bright", 20.0), ("bright", 245.0), ("sure", -0.4)),
    ],
)
def test_a_frame_is_worse_for_each_thing_that_is_wrong_with_it(name: str, worse: float) -> None:
    good = quality.frame_score(**GOOD)
    assert 0 < quality.frame_score(**(GOOD | {name: worse})) < 0.7 * good
    assert 0.8 < good <= 1


def test_no_score_is_above_what_the_eyes_allow() -> None:
    for eyes in (0.1, 0.18, 0.3):
        assert quality.frame_score(**(GOOD | {"eyes": eyes})) <= quality.best_score(eyes)


def print_distance(one: bytes, other: bytes) -> int:
    """Bits, 0 to 256, in which two prints differ."""
    return (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).bit_count()


def test_a_print_survives_a_new_encoding_and_tells_faces_apart() -> None:
    crops = [_crop(seed) for seed in range(6)]
    prints = [quality.face_print(crop) for crop in crops]
    assert all(len(one) == 32 for one in prints)
    for crop, one in zip(crops, prints, strict=True):
        jpeg = cv2.imencode(".jpg", crop, [cv2.IMWRITE_JPEG_QUALITY, 60])[1]
        again = quality.face_print(cv2.imdecode(jpeg, cv2.IMREAD_COLOR))
        smaller = quality.face_print(cv2.resize(crop, (64, 64), interpolation=cv2.INTER_AREA))
        assert print_distance(one, again) < 40
        assert print_distance(one, smaller) < 40
    between = [print_distance(a, b) for n, a in enumerate(prints) for b in prints[:n]]
    assert min(between) > 0
    assert print_distance(prints[0], prints[0]) == 0


def test_a_hand_over_the_mouth_is_seen_once_the_face_is_known() -> None:
    rng = np.random.default_rng(0)
    face = cv2.resize(cv2.cvtColor(_crop(2), cv2.COLOR_RGB2GRAY), (64, 64))
    usual = quality.UsualFace()
    assert usual.occlusion(face) is None
    for _ in range(6):
        usual.add(np.clip(face * rng.uniform(0.7, 1.2) + rng.normal(0, 3, (64, 64)), 0, 255))
    assert usual.occlusion((face * 0.6).astype(np.uint8)) == 0  # another light is no hand
    covered = face.copy()
    covered[34:60, 10:54] = 30
    hidden = usual.occlusion(covered)
    assert hidden is not None
    assert hidden > 0.2
