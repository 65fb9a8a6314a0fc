import pytest

from voiceface.review.audit import share_of
from voiceface.review.ledger import Event
from voiceface.review.progress import pace, progress, purity


def marks(*seconds: float, decision: str = "keep") -> list[Event]:
    return [
        Event(
            f"e{at}",
            f"2026-11-20T{int(at) // 3600:02d}:{int(at) // 60 % 60:02d}:{at % 60:09.6f}Z",
            "ana",
            f"s{at}",
            "c",
            decision,
        )
        for at in seconds
    ]


def test_the_pace_leaves_breaks_out() -> None:
    assert pace(marks(0, 2, 4, 6)) == pytest.approx(30)
    assert pace(marks(0, 2, 4, 3600, 3602, 3604)) == pytest.approx(30)


def test_a_single_mark_has_no_pace_and_an_undo_is_no_decision() -> None:
    assert pace([]) is None
    assert pace(marks(5)) is None
    assert pace(marks(5, 3600)) is None
    assert pace(marks(0, 2) + marks(3, decision="undo")) == pytest.approx(30)


def test_the_time_to_go_is_what_is_pending_at_the_own_pace() -> None:
    found = progress(40, 100, marks(0, 2, 4), kept=30, kept_unseen=0, residual=share_of(0, 0))
    assert (found.marked, found.total) == (40, 100)
    assert found.per_minute == pytest.approx(30)
    assert found.minutes_to_go == pytest.approx(2)
    assert progress(0, 9, [], kept=0, kept_unseen=9, residual=share_of(0, 0)).minutes_to_go is None


def test_the_purity_takes_the_seen_for_good_and_the_rest_from_the_audit() -> None:
    residual = share_of(2, 100)
    found = purity(kept=100, kept_unseen=300, residual=residual)
    assert found is not None
    assert found.estimate == pytest.approx(1 - 0.02 * 0.75)
    assert found.low == pytest.approx(1 - residual.high * 0.75)
    assert found.high == pytest.approx(1 - residual.low * 0.75)


def test_without_an_audit_the_purity_is_unknown_unless_all_was_seen() -> None:
    nothing = share_of(0, 0)
    found = purity(kept=1, kept_unseen=3, residual=nothing)
    assert found is not None
    assert (found.estimate, found.low, found.high) == (None, 0.25, 1.0)
    seen = purity(kept=5, kept_unseen=0, residual=nothing)
    assert seen is not None
    assert (seen.estimate, seen.low) == (1.0, 1.0)
    assert purity(kept=0, kept_unseen=0, residual=nothing) is None
