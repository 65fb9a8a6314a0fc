"""A voice that is not the usual one of a video is told, the usual one is not."""

from pathlib import Path

import numpy as np

from tests.media.test_voice_change import ALONE, real_parts
from tests.voice_builder import RATE, spoken
from voiceface.config import Samples
from voiceface.media.cepstra import cepstra
from voiceface.media.voice_print import voice_distances, voice_print

MOST = Samples().max_voice_distance
assert MOST is not None


def _prints(parts: list[np.ndarray]) -> np.ndarray:
    return np.stack([voice_print(cepstra(part, RATE)) for part in parts])


def _drawn(person: int) -> np.ndarray:
    return _prints([spoken(person, seed=seed) for seed in range(6)])


def test_another_voice_is_far_from_the_usual_one() -> None:
    people = [_drawn(person) for person in range(4)]
    usual = np.array([True] * 6 + [False] * 18)
    for number, own in enumerate(people):
        others = np.concatenate([one for n, one in enumerate(people) if n != number])
        distances = voice_distances(np.concatenate([own, others]), usual)
        assert (distances[:6] < MOST).all()
        assert (distances[6:] > MOST).mean() > 0.7


def test_real_people_are_told_from_each_other_and_not_from_themselves(real_videos: Path) -> None:
    people = [_prints(real_parts(real_videos, name)) for name in ALONE]
    count = len(people[0])
    usual = np.arange(len(ALONE) * count) < count
    for number, own in enumerate(people):
        others = np.concatenate([one for n, one in enumerate(people) if n != number])
        distances = voice_distances(np.concatenate([own, others]), usual)
        assert (distances[:count] < MOST).all()
        assert (distances[count:] > MOST).mean() > 0.8


def test_silence_has_a_print_and_a_distance() -> None:
    prints = _prints([np.zeros(4 * RATE, np.int16)] * 4)
    assert np.isfinite(voice_distances(prints, np.ones(4, bool))).all()
