"""Manifest stage: all samples together, joined with their sources and the curators' marks."""

import os
import sys
import time
from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa

from voiceface.config import Manifest
from voiceface.duplicates import repeats
from voiceface.errors import VoicefaceError
from voiceface.files import read_table, write_table
from voiceface.outcome import read_outcome
from voiceface.people import People, find_people
from voiceface.review.fold import Policy, resolve, standing_by_curator
from voiceface.review.ledger import Event, read_ledger
from voiceface.sources import Video, built_videos, wanted_videos
from voiceface.stages.shim import stage_main
from voiceface.tables import (
    CURATED,
    FATE_OF_REVIEW,
    FUNNEL,
    KEPT,
    MANIFEST,
    PEOPLE,
    REASONS,
    SAMPLES,
    TIMELINE,
    funnel_order,
)
from voiceface.unpaired import expect_faces, join_by_identity, sound_alone


def run(
    config: Manifest,
    videos: Path,
    downloads: Path,
    timelines: Path,
    samples: Path,
    reviews: Path,
    output: Path,
    funnel: Path,
    people: Path,
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
        people: `manifests/people.parquet`.

    Raises:
        VoicefaceError: a file is missing or damaged, or a video's time does not add up.
    """
    now = time.time_ns()
    listed = wanted_videos(videos)
    here = built_videos(videos, downloads)
    table = pa.concat_tables(
        [SAMPLES.empty_table(), *(_samples_of(samples, video) for video in here)]
    )
    table = _with_sources(table, {video.video: video for video in here})
    alone = sound_alone([video.video for video in here], downloads, table, config)
    table = expect_faces(table, alone, config)
    found = _people(table, config)
    table = _with_flags(table, found, config)
    table = join_by_identity(table, alone, config)
    policy = Policy(config.dispute_policy, config.adjudicators)
    table = _with_reviews(table, standing_by_curator(read_ledger(reviews)), policy)
    fates = _fates(table, config.require_review)
    table = table.append_column(MANIFEST.field("fate"), pa.array(fates, pa.string()))
    rows = _funnel(listed, set(here), downloads, timelines, table)
    write_table(people, pa.Table.from_pylist(found.findings, PEOPLE))
    write_table(funnel, pa.Table.from_pylist(rows, FUNNEL))
    write_table(output, table.select(MANIFEST.names).cast(MANIFEST).combine_chunks())
    for path in (output, funnel, people):
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


def _samples_of(folder: Path, video: Video) -> pa.Table:
    return read_table(folder / f"{video.video}.parquet", SAMPLES).sort_by(
        [("start_us", "ascending"), ("face_number", "ascending")]
    )


def _with_sources(table: pa.Table, videos: Mapping[str, Video]) -> pa.Table:
    names = table["video"].to_pylist()
    for column in ("speaker", "gender", "language", "licence", "emotion"):
        values = [getattr(videos[name], column) for name in names]
        table = table.append_column(MANIFEST.field(column), pa.array(values, pa.string()))
    return table


def _people(table: pa.Table, config: Manifest) -> People:
    if config.max_identity_distance is None:
        nobody = np.zeros(len(table), bool)
        return People(np.full(len(table), np.nan, np.float32), nobody, [])
    unflagged = np.array([not flags for flags in table["flags"].to_pylist()], bool)
    return find_people(table, unflagged, config.max_identity_distance, config.same_person_distance)


def _with_flags(table: pa.Table, people: People, config: Manifest) -> pa.Table:
    """Add the flags that take all videos to tell, and what they are told by."""
    flags = table["flags"].to_pylist()
    distance = people.distance
    if config.max_identity_distance is not None:
        wrong = people.strange | (distance > config.max_identity_distance)
        for row in np.flatnonzero(wrong).tolist():
            flags[row].append("wrong_person")
    for row in _copies(table, flags):
        flags[row].append("duplicate")
    unflagged = np.flatnonzero([not found for found in flags])
    clean = table.take(pa.array(unflagged, pa.int64()))
    again = repeats(clean, config.duplicate_sound_errors, config.duplicate_face_bits)
    for row in unflagged[again].tolist():
        flags[row].append("duplicate")
    order = {reason: place for place, reason in enumerate(REASONS)}
    flags = [sorted(found, key=order.__getitem__) for found in flags]
    column = table.schema.get_field_index("flags")
    table = table.set_column(
        column, SAMPLES.field("flags"), pa.array(flags, SAMPLES.field("flags").type)
    )
    values = pa.array(distance, pa.float32(), mask=np.isnan(distance))
    table = table.append_column(MANIFEST.field("identity_distance"), values)
    unflagged_now = pa.array([not found for found in flags], pa.bool_())
    return table.append_column(MANIFEST.field("clean"), unflagged_now)


def _copies(table: pa.Table, flags: list[list[str]]) -> list[int]:
    """Rows whose sound or face is bit by bit that of an earlier row without a flag."""
    seen: dict[str, tuple[str, int]] = {}  # digest → the segment that it came from
    found = []
    names = ("audio_sha256", "face_sha256", "video", "start_us")
    columns = (table[name].to_pylist() for name in names)
    for row, (sound, face, *segment) in enumerate(zip(*columns, strict=True)):
        place = (segment[0], segment[1])
        # The faces of one segment share its sound.
        if face in seen or seen.get(sound, place) != place:
            found.append(row)
        elif not flags[row]:
            # A flagged twin is no reason against this one: then neither would be used.
            seen.update({digest: place for digest in (sound, face) if digest is not None})
    return found


def _with_reviews(
    table: pa.Table, marks: Mapping[str, Mapping[str, Event]], policy: Policy
) -> pa.Table:
    pairs = zip(table["sample"].to_pylist(), table["content"].to_pylist(), strict=True)
    found = [resolve(marks.get(sample, {}), content, policy) for sample, content in pairs]
    events = [standing.event for standing in found]
    columns = {
        "review": [standing.review for standing in found],
        "review_reason": [event.reason if event else "" for event in events],
        "curator": [event.curator if event else "" for event in events],
        "reviewed_at": [event.time if event else "" for event in events],
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
    in_segments: dict[str, dict[str, tuple[int, int]]] = {}
    for (video_name, start_us, end_us), fate_of in _segments(table).items():
        parts = in_segments.setdefault(video_name, {})
        count, time = parts.get(fate_of, (0, 0))
        parts[fate_of] = (count + 1, time + end_us - start_us)
    rows: list[dict[str, str | int]] = []
    for video in videos:
        parts = in_segments.get(video.video, {})
        if lost := _lost(video, here, downloads):
            parts = {lost: (0, 0)}
        else:
            parts |= _outside_segments(timelines / f"{video.video}.parquet", parts)
            if not parts and _is_silent(video, downloads):
                continue  # pictures take no time
        for reason in sorted(parts or {"unreadable": (0, 0)}, key=funnel_order):
            count, time = parts.get(reason, (0, 0))
            about: dict[str, str | int] = {"speaker": video.speaker, "video": video.video}
            rows.append(about | {"reason": reason, "samples": count, "duration_us": time})
    return rows


def _segments(table: pa.Table) -> dict[tuple[str, int, int], str]:
    """The fate of each segment: that of its first face, or of another one that came further."""
    further = {fate: place for place, fate in enumerate([KEPT, *reversed(CURATED)])}
    found: dict[tuple[str, int, int], str] = {}
    columns = (table[name].to_pylist() for name in ("video", "start_us", "end_us", "fate"))
    for video, start_us, end_us, fate_of in zip(*columns, strict=True):
        segment = (video, start_us, end_us)
        known = found.setdefault(segment, fate_of)
        if further.get(fate_of, len(further)) < further.get(known, len(further)):
            found[segment] = fate_of
    return found


def _lost(video: Video, here: Collection[Video], downloads: Path) -> str:
    """Why a video could not be had, as in `unavailable: Private video`; empty when it was."""
    if video.status == "unlicensed":
        return f"unlicensed: {video.licence or 'no licence'}"
    if video not in here:
        return "gone: no longer at its source"
    return read_outcome(downloads / f"{video.video}.json").lost


def _is_silent(video: Video, downloads: Path) -> bool:
    return read_outcome(downloads / f"{video.video}.json").pictures is not None


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
