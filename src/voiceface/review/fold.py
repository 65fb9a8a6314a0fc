"""From the ledger's events to what holds for each sample."""

from collections.abc import Iterable, Mapping

from voiceface.review.ledger import Event


def fold(events: Iterable[Event]) -> dict[str, Event]:
    """The standing decision of each sample: the latest that was not taken back.

    An undo takes back an earlier event, which it names, be it another undo (`Mark.after` makes it
    the later one whatever the clocks say). The result depends on the set of events alone, not on
    their order.
    """
    standing: dict[str, Event] = {}
    void: set[str] = set()
    # Newest first: whether an event holds is known once all that may undo it has been seen.
    for event in sorted(events, key=lambda event: (event.time, event.id), reverse=True):
        if event.id in void:
            continue
        if event.decision == "undo":
            void.add(event.undoes)
        else:
            standing.setdefault(event.sample, event)
    return standing


def review_of(event: Event | None, content: str | None) -> str:
    """What a sample's review column says: one of `tables.REVIEWS`.

    Args:
        event: the standing decision on the sample; None when there is none.
        content: the sample's content as it is now; None without a face.
    """
    if event is None:
        return "pending"
    return event.decision if event.content == (content or "") else "stale"


def orphans(standing: Mapping[str, Event], samples: Iterable[str]) -> list[Event]:
    """Decisions on samples that are gone, sorted by sample. They stay in the ledger."""
    gone = standing.keys() - set(samples)
    return [standing[sample] for sample in sorted(gone)]
