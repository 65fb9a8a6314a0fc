"""The bootstrap over speakers is as wide as the theory says, and knows whose values are whose."""

import numpy as np
import pytest

from voiceface.evaluation.intervals import interval, median, of_mean, of_median


def test_with_one_value_each_it_is_the_normal_interval_of_a_mean() -> None:
    values = np.random.default_rng(0).normal(10, 2, 400)
    low, high = of_mean(values, np.arange(400), seed=0) or (0, 0)
    half = 1.96 * values.std() / 20
    assert (low + high) / 2 == pytest.approx(values.mean(), abs=0.05 * half)
    assert (high - low) / 2 == pytest.approx(half, rel=0.06)


def test_more_values_that_say_the_same_make_it_no_narrower() -> None:
    values = np.random.default_rng(1).normal(0, 1, 50)
    once = of_mean(values, np.arange(50), seed=0)
    often = of_mean(np.repeat(values, 30), np.repeat(np.arange(50), 30), seed=0)
    assert often == pytest.approx(once)


def test_it_covers_the_truth_as_often_as_it_says() -> None:
    random = np.random.default_rng(2)
    people = np.repeat(np.arange(30), 5)
    covered = 0
    for trial in range(200):
        values = random.normal(0, 1, 30)[people] + random.normal(0, 1, 150)
        low, high = of_mean(values, people, seed=trial) or (0, 0)
        covered += low <= 0 <= high
    assert 0.88 <= covered / 200 <= 0.98  # 95 %, less the few per cent of 30 speakers


def test_a_few_speakers_have_no_interval() -> None:
    assert of_mean(np.arange(20.0), np.arange(20) % 2, seed=0) is None
    assert of_mean(np.arange(20.0), np.arange(20) % 3, seed=0) is not None


def test_the_median_is_that_of_the_drawn_speakers() -> None:
    values = np.array([3.0, 1.0, 2.0, 9.0, 7.0, 8.0])
    people = np.array([4, 4, 4, 6, 6, 6])
    assert median(values) == 3
    assert median(values[:5]) == 3
    assert of_median(values, people, seed=0) is None
    low, high = of_median(np.tile(values, 8), np.repeat(np.arange(16), 3), seed=0) or (0, 0)
    assert 1 <= low <= 3 <= high <= 9
    assert {low, high} <= set(values)


def test_draws_without_a_value_do_not_count() -> None:
    def first_alone(drawn: np.ndarray) -> np.ndarray:
        return np.where(drawn[:, 0] > 0, drawn[:, 0].clip(max=2), np.nan)

    assert interval(4, 0, first_alone) == (1, 2)


def test_where_all_voices_are_right_there_is_none() -> None:
    assert of_mean(np.full(20, 100.0), np.arange(20) % 5, seed=0) is None
