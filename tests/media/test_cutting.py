"""Where segments are cut."""

import itertools

import numpy as np
import pytest

from voiceface.media.cutting import Cutter

SECOND = 10  # frames
LENGTH = 4 * SECOND


def _cuts(starts: list[int], changes: list[int], ends: list[float] | None = None) -> list[int]:
    """Where segments begin, with what is known growing step by step."""
    cutter, found = Cutter(LENGTH, 1 / SECOND), []
    for end in ends or [np.inf]:
        known = [at for at in starts if at <= end]
        later = [at for at in changes if at <= end]
        found += [cut.start for cut in cutter.cut(known, later, end)]
    return found


def test_segments_follow_each_other_without_overlap() -> None:
    assert _cuts(list(range(121)), []) == [0, 40, 80, 120]


def test_a_segment_begins_where_somebody_speaks() -> None:
    assert _cuts([*range(33, 50), *range(90, 120)], []) == [33, 90]


def test_no_segment_is_cut_across_a_change() -> None:
    changes = [95, 260, 330]
    starts = _cuts(list(range(400)), changes)
    for start, change in itertools.product(starts, changes):
        assert not start < change < start + LENGTH
    assert len(starts) == 8


def test_a_segment_between_two_changes_lies_in_the_middle() -> None:
    (inside,) = [at for at in _cuts(list(range(300)), [100, 150]) if 100 <= at < 150]
    assert 103 <= inside <= 106


def test_between_two_near_changes_there_is_none() -> None:
    assert not [at for at in _cuts(list(range(300)), [100, 141]) if 100 <= at < 141]


def test_after_a_change_a_segment_keeps_away_from_it() -> None:
    assert _cuts(list(range(200)), [40])[:2] == [46, 86]


@pytest.mark.parametrize("seed", range(5))
def test_sound_that_comes_in_blocks_is_cut_alike(seed: int) -> None:
    random = np.random.default_rng(seed)
    starts = np.flatnonzero(random.random(2000) < 0.3).tolist()
    changes = sorted(random.choice(2000, 30, replace=False).tolist())
    whole = _cuts(starts, changes)
    assert len(whole) > 20
    for step in (7, 100, 731):
        assert _cuts(starts, changes, [*range(step, 2000, step), np.inf]) == whole


def test_long_segments_keep_off_changes_too() -> None:
    cutter = Cutter(20 * SECOND, 1 / SECOND)
    starts = [cut.start for cut in cutter.cut(list(range(600)), [350], np.inf)]
    assert starts == [0, 356, 556]
