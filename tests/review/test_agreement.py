"""Against the values that the literature gives for its own examples."""

import pytest

from voiceface.review.agreement import Agreement, agreement, blind_agreement
from voiceface.review.ledger import Event


def of_rows(*rows: str) -> list[dict[str, str]]:
    """Ratings of a rater a row, an item a column; `.` is none."""
    return [
        {f"r{rater}": label for rater, label in enumerate(item) if label != "."}
        for item in zip(*rows, strict=True)
    ]


# Krippendorff (2011), example C; Gwet's handbook has the same four raters.
FOUR_RATERS = of_rows("123321412...", "1233224125.3", ".3332342251.", "12332441251.")


def test_cohen_s_kappa_of_a_two_by_two_table() -> None:
    items = of_rows("y" * 25 + "n" * 25, "y" * 20 + "n" * 5 + "y" * 10 + "n" * 15)
    found = agreement(items)
    assert (found.items, found.pairs) == (50, 50)
    assert found.percent == pytest.approx(0.7)
    assert found.cohen_kappa == pytest.approx(0.4)


def test_krippendorff_s_alpha_of_binary_ratings() -> None:
    found = agreement(of_rows("0100000010", "1110010000"))
    assert found.krippendorff_alpha == pytest.approx(0.095, abs=5e-4)


def test_four_raters_with_gaps() -> None:
    found = agreement(FOUR_RATERS)
    assert found.items == 11
    assert found.percent == pytest.approx(0.81818, abs=1e-5)
    assert found.krippendorff_alpha == pytest.approx(0.74342, abs=1e-5)
    assert found.gwet_ac1 == pytest.approx(0.77544, abs=1e-5)


def test_where_one_rating_is_common_kappa_is_low_and_ac1_is_not() -> None:
    found = agreement(of_rows("k" * 98 + "kd", "k" * 98 + "dk"))
    assert found.percent == pytest.approx(0.98)
    assert found.cohen_kappa is not None
    assert found.cohen_kappa < 0
    assert found.gwet_ac1 is not None
    assert found.gwet_ac1 > 0.97


def test_what_is_not_defined_is_none() -> None:
    assert agreement([{"ana": "keep"}, {}]) == Agreement(0, 0, None, None, None, None)
    found = agreement(of_rows("kk", "kk"))
    assert found == Agreement(2, 2, 1.0, None, None, None)


def mark(
    curator: str, second: int, decision: str, sample: str = "a", content: str = "c", **more: str
) -> Event:
    time = f"2026-11-20T00:00:{second:02d}.000000Z"
    return Event(f"{curator}{second}", time, curator, sample, content, decision, **more)


def test_only_marks_of_the_present_content_of_what_is_asked_for_count() -> None:
    events = [
        *(mark("ana", 1, "keep"), mark("bo", 2, "drop")),
        *(mark("ana", 3, "keep", "b"), mark("bo", 4, "drop", "b", "old")),
        *(mark("ana", 5, "keep", "c", ""), mark("bo", 6, "keep", "c", "")),
        *(mark("ana", 7, "keep", "gone"), mark("bo", 8, "drop", "gone")),
    ]
    found = blind_agreement(events, {"a": "c", "b": "c", "c": None})
    assert (found.items, found.percent) == (2, 0.5)


def test_what_was_said_after_seeing_the_others_mark_is_no_agreement() -> None:
    content = {"a": "c"}
    again = [mark("ana", 1, "drop"), mark("bo", 2, "keep"), mark("ana", 3, "keep")]
    assert blind_agreement(again, content).percent == 0
    undone = [*again[:2], mark("bo", 3, "undo", undoes="bo2"), mark("bo", 4, "drop")]
    assert blind_agreement(undone, content).percent == 0
    slip = [mark("ana", 0, "keep"), mark("ana", 1, "undo", undoes="ana0"), mark("ana", 2, "drop")]
    assert blind_agreement([*slip, mark("bo", 3, "drop")], content).percent == 1
