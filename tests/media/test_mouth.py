"""Mouths: how far they open, and whether they go with a sound."""

import numpy as np
import pytest

from voiceface.media.mouth import Sound, lip_sync, mouth_motion, mouth_openings

RATE = 16_000


def _face(opening: float, size: float = 1.0, angle: float = 0.0) -> np.ndarray:
    """Landmarks with the lips that far apart, in units of the eyes' distance: (68, 2)."""
    points = np.zeros((68, 2))
    points[36], points[45] = (-50, 0), (50, 0)
    for upper, lower, x in zip((50, 51, 52), (58, 57, 56), (-10, 0, 10), strict=True):
        points[upper], points[lower] = (x, 60 - 50 * opening), (x, 60 + 50 * opening)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return size * points @ turn.T


def _syllables(seconds: float = 4.0) -> tuple[np.ndarray, np.ndarray]:
    """Noise whose loudness comes and goes, int16; and its envelope per sample, 0 to 1."""
    rng = np.random.default_rng(5)
    time = np.arange(round(seconds * RATE)) / RATE
    envelope = np.clip(np.sin(2 * np.pi * 3.1 * time) * np.sin(2 * np.pi * 0.7 * time), 0, 1)
    return (rng.normal(0, 6000, len(time)) * envelope).astype(np.int16), envelope


def test_an_opening_is_the_same_at_any_size_and_tilt() -> None:
    faces = np.stack([_face(0.3), _face(0.3, size=4), _face(0.3, angle=0.6)])
    assert mouth_openings(faces) == pytest.approx([0.3, 0.3, 0.3])


def test_a_still_mouth_does_not_move_and_a_few_frames_tell_nothing() -> None:
    assert mouth_motion(np.full(8, 0.3)) == pytest.approx(0)
    assert mouth_motion(np.array([0.2, 0.4] * 4)) == pytest.approx(0.1)
    assert mouth_motion(np.array([0.2, 0.4])) is None
    assert mouth_motion(np.empty(0)) is None


def test_the_level_is_that_of_the_time_and_has_a_floor() -> None:
    pcm = np.zeros(2 * RATE, np.int16)
    pcm[RATE:] = np.random.default_rng(0).normal(0, 8000, RATE)
    quiet, loud = Sound(pcm, RATE).level(np.array([0.5, 1.5]))
    assert quiet == pytest.approx(-40)
    assert -15 < loud < 0


@pytest.mark.parametrize("late_s", [0.0, 0.04, 0.08])
def test_a_mouth_that_follows_the_sound_agrees_with_it(late_s: float) -> None:
    pcm, envelope = _syllables()
    times = np.arange(0.5, 2.5, 0.1)
    openings = 0.2 + 0.3 * envelope[np.round((times + late_s) * RATE).astype(int)]
    agreement = lip_sync(openings, times, Sound(pcm, RATE))
    assert agreement is not None
    assert agreement > 0.7


def test_a_mouth_that_says_something_else_does_not() -> None:
    pcm, envelope = _syllables()
    times = np.arange(0.5, 2.5, 0.1)
    openings = 0.2 + 0.3 * envelope[np.round((times + 1.17) * RATE).astype(int)]
    agreement = lip_sync(openings, times, Sound(pcm, RATE))
    assert agreement is not None
    assert agreement < 0.3


def test_where_nothing_changes_there_is_no_agreement_to_measure() -> None:
    pcm, envelope = _syllables()
    times = np.arange(0.5, 2.5, 0.1)
    openings = envelope[np.round(times * RATE).astype(int)]
    assert lip_sync(np.full(len(times), 0.2), times, Sound(pcm, RATE)) is None
    assert lip_sync(openings, times, Sound(np.zeros(4 * RATE, np.int16), RATE)) is None
    assert lip_sync(openings[:5], times[:5], Sound(pcm, RATE)) is None
