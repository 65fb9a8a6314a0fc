"""What the desk tells the page, as JSON."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from voiceface.reporting.words import reason_words
from voiceface.review.assist import Proposal
from voiceface.review.audit import residual_error
from voiceface.review.book import KEEP, PENDING
from voiceface.review.columns import Column, Flags, Presence, Texts, Truths
from voiceface.review.ledger import Event
from voiceface.review.progress import progress
from voiceface.review.words import COLUMNS, QUEUES

if TYPE_CHECKING:
    from voiceface.review.desk import Desk

_MOST_CHOICES = 500
_SHOWN_APART = ("sample", "content", "speaker", "flags", "clean")


def state_json(desk: "Desk", curator: str) -> dict[str, Any]:
    """What the page asks for first, and again from time to time."""
    counts = desk.selection.counts(curator)
    return {
        "curator": curator,
        "settings": desk.settings.review.model_dump(mode="json"),
        "queues": [
            {"name": name, "words": words, "count": counts[name]} for name, words in QUEUES.items()
        ],
        "columns": _columns_json(desk),
        "progress": progress_json(desk, curator),
    }


def progress_json(desk: "Desk", curator: str) -> dict[str, Any]:
    """How far, how fast, how long to go, how pure; the pace is the curator's own."""
    review = desk.book.review(curator)
    face = desk.table.columns["content"].mask("!=", "")
    pending = face & (review == PENDING)
    clean = desk.table.columns["flags"].mask("=", "")
    unseen = 0 if desk.settings.manifest.require_review else np.count_nonzero(pending & clean)
    whole = int(np.count_nonzero(face))
    left = int(np.count_nonzero(pending))
    kept = int(np.count_nonzero(review == KEEP))
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
    columns = {**desk.table.columns, **desk.book.columns("")}
    return [
        {
            "name": name,
            "label": COLUMNS[name][0],
            "unit": COLUMNS[name][1],
            "kind": column.kind,
            "values": _choices(column),
        }
        for name, column in columns.items()
    ]


def sample_json(desk: "Desk", curator: str, row: int) -> dict[str, Any]:
    """What the page shows of a sample."""
    values = {name: column.value(row) for name, column in desk.table.columns.items()}
    content = values["content"] or ""
    marks = desk.book.marks(row, curator)
    return {
        "sample": values["sample"],
        "content": content,
        "speaker": values["speaker"],
        "seconds": (values["end_us"] - values["start_us"]) / 1e6,
        "flags": [{"name": flag, "words": reason_words(flag)} for flag in values["flags"]],
        "review": desk.book.state(row, curator),
        "marks": [_mark_json(event) for event in marks.values()],
        "media": f"/media/{content}/" if content else "",
        "values": {
            name: value
            for name, value in values.items()
            if value not in (None, "", []) and name not in _SHOWN_APART
        },
    }


def _choices(column: Column) -> list[dict[str, str]]:
    """What a filter on the column can be set to, where that is a list."""
    names = column.names if isinstance(column, Flags) else []
    if isinstance(column, Texts) and len(column.values) <= _MOST_CHOICES:
        names = sorted(column.values)
    if isinstance(column, Truths | Presence):
        names = ["yes", "no"]
    return [{"name": name, "words": reason_words(name)} for name in names if name]


def _proposal_json(proposal: Proposal) -> dict[str, Any]:
    return {"count": len(proposal.rows), "error": asdict(proposal.error)}


def _mark_json(event: Event) -> dict[str, str]:
    names = ("id", "curator", "decision", "reason", "note", "time", "content")
    return {name: getattr(event, name) for name in names}
