import pytest

from voiceface.demo.truth import Row, clean_stretches, is_clean

S = 1_000_000
GOOD: Row = {
    "trouble": "", "face": "main", "voice": "main", "speaking": True, "music": False,
    "noise": False, "clipped": False, "blurred": False, "dark": False, "frozen": False,
    "dubbed": False, "occluded": False, "overexposed": False, "cut_off": False, "small": False,
    "quiet": False,
}  # fmt: skip


def row(start_s: float, end_s: float, **changes: object) -> Row:
    return {**GOOD, "start_us": int(start_s * S), "end_us": int(end_s * S), **changes}


@pytest.mark.parametrize(
    "spoilt",
    [{"face": kind} for kind in ("turned", "none", "two", "guest")]
    + [{kind: True} for kind in ("blurred", "dark", "frozen", "occluded", "overexposed")]
    + [{kind: True} for kind in ("dubbed", "cut_off", "small")],
)
def test_a_spoilt_picture_counts_at_the_frame_and_not_over_the_segment(
    spoilt: dict[str, object],
) -> None:
    rows = [row(0, 6), row(6, 10, **spoilt)]
    assert is_clean(rows, 5 * S, 4 * S, 8 * S)
    assert not is_clean(rows, 7 * S, 2 * S, 6 * S)


def test_a_frame_within_a_tenth_of_a_second_of_the_good_picture_is_good() -> None:
    rows = [row(0, 6), row(6, 10, face="two")]
    assert is_clean(rows, 6_090_000, 2 * S, 6 * S)
    assert not is_clean(rows, 6_110_000, 2 * S, 6 * S)


@pytest.mark.parametrize(
    "spoilt",
    [{kind: True} for kind in ("music", "noise", "clipped")]
    + [{"voice": kind} for kind in ("guest", "both")],
)
def test_at_most_a_twentieth_of_the_sound_may_be_spoilt(spoilt: dict[str, object]) -> None:
    rows = [row(0, 6), row(6, 10, **spoilt)]
    assert is_clean(rows, 5 * S, 2_190_000, 6_190_000)
    assert not is_clean(rows, 5 * S, 2_210_000, 6_210_000)


@pytest.mark.parametrize("pause", [{"voice": "none", "speaking": False}, {"quiet": True}])
def test_a_segment_needs_the_main_speaker_for_most_of_its_time(pause: dict[str, object]) -> None:
    rows = [row(0, 6), row(6, 10, **pause)]
    assert is_clean(rows, 5 * S, 3 * S, 7 * S)
    assert not is_clean(rows, 5 * S, 4 * S, 8 * S)


def test_clean_stretches_join_neighbours_and_leave_out_short_ones() -> None:
    rows = [
        row(0, 4), row(4, 9), row(9, 12, noise=True), row(12, 14), row(14, 18, face="two"),
        row(18, 23), row(23, 25, voice="none", speaking=False),
    ]  # fmt: skip
    assert clean_stretches(rows, 4 * S) == [(0, 9 * S), (18 * S, 23 * S)]
    assert clean_stretches(rows, S) == [(0, 9 * S), (12 * S, 14 * S), (18 * S, 23 * S)]
