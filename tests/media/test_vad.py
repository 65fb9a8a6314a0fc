"""Where a segment may begin."""

import numpy as np

from voiceface.media.vad import segment_starts


def _starts(voiced: list[int], length: int = 4, share: float = 0.75) -> list[int]:
    return segment_starts(np.array(voiced, bool), length, share).tolist()


def test_a_segment_begins_where_somebody_speaks() -> None:
    assert _starts([0, 0, 0, 1, 1, 1, 1, 0]) == [3, 4]


def test_a_short_pause_is_part_of_a_segment_and_a_long_one_is_not() -> None:
    assert _starts([1, 1, 0, 1]) == [0]
    assert _starts([1, 0, 0, 1]) == []


def test_a_segment_cut_off_by_the_end_is_none() -> None:
    assert _starts([0, 1, 1, 1]) == []


def test_a_segment_lies_wholly_in_what_is_allowed() -> None:
    allowed = np.array([1, 1, 1, 1, 1, 0], bool)
    assert segment_starts(np.ones(6, bool), 4, 0.75, allowed).tolist() == [0, 1]
