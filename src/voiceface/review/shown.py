"""What the desk tells the page, as JSON."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from voiceface.files import read_text
from voiceface.reporting.words import reason_words
from voiceface.review.assist import Proposal
from voiceface.review.audit import residual_error
from voiceface.review.book import KEEP, PENDING
from voiceface.review.columns import Column, Flags, Texts, Truths
from voiceface.review.ledger import Event
from voiceface.review.progress import progress
from voiceface.review.table import LIVE
from voiceface.review.words import COLUMNS, QUEUES

if TYPE_CHECKING:
    from voiceface.review.desk import Desk

_MOST_CHOICES = 500
_DIGESTS = ("content", "audio_sha256", "face_sha256")
_SHOWN_APART = ("sample", "content", "speaker", "flags", "clean")


def state_json(desk: "Desk", curator: str) -> dict[str, Any]:
    """What the page asks for first."""
    return {
        "project": desk.project,
        "curator": curator,
        "settings": desk.settings.review.model_dump(mode="json"),
        "rubric": read_text(desk.rubric),
        "columns": _columns_json(desk),
        **far_json(desk, curator),
    }


def far_json(desk: "Desk", curator: str) -> dict[str, Any]:
    """The queues with their counts, and the progress: what the page asks for again and again."""
    counts = desk.selection.counts(curator)
    queues = [
        {"name": name, "words": words, "count": counts[name]} for name, words in QUEUES.items()
    ]
    far = _progress_json(desk, curator)
    trouble = "; ".join(filter(None, desk.trouble.values())) or None
    return {"queues": queues, "progress": far, "rebuilt": desk.is_rebuilt(), "trouble": trouble}


def _progress_json(desk: "Desk", curator: str) -> dict[str, Any]:
    """How far, how fast, how long to go, how pure; the pace is the curator's own."""
    review = desk.book.review(curator)
    pending = desk.table.has_face & (review == PENDING)
    unseen = np.count_nonzero(desk.selection.kept_unseen(curator))
    whole = int(np.count_nonzero(desk.table.has_face))
    left = int(np.count_nonzero(pending))
    kept = int(np.count_nonzero((review == KEEP) & ~desk.book.proposed()))
    residual = residual_error(desk.book.audited())
    own = desk.book.own(curator)
    found = progress(whole - left, whole, own, kept, int(unseen), residual)
    advice = desk.assistant.advice
    return {
        **asdict(found),
        "kept": kept,
        "residual": asdict(residual),
        "model_marks": advice.marks if advice else 0,
        "proposed": _proposal_json(advice.proposal) if advice and advice.proposal else None,
    }


def _columns_json(desk: "Desk") -> list[dict[str, Any]]:
    columns = {**desk.table.columns, **{name: desk.book.column(name, "") for name in LIVE}}
    return [
        {
            "name": name,
            "label": COLUMNS[name][0],
            "unit": COLUMNS[name][1],
            "kind": column.kind,
            # What others wrote is not told: somebody may be about to look at it blindly.
            "values": [] if name in ("review_reason", "curator") else _choices(column),
        }
        for name, column in columns.items()
    ]


def sample_json(desk: "Desk", curator: str, row: int) -> dict[str, Any]:
    """What the page shows of a sample."""
    values = desk.table.values(row)
    content = values.get("content", "")
    review, marks = desk.book.state(row, curator), desk.book.marks(row, curator)
    return {
        "sample": values["sample"],
        "content": content,
        "speaker": values["speaker"],
        "seconds": (values["end_us"] - values["start_us"]) / 1e6,
        "flags": [{"name": flag, "words": reason_words(flag)} for flag in values["flags"]],
        "review": review,
        "marks": [_mark_json(event) for event in marks.values()],
        "media": f"/media/{content}/" if content else "",
        "values": {name: values[name] for name in values if name not in _SHOWN_APART},
        "before": _before_json(desk, values, marks.values()) if review == "stale" else None,
    }


def _before_json(
    desk: "Desk", values: dict[str, Any], marks: Iterable[Event]
) -> dict[str, Any] | None:
    """What was marked, and what changed since: of the newest mark of which there is a copy."""
    for event in sorted(marks, key=lambda event: event.time, reverse=True):
        before = desk.seen.values(event.content)
        if before is not None:
            return {
                "media": f"/media/{event.content}/before.",
                "changed": {
                    name: [before.get(name), values.get(name)]
                    for name in COLUMNS
                    if before.get(name) != values.get(name) and name not in _DIGESTS
                },
            }
    return None


def _choices(column: Column) -> list[dict[str, str]]:
    """What a filter on the column can be set to, where that is a list."""
    names = column.names if isinstance(column, Flags) else []
    if isinstance(column, Texts) and len(column.values) <= _MOST_CHOICES:
        names = sorted(column.values)
    if isinstance(column, Truths):
        names = ["yes", "no"]
    return [{"name": name, "words": reason_words(name)} for name in names if name]


def _proposal_json(proposal: Proposal) -> dict[str, Any]:
    return {"count": len(proposal.rows), "error": asdict(proposal.error)}


def _mark_json(event: Event) -> dict[str, str]:
    names = ("id", "curator", "decision", "reason", "note", "time", "content")
    return {name: getattr(event, name) for name in names}
