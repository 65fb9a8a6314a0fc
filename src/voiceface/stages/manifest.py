"""Manifest stage: all samples, joined with the curators' marks, and where the time went."""

import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from voiceface.config import Manifest
from voiceface.files import read_table, write_table, writing_table
from voiceface.flags import flag_bits, reasons_of
from voiceface.parts import in_one_piece, read_parts
from voiceface.review.fold import Policy, resolve, standing_by_curator
from voiceface.review.ledger import Event, no_collection, read_ledger
from voiceface.sources import Video, wanted_videos
from voiceface.stages.shim import stage_main
from voiceface.tables import (
    CURATED,
    FATE_OF_REVIEW,
    FUNNEL,
    GATHERED,
    KEPT,
    MANIFEST,
    REVIEWS,
    funnel_order,
)

_DECIDES = ["sample", "video", "start_us", "end_us", "content", "flags"]


def run(
    config: Manifest,
    videos: Path,
    gathered: Path,
    outside: Path,
    reviews: Path,
    output: Path,
    funnel: Path,
) -> None:
    """Join all samples with the marks, tell what becomes of each, and count the time.

    Args:
        videos: the list of videos, for the order of the funnel.
        gathered: `data/gathered.parquet`.
        outside: `data/outside.parquet`.
        reviews: folder of the ledger; need not be there.
        output: `manifests/samples.parquet`.
        funnel: `manifests/funnel.parquet`.

    Raises:
        VoicefaceError: a file is missing or damaged.
    """
    now = time.time_ns()
    table = read_table(gathered, GATHERED, _DECIDES)
    policy = Policy(config.dispute_policy, config.adjudicators)
    table = _with_reviews(table, standing_by_curator(read_ledger(reviews)), policy)
    table = _with_fates(table, config.require_review)
    rows = _funnel(wanted_videos(videos), read_table(outside, FUNNEL), table)
    write_table(funnel, pa.Table.from_pylist(rows, FUNNEL))
    _write(output, gathered, table)
    for path in (output, funnel):
        # A mark made since the ledger was read is then newer, so that the next build takes it.
        os.utime(path, ns=(now, now))


def fate(review: str, content: str | None, flags: list[str], require_review: bool) -> str:
    """What becomes of a sample: `kept`, or what it counts as in the funnel.

    A curator's word goes before the flags, but what has no face can't be kept.
    """
    if review in FATE_OF_REVIEW:
        return FATE_OF_REVIEW[review]
    if content is None or (flags and review != "keep"):
        return flags[0] if flags else "no_face"
    return "pending" if require_review and review != "keep" else KEPT


@no_collection()
def _with_reviews(
    table: pa.Table, marks: Mapping[str, Mapping[str, Event]], policy: Policy
) -> pa.Table:
    marked = pc.indices_nonzero(pc.is_in(table["sample"], pa.array(marks, pa.string())))
    samples, contents = (table[name].take(marked).to_pylist() for name in ("sample", "content"))
    found = [
        resolve(marks[sample], content, policy)
        for sample, content in zip(samples, contents, strict=True)
    ]
    standing = [resolve({}, None, policy), *found]
    place = np.zeros(len(table), np.int64)  # of each row's among them: the first is of no mark
    place[marked.to_numpy()] = np.arange(1, len(standing))
    events = [one.event for one in standing]
    columns = {
        "review": [one.review for one in standing],
        "review_reason": [event.reason if event else "" for event in events],
        "curator": [event.curator if event else "" for event in events],
        "reviewed_at": [event.time if event else "" for event in events],
    }
    for name, values in columns.items():
        column = pa.array(values, pa.string()).take(pa.array(place))
        table = table.append_column(MANIFEST.field(name), column)
    return table


def _with_fates(table: pa.Table, require_review: bool) -> pa.Table:
    review = pc.index_in(table["review"], pa.array(REVIEWS)).to_numpy()
    there = pc.is_valid(table["content"]).to_numpy()
    # What decides, in one number: there are few of them.
    kinds = pa.array(flag_bits(table["flags"]) << 8 | review << 1 | there).dictionary_encode()
    fates = [
        fate(REVIEWS[one >> 1 & 127], "" if one & 1 else None, reasons_of(one >> 8), require_review)
        for one in kinds.dictionary.to_pylist()
    ]
    kind = kinds.indices.to_numpy().copy()
    kept = np.flatnonzero(np.array([one == KEPT for one in fates], bool)[kind])
    # A curator may have kept the same thing twice; once is enough. All others have the flag.
    by_hand = table["content"].filter(pc.equal(table["review"], "keep")).combine_chunks()
    kept = kept[pc.is_in(table["content"], by_hand).to_numpy()[kept]]
    content = table["content"].take(pa.array(kept)).combine_chunks().dictionary_encode().indices
    _, first = np.unique(content.to_numpy(), return_index=True)
    kind[np.delete(kept, first)] = len(fates)
    column = pa.array([*fates, "duplicate"], pa.string()).take(pa.array(kind))
    return table.append_column(MANIFEST.field("fate"), column)


def _write(output: Path, gathered: Path, table: pa.Table) -> None:
    """Write the columns of `table` and all others that were gathered, a part after the other."""
    others = pa.schema([field for field in GATHERED if field.name not in table.column_names])
    done = 0
    with writing_table(output, MANIFEST) as add:
        for part in read_parts(gathered, others):
            known = table.slice(done, len(part))
            done += len(part)
            columns = [(part if name in others.names else known)[name] for name in MANIFEST.names]
            add(pa.Table.from_arrays(columns, schema=MANIFEST))


def _funnel(videos: list[Video], outside: pa.Table, table: pa.Table) -> list[dict[str, str | int]]:
    """Where the time of each video went: rows as in `tables.FUNNEL`.

    Args:
        outside: those of them that no mark changes.
    """
    parts = _in_segments(table)
    for row in outside.to_pylist():
        of_video = parts.setdefault(row["video"], {})
        of_video[row["reason"]] = (row["samples"], row["duration_us"])
    rows: list[dict[str, str | int]] = []
    for video in videos:
        about: dict[str, str | int] = {"speaker": video.speaker, "video": video.video}
        mine = parts.get(video.video, {})
        for reason in sorted(mine, key=funnel_order):
            count, time_us = mine[reason]
            rows.append(about | {"reason": reason, "samples": count, "duration_us": time_us})
    return rows


def _in_segments(table: pa.Table) -> dict[str, dict[str, tuple[int, int]]]:
    """Number and time of each video's segments, by fate.

    A segment's fate is that of its first face, or of another one that came further.
    """
    further = {fate: place for place, fate in enumerate([KEPT, *reversed(CURATED)])}
    video, fates = (in_one_piece(table[name]).dictionary_encode() for name in ("video", "fate"))
    of, fate_of = video.indices.to_numpy(), fates.indices.to_numpy()
    start, end = (table[name].to_numpy() for name in ("start_us", "end_us"))
    new = np.ones(len(of), bool)
    new[1:] = (of[1:] != of[:-1]) | (start[1:] != start[:-1])
    first = np.flatnonzero(new)
    # The row beside the place of its fate in one number: the least of a segment tells its row.
    places = np.array([further.get(one, len(further)) for one in fates.dictionary.to_pylist()], int)
    ranked = places[fate_of] * len(of) + np.arange(len(of))
    best = np.minimum.reduceat(ranked, first) % len(of) if len(of) else first
    codes = of[first].astype(np.int64) * len(places) + fate_of[best]
    counts = np.bincount(codes)
    times = np.bincount(codes, (end - start)[first])  # whole numbers of microseconds: exact
    names, told = video.dictionary.to_pylist(), fates.dictionary.to_pylist()
    found: dict[str, dict[str, tuple[int, int]]] = {}
    for one in np.flatnonzero(counts).tolist():
        name, code = divmod(one, len(places))
        parts = found.setdefault(names[name], {})
        parts[told[code]] = (int(counts[one]), int(times[one]))
    return found


if __name__ == "__main__":
    sys.exit(stage_main(run))
