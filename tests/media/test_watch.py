"""Following faces: the right one, with and without the detector."""

from fractions import Fraction

import av
import cv2
import numpy as np
import pytest

from tests.builders import drawn_face
from voiceface.media.frames import Frame
from voiceface.media.watch import Watcher

TRAITS = np.full(8, 0.5)
OTHER = np.full(8, 0.15)
UNLIKE = np.array([0.95, 0.05, 0.05, 0.95, 0.95, 0.95, 0.95, 0.95])


def _face(traits: np.ndarray, seed: int = 0) -> np.ndarray:
    return drawn_face(traits, np.random.default_rng(seed), 220)


def _frame(
    faces: list[tuple[np.ndarray, int]], time_us: int, *, full: bool = True, noise: int = 0
) -> Frame:
    """A picture of 640 × 360 with each face at its x."""
    picture = np.full((360, 640, 3), 90, np.uint8)
    for face, x in faces:
        picture[70:290, x : x + 220] = face
    picture[0, 0] = noise % 256
    picture[300:] = noise % 256
    coded = av.VideoFrame.from_ndarray(picture, "rgb24").reformat(format="yuv420p")
    return Frame(0, time_us, full, coded, Fraction(1))


def _watcher(keep: int = 1, chosen: int = 0) -> Watcher:
    return Watcher(
        detect_width=320, upsample_on_miss=1, keep=keep, choose=lambda frame, landmarks: chosen
    )


def test_a_face_is_found_where_it_is() -> None:
    finding = _watcher().segment([_frame([(_face(TRAITS), 300)], 0)])
    assert finding.faces == 1
    (sight,) = finding.best
    assert sight.landmarks[:, 0].mean() == pytest.approx(410, abs=15)
    assert sight.landmarks[36:48, 1].mean() < sight.landmarks[48:68, 1].mean()
    assert sight.thumb.shape == (64, 64)


def test_without_a_face_there_is_nothing() -> None:
    finding = _watcher().segment([_frame([], time_us) for time_us in (0, 100_000)])
    assert finding.faces == 0
    assert finding.best == []
    assert len(finding.mouth.openings) == 0


def test_a_face_is_followed_without_the_detector_for_a_while() -> None:
    face = _face(TRAITS)
    frames = [_frame([(face, 200)], 0)]
    frames += [_frame([(face, 200 + 8 * n)], 100_000 * n, full=False) for n in range(1, 6)]
    frames += [_frame([(face, 400)], 3_000_000, full=False)]  # too late
    finding = _watcher().segment(frames)
    assert finding.mouth.times_us == [100_000 * n for n in range(6)]
    middle = [points[:, 0].mean() for points in finding.mouth.landmarks]
    assert middle[-1] - middle[0] == pytest.approx(40, abs=8)


def test_the_main_face_is_the_one_that_was_there_before() -> None:
    main, other = _face(TRAITS), _face(OTHER, 3)
    watcher = _watcher(chosen=0)
    watcher.segment([_frame([(main, 380)], 0)])
    finding = watcher.segment([_frame([(other, 30), (main, 380)], 5_000_000)])
    assert finding.faces == 2
    assert finding.best[0].landmarks[:, 0].mean() > 380
    assert len(finding.others) == 1
    assert finding.others[0].landmarks[0][:, 0].mean() < 250


def test_after_a_cut_the_main_face_is_told_by_its_looks() -> None:
    main, other = _face(TRAITS), _face(OTHER, 3)
    asked = []

    def choose(frame: Frame, landmarks: list[np.ndarray]) -> int:
        asked.append(len(landmarks))
        return int(np.argmin([points[:, 0].mean() for points in landmarks]))

    watcher = Watcher(detect_width=320, upsample_on_miss=1, keep=1, choose=choose)
    watcher.segment([_frame([(main, 205)], 0)])  # before the cut, where nobody is after it
    finding = watcher.segment([_frame([(main, 30), (other, 380)], 5_000_000)])
    assert asked == [2]
    assert finding.best[0].landmarks[:, 0].mean() < 250


@pytest.mark.parametrize(("known", "middle"), [(True, 140), (False, 490)])
def test_who_comes_to_the_main_face_s_place_is_the_main_one_only_where_nobody_knows_better(
    known: bool, middle: int
) -> None:
    main, other = _face(TRAITS), _face(UNLIKE)

    def choose(frame: Frame, landmarks: list[np.ndarray]) -> int | None:
        return int(np.argmin([points[0, 0] for points in landmarks])) if known else None

    watcher = Watcher(detect_width=320, upsample_on_miss=1, keep=1, choose=choose)
    watcher.segment([_frame([(main, 380)], 0)])
    finding = watcher.segment([_frame([(main, 30), (other, 380)], 5_000_000)])
    assert finding.best[0].landmarks[:, 0].mean() == pytest.approx(middle, abs=20)


@pytest.mark.parametrize("x", [380, 160])  # where B was; after a cut, between both
def test_whoever_is_alone_after_two_keeps_a_mouth_of_its_own(x: int) -> None:
    main, other = _face(TRAITS), _face(UNLIKE)
    watcher = _watcher(chosen=0)
    watcher.segment([_frame([(main, 30)], 0)])
    frames = [
        _frame([(main, 30), (other, 380)], 5_000_000),
        _frame([(other, x)], 6_000_000),
        _frame([(other, x)], 6_100_000, full=False),
        _frame([(main, x)], 7_000_000),
    ]
    finding = watcher.segment(frames)
    assert finding.mouth.times_us == [5_000_000, 7_000_000]
    assert [mouth.times_us for mouth in finding.others] == [[5_000_000, 6_000_000, 6_100_000]]
    finding = watcher.segment([_frame([(other, x)], 9_000_000)])  # the segment's only one
    assert finding.mouth.times_us == [9_000_000]


def test_others_are_told_apart_by_their_places() -> None:
    watcher = Watcher(detect_width=640, upsample_on_miss=0, keep=1, choose=lambda *_: None)
    shown = {
        x: cv2.resize(_face(traits), (200, 200))
        for x, traits in ((5, OTHER), (220, TRAITS), (435, UNLIKE))
    }
    frames = []
    for time_us, places in enumerate([(220,), (5, 220, 435), (220, 435), (5, 220)]):
        picture = np.full((360, 640, 3), 90, np.uint8)
        for x in places:
            picture[80:280, x : x + 200] = shown[x]
        coded = av.VideoFrame.from_ndarray(picture, "rgb24")
        frames.append(Frame(0, time_us * 1_000_000, True, coded, Fraction(1)))
    finding = watcher.segment(frames)
    assert finding.faces == 3
    for seen, count in zip((finding.mouth, *finding.others), (4, 2, 2), strict=True):
        middles = [points[:, 0].mean() for points in seen.landmarks]
        assert len(middles) == count
        assert max(middles) - min(middles) < 20


def test_the_frames_kept_are_apart_and_the_best_is_first() -> None:
    face = _face(TRAITS)
    frames = [_frame([(face, 200)], 200_000 * n) for n in range(8)]
    best = _watcher(keep=3).segment(frames).best
    times = sorted(sight.frame.time_us for sight in best)
    assert len(best) == 3
    assert min(np.diff(times)) >= 500_000
    assert [sight.score for sight in best] == sorted((s.score for s in best), reverse=True)


def test_the_motion_is_that_of_the_stillest_place() -> None:
    face = _face(TRAITS)
    moving = [_frame([(face, 200)], 100_000 * n, full=n == 0, noise=40 * n) for n in range(4)]
    frozen = [_frame([(face, 200)], 2_000_000 + 120_000 * n, full=n == 0) for n in range(2)]
    moves = _watcher().segment(moving).motion
    assert moves is not None
    assert moves > 1
    assert _watcher().segment([*moving, *frozen]).motion == 0
    assert _watcher().segment(moving[:1]).motion is None
