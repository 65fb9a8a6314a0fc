from voiceface.review.ledger import Event
from voiceface.review.second import needs_second, seen_by

NAMES = [f"file-{number:012x}_000004000" for number in range(4000)]


def test_the_share_is_drawn_by_name_and_seed_alone() -> None:
    drawn = {name for name in NAMES if needs_second(name, 0.05, 1)}
    assert 140 < len(drawn) < 260
    assert drawn == {name for name in reversed(NAMES) if needs_second(name, 0.05, 1)}
    assert drawn < {name for name in NAMES if needs_second(name, 0.2, 1)}
    assert drawn != {name for name in NAMES if needs_second(name, 0.05, 2)}
    assert not any(needs_second(name, 0.0, 1) for name in NAMES)
    assert all(needs_second(name, 1.0, 1) for name in NAMES)


def test_in_the_share_nobody_sees_the_others_before_having_marked() -> None:
    mark = Event("e", "2026-11-20T00:00:00.000000Z", "ana", "s", "c", "keep")
    marks = {"ana": mark}
    assert seen_by("bo", "s", marks, 1.0, 0) == {}
    assert seen_by("bo", "s", marks, 0.0, 0) == marks
    assert seen_by("ana", "s", marks, 1.0, 0) == marks
    both = {**marks, "bo": mark}
    assert seen_by("bo", "s", both, 1.0, 0) == both
