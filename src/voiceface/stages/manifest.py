"""Manifest stage: all samples together, joined with their sources and the curators' marks."""

import os
import sys
import time
from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from voiceface.config import Manifest
from voiceface.errors import VoicefaceError
from voiceface.files import read_table, write_table
from voiceface.media.identity import distances, usual_face
from voiceface.outcome import read_outcome
from voiceface.review.fold import fold, review_of
from voiceface.review.ledger import Event, read_ledger
from voiceface.sources import Video, built_videos, read_videos
from voiceface.stages.shim import stage_main
from voiceface.tables import FUNNEL, KEPT, MANIFEST, REASONS, SAMPLES, TIMELINE, funnel_order

_BY_CURATOR = {"drop": "dropped_by_curator", "unsure": "unsure", "stale": "stale"}


def run(
    config: Manifest,
    videos: Path,
    downloads: Path,
    timelines: Path,
    samples: Path,
    reviews: Path,
    output: Path,
    funnel: Path,
) -> None:
    """Join the samples of all videos, in the order of the list of videos, and count the time.

    Args:
        videos: the list of videos; those that are gone are not asked for.
        downloads: folder of the outcome records.
        timelines: folder of the timeline tables.
        samples: folder of the sample tables.
        reviews: folder of the ledger; need not be there.
        output: `manifests/samples.parquet`.
        funnel: `manifests/funnel.parquet`.

    Raises:
        VoicefaceError: a file is missing or damaged, or a video's time does not add up.
    """
    now = time.time_ns()
    listed = read_videos(videos)
    here = built_videos(videos, downloads)
    table = pa.concat_tables(
        [SAMPLES.empty_table(), *(_samples_of(samples, video) for video in here)]
    )
    table = _with_sources(table, {video.video: video for video in here})
    table = _with_flags(table, config.max_identity_distance)
    table = _with_reviews(table, fold(read_ledger(reviews)))
    fates = _fates(table, config.require_review)
    table = table.append_column(MANIFEST.field("fate"), pa.array(fates, pa.string()))
    rows = _funnel(listed, set(here), downloads, timelines, table)
    write_table(funnel, pa.Table.from_pylist(rows, FUNNEL))
    write_table(output, table.select(MANIFEST.names).cast(MANIFEST).combine_chunks())
    for path in (output, funnel):
        # A mark made since the ledger was read is then newer, so that the next build takes it.
        os.utime(path, ns=(now, now))


def fate(review: str, content: str | None, flags: list[str], require_review: bool) -> str:
    """What becomes of a sample: `kept`, or what it counts as in the funnel.

    A curator's word goes before the flags, but what has no face can't be kept.
    """
    if review in _BY_CURATOR:
        return _BY_CURATOR[review]
    if content is None or (flags and review != "keep"):
        return flags[0] if flags else "no_face"
    return "pending" if require_review and review != "keep" else KEPT


def _samples_of(folder: Path, video: Video) -> pa.Table:
    return read_table(folder / f"{video.video}.parquet", SAMPLES).sort_by("start_us")


def _with_sources(table: pa.Table, videos: Mapping[str, Video]) -> pa.Table:
    names = table["video"].to_pylist()
    for column in ("speaker", "gender", "language", "licence"):
        values = [getattr(videos[name], column) for name in names]
        table = table.append_column(MANIFEST.field(column), pa.array(values, pa.string()))
    return table


def _with_flags(table: pa.Table, max_distance: float | None) -> pa.Table:
    """Add the flags that take all videos to tell, and what they are told by."""
    flags = table["flags"].to_pylist()
    distance = _identity_distances(table, np.array([not found for found in flags]), max_distance)
    if max_distance is not None:
        for row in np.flatnonzero(distance > max_distance).tolist():
            flags[row].append("wrong_person")
    for row in _duplicates(table, flags):
        flags[row].append("duplicate")
    order = {reason: place for place, reason in enumerate(REASONS)}
    flags = [sorted(found, key=order.__getitem__) for found in flags]
    column = table.schema.get_field_index("flags")
    table = table.set_column(
        column, SAMPLES.field("flags"), pa.array(flags, SAMPLES.field("flags").type)
    )
    values = pa.array(distance, pa.float32(), mask=np.isnan(distance))
    table = table.append_column(MANIFEST.field("identity_distance"), values)
    clean = pa.array([not found for found in flags], pa.bool_())
    return table.append_column(MANIFEST.field("clean"), clean)


def _identity_distances(table: pa.Table, unflagged: np.ndarray, radius: float | None) -> np.ndarray:
    """Distance of each face to its speaker's usual one (n,); nan where there is none to tell."""
    found = np.full(len(table), np.nan, np.float32)
    with_face = np.flatnonzero(pc.is_valid(table["descriptor"]).to_numpy())
    if radius is None or not len(with_face):
        return found
    lists = table["descriptor"].combine_chunks().take(pa.array(with_face))
    faces = lists.flatten().to_numpy().reshape(len(with_face), -1)
    speakers = np.array(table["speaker"].to_pylist(), object)[with_face]
    for speaker in sorted(set(speakers)):
        mine = speakers == speaker
        usual = usual_face(faces[mine & unflagged[with_face]].astype(np.float64), radius)
        if usual is not None:
            found[with_face[mine]] = distances(faces[mine], usual)
    return found


def _duplicates(table: pa.Table, flags: list[list[str]]) -> list[int]:
    """Rows whose sound or face is that of an earlier row without a flag."""
    seen: set[str] = set()
    found = []
    columns = (table["audio_sha256"].to_pylist(), table["face_sha256"].to_pylist())
    for row, digests in enumerate(zip(*columns, strict=True)):
        keys = {digest for digest in digests if digest is not None}
        if seen.isdisjoint(keys):
            # A flagged twin is no reason against this one: then neither would be used.
            seen.update(keys if not flags[row] else ())
        else:
            found.append(row)
    return found


def _with_reviews(table: pa.Table, standing: Mapping[str, Event]) -> pa.Table:
    pairs = zip(table["sample"].to_pylist(), table["content"].to_pylist(), strict=True)
    events = [(standing.get(sample), content) for sample, content in pairs]
    columns = {
        "review": [review_of(event, content) for event, content in events],
        "review_reason": [event.reason if event else "" for event, _ in events],
        "curator": [event.curator if event else "" for event, _ in events],
        "reviewed_at": [event.time if event else "" for event, _ in events],
    }
    for name, values in columns.items():
        table = table.append_column(MANIFEST.field(name), pa.array(values, pa.string()))
    return table


def _fates(table: pa.Table, require_review: bool) -> list[str]:
    names = ("review", "content", "flags")
    columns = [table[name].to_pylist() for name in names]
    fates = []
    kept: set[str] = set()
    for review, content, flags in zip(*columns, strict=True):
        result = fate(review, content, flags, require_review)
        if result == KEPT:
            # A curator may have kept the same thing twice; once is enough.
            result = "duplicate" if content in kept else KEPT
            kept.add(content)
        fates.append(result)
    return fates


def _funnel(
    videos: list[Video], here: Collection[Video], downloads: Path, timelines: Path, table: pa.Table
) -> list[dict[str, str | int]]:
    """Where the time of each video went: rows as in `tables.FUNNEL`."""
    timed = table.select(["video", "fate"]).append_column(
        "duration_us", pc.subtract(table["end_us"], table["start_us"])
    )
    grouped = timed.group_by(["video", "fate"]).aggregate(
        [("duration_us", "sum"), ("duration_us", "count")]
    )
    in_segments: dict[str, dict[str, tuple[int, int]]] = {}
    for row in grouped.to_pylist():
        counts = (row["duration_us_count"], row["duration_us_sum"])
        in_segments.setdefault(row["video"], {})[row["fate"]] = counts
    rows: list[dict[str, str | int]] = []
    for video in videos:
        parts = in_segments.get(video.video, {})
        if lost := _lost(video, here, downloads):
            parts = {lost: (0, 0)}
        else:
            parts |= _outside_segments(timelines / f"{video.video}.parquet", parts)
        for reason in sorted(parts or {"unreadable": (0, 0)}, key=funnel_order):
            count, time = parts.get(reason, (0, 0))
            row = {"reason": reason, "samples": count, "duration_us": time}
            rows.append({"speaker": video.speaker, "video": video.video, **row})
    return rows


def _lost(video: Video, here: Collection[Video], downloads: Path) -> str:
    """Why a video could not be had, as in `unavailable: Private video`; empty when it was."""
    if video not in here:
        return "gone: no longer at its source"
    return read_outcome(downloads / f"{video.video}.json").lost


def _outside_segments(
    timeline: Path, segments: Mapping[str, tuple[int, int]]
) -> dict[str, tuple[int, int]]:
    """Time that is in no segment, by reason, after checking the rest against the samples."""
    times = {
        row["reason"]: row["duration_us"] for row in read_table(timeline, TIMELINE).to_pylist()
    }
    expected, found = times.pop("segment", 0), sum(time for _, time in segments.values())
    if expected != found:
        raise VoicefaceError(
            f"{timeline}: {expected} µs in segments, but its samples take {found} µs;"
            " delete both and build again"
        )
    return {reason: (0, time) for reason, time in times.items()}


if __name__ == "__main__":
    sys.exit(stage_main(run))
