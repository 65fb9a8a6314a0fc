import random
import time

from voiceface.review.fold import fold, orphans, review_of
from voiceface.review.ledger import Event


def event(number: int, decision: str, sample: str = "s", **more: str) -> Event:
    at = f"2026-11-20T00:00:{number // 1000000:02d}.{number % 1000000:06d}Z"
    return Event(f"e{number}", at, "ana", sample, "seen", decision, **more)


def test_the_latest_decision_holds_whatever_the_order() -> None:
    events = [event(1, "keep"), event(3, "drop", reason="dark"), event(2, "unsure")]
    for _ in range(6):
        random.Random(4).shuffle(events)
        assert fold(events)["s"].decision == "drop"


def test_an_undo_brings_back_what_held_before() -> None:
    events = [event(1, "keep"), event(2, "unsure"), event(3, "undo", undoes="e2")]
    assert fold(events)["s"].id == "e1"


def test_an_undone_undo_is_as_if_it_had_not_been() -> None:
    events = [event(1, "keep"), event(2, "undo", undoes="e1"), event(3, "undo", undoes="e2")]
    assert fold(events)["s"].id == "e1"
    assert fold(events[:2]) == {}


def test_a_decision_holds_for_the_content_that_was_seen_and_no_other() -> None:
    keep = event(1, "keep")
    assert review_of(keep, "seen") == "keep"
    assert review_of(keep, "other") == "stale"
    assert review_of(keep, None) == "stale"
    assert review_of(None, "seen") == "pending"
    faceless = Event("e", keep.time, "ana", "s", "", "drop", "no face")
    assert review_of(faceless, None) == "drop"


def test_orphans_are_listed() -> None:
    standing = fold([event(1, "keep", "here"), event(2, "keep", "b"), event(3, "keep", "a")])
    assert [one.sample for one in orphans(standing, ["here", "new"])] == ["a", "b"]


def test_the_fold_of_a_hundred_thousand_events_takes_well_under_two_seconds() -> None:
    events = [event(n, ("keep", "unsure")[n % 2], f"s{n % 50_000}") for n in range(100_000)]
    start = time.process_time()
    assert len(fold(events)) == 50_000
    assert time.process_time() - start < 2
