from collections.abc import Callable, Sized
from functools import cache
from itertools import combinations

import cv2
import dlib
import numpy as np
import pytest

from voiceface.demo.camera import Camera, mouth_openings
from voiceface.demo.head import EYE_Y
from voiceface.demo.picture import Head, Look, Planes, Pose
from voiceface.demo.props import PROPS
from voiceface.demo.scene import HEIGHT, WIDTH, room
from voiceface.demo.script import RATE_HZ, Script, deck, write_script
from voiceface.demo.sound import loudness
from voiceface.demo.traits import guest_traits, speaker_traits
from voiceface.demo.voice import EMOTIONS

FRAMES_PER_S = 10


@cache
def detector() -> Callable[[np.ndarray, int], Sized]:
    return dlib.get_frontal_face_detector()


@cache
def head_of(index: int, seed: int) -> Head:
    return Head(speaker_traits(index, seed))


def faces(picture: np.ndarray) -> int:
    """Faces that dlib finds in an I420 picture at 320 pixels width."""
    small = cv2.resize(picture[:HEIGHT], (320, 180), interpolation=cv2.INTER_AREA)
    return len(detector()(small, 0))


def portrait(index: int, look: Look, seed: int = 0, yaw: float = 0.0) -> np.ndarray:
    picture = Planes(np.full((HEIGHT * 3 // 2, WIDTH), 128, np.uint8))
    head_of(index, seed).draw(Pose(640, 305, 0.0, 0.89, yaw, 0.0), look, picture)
    return picture.data


class Film:
    """Every trouble one after the other, and frames of any of them."""

    def __init__(self) -> None:
        person = speaker_traits(0, 0)
        guest = guest_traits(1, 0, person)
        self.script: Script = write_script(person, guest, 150.0, deck(0, 0, 0), [0], clean_s=0.0)
        self.at_s = np.arange(0, 150, 1 / FRAMES_PER_S)
        self._camera = Camera(person, guest, self.script, self.at_s, [0])

    def frames(self, trouble: str, count: int = 4) -> list[np.ndarray]:
        stretch = next(s for s in self.script.stretches if s.trouble == trouble)
        first = int(np.searchsorted(self.at_s, stretch.start_s))
        self._camera.frame(first - 1)  # a frozen picture is the one before it
        return [self._camera.frame(first + number).copy() for number in range(count)]


@pytest.fixture(scope="module")
def film() -> Film:
    return Film()


def sharpness(picture: np.ndarray) -> float:
    """Of the face, without the camera's noise, which lies over a blur."""
    face = cv2.blur(picture[150:500, 480:800], (3, 3))
    return float(cv2.Laplacian(face, cv2.CV_64F).var())


def test_every_speakers_face_is_found_in_every_mood_alone() -> None:
    looks = [Look(mood, opening) for mood in EMOTIONS for opening in (0.0, 0.9)]
    # A detector's miss in fifty is allowed, so that a new hair style need not be perfect.
    found = [faces(portrait(i, look, yaw=9)) for i in range(8) for look in looks[i % 2 :: 2]]
    assert np.mean(np.array(found) == 1) >= 0.98


def test_the_other_seed_makes_other_faces_and_the_same_one_the_same() -> None:
    look = Look("happiness", 0.5)
    assert np.array_equal(portrait(0, look), portrait(0, look))
    others = [portrait(0, look, seed) for seed in range(4)]
    for one, other in combinations(others, 2):
        assert np.abs(one[:HEIGHT].astype(int) - other[:HEIGHT]).mean() > 3


@pytest.mark.parametrize(
    ("trouble", "seen"),
    [
        ("turned", 0), ("none", 0), ("small", 0), ("silence", 1), ("guest", 1), ("photo", 1),
        ("dubbed", 1), ("listening", 1), ("overexposed", 1), ("two", 2), ("poster", 2),
        ("guest_talks", 2),
    ],
)  # fmt: skip
def test_as_many_faces_are_found_as_the_truth_says(film: Film, trouble: str, seen: int) -> None:
    assert [faces(frame) for frame in film.frames(trouble)] == [seen] * 4


def test_a_frozen_picture_stands_still_and_no_other_does(film: Film) -> None:
    for trouble in ("frozen", "silence", "cuts", "none", "turned", "dark", "blur"):
        for one, other in combinations(film.frames(trouble, 3), 2):
            assert np.array_equal(one, other) == (trouble == "frozen")


def test_only_the_camera_s_noise_changes_a_photograph(film: Film) -> None:
    def change(trouble: str) -> float:
        one, other = (cv2.blur(f[:HEIGHT], (9, 9)).astype(int) for f in film.frames(trouble, 2))
        return float(np.abs(one - other).max())

    assert change("photo") <= 2 < change("silence")


def test_darkness_is_dark_and_glaring_light_is_white_and_blur_is_blurred(film: Film) -> None:
    usual = film.frames("silence")[0]
    assert film.frames("dark")[0][:HEIGHT].mean() < 0.4 * usual[:HEIGHT].mean()
    assert np.median(film.frames("overexposed")[0][200:420, 540:740]) > 225
    assert sharpness(film.frames("blur")[0]) < 0.3 * sharpness(usual)


def test_the_mouth_opens_with_the_loudness(film: Film) -> None:
    voice = film.script.main
    opening = mouth_openings(voice, RATE_HZ, film.at_s)
    assert np.corrcoef(opening, loudness(voice, RATE_HZ, film.at_s))[0, 1] > 0.9
    shut = portrait(2, Look(opening=0.0)).astype(int)
    changes = [np.abs(portrait(2, Look(opening=o)) - shut).sum() for o in (0.2, 0.5, 1.0)]
    assert 0 < changes[0] < changes[1] < changes[2]


def test_a_mouth_that_listens_stays_shut_and_a_dubbed_one_moves_otherwise(film: Film) -> None:
    shown = mouth_openings(film.script.main + film.script.unheard, RATE_HZ, film.at_s)
    heard = mouth_openings(film.script.guest, RATE_HZ, film.at_s)

    def during(trouble: str) -> tuple[np.ndarray, np.ndarray]:
        stretch = next(s for s in film.script.stretches if s.trouble == trouble)
        inside = (film.at_s > stretch.start_s + 0.1) & (film.at_s < stretch.end_s - 0.1)
        return shown[inside], heard[inside]

    mouth, voice = during("listening")
    assert mouth.max() == 0 < voice.mean()
    mouth, voice = during("dubbed")
    assert mouth.mean() > 0.2 < voice.mean()
    assert abs(np.corrcoef(mouth, voice)[0, 1]) < 0.5


@pytest.mark.parametrize("kind", PROPS)
def test_what_is_held_before_a_mouth_covers_it_and_leaves_the_eyes(kind: str) -> None:
    look, pose = Look(opening=0.5), Pose(640, 305, 0.0, 0.89, 0.0, 0.0)
    free = portrait(2, look)
    covered = Planes(free.copy())
    head_of(2, 0).draw_prop(pose, kind, covered)
    change = np.abs(covered.y.astype(int) - free[:HEIGHT])
    mouth_y = round(305 + (head_of(2, 0).shape.mouth_y - EYE_Y) * 0.89)
    assert np.mean(change[mouth_y - 15 : mouth_y + 25, 610:670] > 4) > 0.8
    assert not change[270:330].any()


def test_a_blink_shuts_the_eyes() -> None:
    change = np.abs(portrait(2, Look(lids=0.0)).astype(int) - portrait(2, Look()))[:HEIGHT]
    rows = np.flatnonzero(change.max(1) > 30)
    assert 240 < rows.min() < 305 < rows.max() < 370


def test_rooms_differ() -> None:
    pictures = [room(speaker_traits(index, 0)) for index in range(4)]
    assert min(np.abs(a - b).mean() for a, b in combinations(pictures, 2)) > 0.03
