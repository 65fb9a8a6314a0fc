"""From the ledger's events to what holds for each sample."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from voiceface.review.ledger import Event, in_time, no_collection

PolicyKind = Literal["unanimous", "majority", "adjudicator"]


@dataclass(frozen=True)
class Policy:
    """What holds where curators differ. Their clocks never decide."""

    kind: PolicyKind = "unanimous"
    """unanimous: disputed until all agree; majority: what more than half say; adjudicator: what the
    adjudicators say, and where none of them did, as unanimous"""
    adjudicators: Collection[str] = ()
    """curators whose word goes before the others'"""


UNANIMOUS = Policy()


class Standing(NamedTuple):
    """What holds for a sample. A tuple, as `Event` is: there are as many."""

    review: str
    """one of `tables.REVIEWS`"""
    event: Event | None = None
    """a mark that says so, the first by the curators' names; None when pending or disputed"""


@no_collection()
def standing_by_curator(events: Iterable[Event]) -> dict[str, dict[str, Event]]:
    """The standing marks of each sample: each curator's latest that was not taken back.

    An undo takes back an earlier event, which it names, be it another undo (`Mark.after` makes it
    the later one whatever the clocks say). The result depends on the set of events alone, not on
    their order.
    """
    standing: dict[str, dict[str, Event]] = {}
    for event in not_undone(events):
        standing.setdefault(event.sample, {}).setdefault(event.curator, event)
    return standing


def resolve(
    marks: Mapping[str, Event], content: str | None, policy: Policy = UNANIMOUS
) -> Standing:
    """What holds for a sample by its standing marks, whatever their times.

    Marks of another content don't count beside one of the present content; alone they are `stale`.
    Who is unsure leaves it to the others.

    Args:
        marks: by curator, as of `standing_by_curator`.
        content: the sample's content as it is now; None without a face.
    """
    if len(marks) == 1:  # as nearly always: what follows comes to the same
        (mark,) = marks.values()
        return Standing(mark.decision if mark.content == (content or "") else "stale", mark)
    ordered = [marks[curator] for curator in sorted(marks)]
    current = [mark for mark in ordered if mark.content == (content or "")]
    if not current:
        return Standing("stale", ordered[0]) if ordered else Standing("pending")
    told = [mark for mark in current if mark.decision != "unsure"]
    if policy.kind == "adjudicator":
        told = [mark for mark in told if mark.curator in policy.adjudicators] or told
    if not told:
        return Standing("unsure", current[0])
    for decision in ("keep", "drop"):
        agreed = [mark for mark in told if mark.decision == decision]
        enough = len(told) / 2 if policy.kind == "majority" else len(told) - 1
        if len(agreed) > enough:
            return Standing(decision, agreed[0])
    return Standing("disputed")


def orphans(standing: Mapping[str, object], samples: Iterable[str]) -> list[str]:
    """Marked samples that are gone, sorted. Their marks stay in the ledger."""
    return sorted(standing.keys() - set(samples))


def not_undone(events: Iterable[Event]) -> Iterable[Event]:
    """The marks that were not taken back, newest first."""
    void: set[str] = set()
    # Newest first: whether an event holds is known once all that may undo it has been seen.
    for event in sorted(events, key=in_time, reverse=True):
        if event.id in void:
            continue
        if event.decision == "undo":
            void.add(event.undoes)
        else:
            yield event
