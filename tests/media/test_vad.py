"""Where segments are cut."""

import numpy as np

from voiceface.media.vad import find_segments


def _segments(voiced: list[int], length: int = 4, share: float = 0.75) -> list[int]:
    return list(find_segments(np.array(voiced, bool), length, share, 0))


def test_a_segment_begins_where_somebody_begins_to_speak() -> None:
    assert _segments([0, 0, 0, 1, 1, 1, 1, 0]) == [3]


def test_segments_never_overlap() -> None:
    assert _segments([1] * 11) == [0, 4]


def test_a_short_pause_is_part_of_a_segment_and_a_long_one_is_not() -> None:
    assert _segments([1, 1, 0, 1]) == [0]
    assert _segments([1, 0, 0, 1]) == []


def test_a_segment_cut_off_by_the_end_is_none() -> None:
    assert _segments([0, 1, 1, 1]) == []


def test_a_stream_cut_into_blocks_gives_the_same_segments() -> None:
    voiced = np.random.default_rng(0).random(500) < 0.8
    whole = list(find_segments(voiced, 10, 0.8, 0))
    at, found = 0, []
    for end in range(37, 501, 37):
        for start in find_segments(voiced[at:end], 10, 0.8, 0):
            found.append(at + start)
        at = max(found[-1] + 10 if found else 0, end - 9)
    assert found == [start for start in whole if start + 10 <= end]
