"""Where segments are cut."""

import itertools

import numpy as np
import pytest

from voiceface.media.cutting import Change, Cutter, shot_edges

SECOND = 10  # frames
LENGTH = 4 * SECOND
HARD = float("inf")


def _cuts(
    starts: list[int], changes: list[int], ends: list[float] | None = None, cost: float = HARD
) -> list[int]:
    """Where segments begin, with what is known growing step by step."""
    cutter, found = Cutter(LENGTH, 1 / SECOND), []
    for end in ends or [np.inf]:
        known = [at for at in starts if at <= end]
        later = [Change(at, cost) for at in changes if at <= end]
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
    assert len(starts) == 9


def test_a_segment_between_two_changes_lies_in_the_middle() -> None:
    (inside,) = [at for at in _cuts(list(range(300)), [100, 150]) if 100 <= at < 150]
    assert 103 <= inside <= 106


def test_between_two_near_changes_there_is_none() -> None:
    assert not [at for at in _cuts(list(range(300)), [100, 141]) if 100 <= at < 141]


def test_after_a_change_a_segment_keeps_away_from_it() -> None:
    assert _cuts(list(range(200)), [40])[:2] == [46, 86]


def test_before_a_change_that_may_be_nothing_segments_begin_anew_where_that_costs_none() -> None:
    assert _cuts(list(range(118)), [45], cost=0.9) == [0, 51, 91]


def test_rather_than_losing_many_segments_one_goes_across_a_change() -> None:
    changes = list(range(20, 400, 20))  # no stretch between them holds a segment
    starts = list(range(361))
    assert len(_cuts(starts, changes, cost=0.9)) >= 8
    assert _cuts(starts, changes) == []


def test_of_shots_that_are_all_too_short_only_the_outer_edges_count() -> None:
    assert shot_edges([100, 110, 120, 130, 200], LENGTH, 1 / SECOND) == [100, 130, 200]
    assert shot_edges([100, 139, 178], LENGTH, 1 / SECOND) == [100, 178]
    assert shot_edges([], LENGTH, 1 / SECOND) == []


@pytest.mark.parametrize("cost", [0.4, HARD])
@pytest.mark.parametrize("seed", range(3))
def test_sound_that_comes_in_blocks_is_cut_alike(seed: int, cost: float) -> None:
    random = np.random.default_rng(seed)
    starts = np.flatnonzero(random.random(2000) < 0.3).tolist()
    changes = sorted(random.choice(2000, 30, replace=False).tolist())
    whole = _cuts(starts, changes, cost=cost)
    assert len(whole) > 20
    for step in (7, 100, 731):
        assert _cuts(starts, changes, [*range(step, 2000, step), np.inf], cost) == whole


def test_long_segments_keep_off_changes_too() -> None:
    cutter = Cutter(20 * SECOND, 1 / SECOND)
    starts = [cut.start for cut in cutter.cut(list(range(600)), [Change(350, HARD)], np.inf)]
    assert starts == [0, 356, 556]
