import random
import time
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voiceface.review.fold import (
    Policy,
    PolicyKind,
    orphans,
    resolve,
    standing_by_curator,
)
from voiceface.review.ledger import Event


def event(number: int, decision: str, sample: str = "s", **more: str) -> Event:
    at = f"2026-11-20T00:00:{number // 1000000:02d}.{number % 1000000:06d}Z"
    return Event(f"e{number}", at, "ana", sample, "seen", decision, **more)


def marks_on(events: list[Event]) -> dict[str, Event]:
    return standing_by_curator(events)["s"]


def test_the_latest_decision_holds_whatever_the_order() -> None:
    events = [event(1, "keep"), event(3, "drop", reason="dark"), event(2, "unsure")]
    for _ in range(6):
        random.Random(4).shuffle(events)
        assert marks_on(events)["ana"].decision == "drop"


def test_an_undo_brings_back_what_held_before() -> None:
    events = [event(1, "keep"), event(2, "unsure"), event(3, "undo", undoes="e2")]
    assert marks_on(events)["ana"].id == "e1"


def test_an_undone_undo_is_as_if_it_had_not_been() -> None:
    events = [event(1, "keep"), event(2, "undo", undoes="e1"), event(3, "undo", undoes="e2")]
    assert marks_on(events)["ana"].id == "e1"
    assert standing_by_curator(events[:2]) == {}


def test_a_decision_holds_for_the_content_that_was_seen_and_no_other() -> None:
    marks = {"ana": event(1, "keep")}
    assert resolve(marks, "seen").review == "keep"
    assert resolve(marks, "other").review == "stale"
    assert resolve(marks, None).review == "stale"
    faceless = Event("e", marks["ana"].time, "ana", "s", "", "drop", "no face")
    assert resolve({"ana": faceless}, None).review == "drop"


def test_orphans_are_listed() -> None:
    marks = [event(1, "keep", "here"), event(2, "keep", "b"), event(3, "keep", "a")]
    standing = standing_by_curator(marks)
    assert orphans(standing, ["here", "new"]) == ["a", "b"]


def test_the_fold_of_a_hundred_thousand_events_takes_well_under_two_seconds() -> None:
    events = [event(n, ("keep", "unsure")[n % 2], f"s{n % 50_000}") for n in range(100_000)]
    start = time.process_time()
    assert len(standing_by_curator(events)) == 50_000
    assert time.process_time() - start < 2


def of(curator: str, decision: str, content: str = "seen", second: int = 0) -> Event:
    at = f"2026-11-20T00:00:{second:02d}.000000Z"
    return Event(f"{curator}{second}", at, curator, "s", content, decision, "why")


@pytest.mark.parametrize(
    ("policy", "decisions", "expected"),
    [
        ("unanimous", {"ana": "keep", "bo": "keep"}, "keep"),
        ("unanimous", {"ana": "keep", "bo": "keep", "cy": "drop"}, "disputed"),
        ("unanimous", {"ana": "keep", "bo": "unsure"}, "keep"),
        ("unanimous", {"ana": "unsure", "bo": "unsure"}, "unsure"),
        ("majority", {"ana": "keep", "bo": "drop", "cy": "drop"}, "drop"),
        ("majority", {"ana": "keep", "bo": "drop"}, "disputed"),
        ("majority", {"ana": "keep", "bo": "drop", "cy": "unsure"}, "disputed"),
        ("adjudicator", {"ana": "keep", "bo": "drop", "eve": "drop"}, "drop"),
        ("adjudicator", {"ana": "keep", "bo": "drop", "eve": "unsure"}, "disputed"),
        ("adjudicator", {"ana": "keep", "bo": "drop"}, "disputed"),
    ],
)
def test_where_curators_differ_the_policy_decides_and_never_the_clock(
    policy: PolicyKind, decisions: dict[str, str], expected: str
) -> None:
    for times in permutations(range(len(decisions))):
        pairs = zip(decisions.items(), times, strict=True)
        events = [of(*one, second=second) for one, second in pairs]
        standing = resolve(standing_by_curator(events)["s"], "seen", Policy(policy, ["eve"]))
        assert standing.review == expected
        event = standing.event
        if expected == "disputed":
            assert event is None
        else:
            assert event is not None
            first = min(name for name, said in decisions.items() if said == expected)
            assert event.curator == first or policy == "adjudicator"


def test_a_curator_s_own_later_mark_replaces_the_earlier_one() -> None:
    marks = standing_by_curator([of("ana", "drop", second=1), of("ana", "keep", second=2)])["s"]
    assert resolve(marks, "seen").review == "keep"


def test_a_mark_of_other_content_does_not_count_beside_one_of_the_present() -> None:
    marks = {"ana": of("ana", "drop", "old"), "bo": of("bo", "keep")}
    assert resolve(marks, "seen").review == "keep"
    assert resolve(marks, "newer").review == "stale"
    assert resolve({}, "seen").review == "pending"


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    """Events of three curators with clocks of their own; any may undo an earlier one."""
    events: list[Event] = []
    for number in range(draw(st.integers(1, 14))):
        decision = draw(st.sampled_from(["keep", "drop", "unsure", "undo"] if events else ["keep"]))
        about = draw(st.sampled_from(events)) if decision == "undo" else None
        events.append(
            Event(
                f"e{number}",
                f"2026-11-20T00:00:{draw(st.integers(0, 9)):02d}.000000Z",
                draw(st.sampled_from(["ana", "bo", "cy"])),
                about.sample if about else draw(st.sampled_from(["s", "t"])),
                draw(st.sampled_from(["seen", "old"])),
                decision,
                "why",
                undoes=about.id if about else "",
            )
        )
    return events


@settings(max_examples=200, deadline=None)
@given(histories(), st.randoms(use_true_random=False))
def test_the_fold_is_the_same_in_every_merge_order(
    events: list[Event], draw: random.Random
) -> None:
    merged = list(events)
    draw.shuffle(merged)
    assert standing_by_curator(merged) == standing_by_curator(events)
