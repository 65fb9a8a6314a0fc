"""Bit-identical stretches of sound: found wherever they were cut, and only they."""

import time

import numpy as np
import pytest

from voiceface.stretches import LEAST_SAMPLES, StretchIndex, shared_stretch


def noise(rng: np.random.Generator, count: int = 4000) -> np.ndarray:
    return rng.integers(-3000, 3000, count).astype(np.int16)


def longest(one: np.ndarray, other: np.ndarray) -> int:
    """The longest stretch that the index finds in both."""
    index = StretchIndex(iter([(0, 0, one)]))
    hits = list(index.find(other))
    return max((shared_stretch(other, at, one, there)[2] for at, _, there in hits), default=0)


@pytest.mark.parametrize("shift", range(0, 32, 5))
@pytest.mark.parametrize("length", [63, 64, 99, 2000])
def test_a_stretch_of_64_samples_or_more_is_measured_at_any_place(shift: int, length: int) -> None:
    rng = np.random.default_rng(shift)
    one, other = noise(rng), noise(rng)
    other[701 : 701 + length] = one[400 + shift : 400 + shift + length]
    other[700], other[701 + length] = one[399 + shift] + 1, one[400 + shift + length] + 1
    assert longest(one, other) == (length if length >= LEAST_SAMPLES else 0)


def test_silence_a_click_and_a_square_wave_are_no_stretch() -> None:
    rng = np.random.default_rng(0)
    quiet = rng.integers(-2, 3, 900).astype(np.int16)
    click = np.zeros(900, np.int16)
    click[450] = 20_000
    square = np.tile(np.repeat([9000, -9000], 20), 30).astype(np.int16)
    for same in (quiet, click, square):
        one, other = (np.concatenate([noise(rng, 333), same, noise(rng, 333)]) for _ in range(2))
        assert longest(one, other) == 0


def test_full_scale_samples_do_not_overflow() -> None:
    rng = np.random.default_rng(1)
    loud = rng.choice([-32_768, 32_767, 5, -7, 900, -800, 77, 12, 3000], 500).astype(np.int16)
    assert longest(loud, np.concatenate([noise(rng, 41), loud])) == 500


def test_clips_too_short_or_none_are_no_hit() -> None:
    assert list(StretchIndex(iter([])).find(noise(np.random.default_rng(0)))) == []
    index = StretchIndex(iter([(0, 0, np.ones(5, np.int16))]))
    assert list(index.find(np.ones(31, np.int16))) == []


def test_what_all_clips_share_is_not_found_over_and_over() -> None:
    rng = np.random.default_rng(2)
    jingle = noise(rng, 8000)
    index = StretchIndex((n, 0, np.concatenate([jingle, noise(rng, 500)])) for n in range(400))
    start = time.process_time()
    found: set[int] = set()
    for _ in range(50):
        for _, clip, _ in index.find(jingle):
            found.add(clip)
            index.drop(clip)
    assert len(found) == 400
    assert time.process_time() - start < 5
