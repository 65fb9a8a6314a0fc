"""Manifest stage: all samples together, joined with their sources and the curators' marks."""

import os
import sys
import time
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from voiceface.config import Manifest
from voiceface.duplicates import repeats
from voiceface.emotions import by_segment
from voiceface.errors import VoicefaceError
from voiceface.files import joined, read_table, write_table
from voiceface.flags import flag_bit, flag_bits, flag_lists, reasons_of
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
    REVIEWS,
    SAMPLES,
    TIMELINE,
    funnel_order,
)
from voiceface.unpaired import expect_faces, join_by_identity, sound_alone

_ORDER = [SAMPLES.field("start_us"), SAMPLES.field("face_number")]
_AT_ONCE = 32
# Each a third of the memory.
_DESCRIPTORS = ["descriptor"]
_FINGERPRINTS = ["audio_marks", "audio_prints"]


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
    columns = [field for field in SAMPLES if field.name not in _FINGERPRINTS]
    table = _with_sources(_all_samples(samples, here, columns), here)
    alone = sound_alone([video.video for video in here], downloads, table, config)
    table = expect_faces(table, alone, config)
    found = _people(table, config)
    # Each third of the memory when it is needed: first the faces, then the sounds, then all.
    table = _beside(table.drop_columns(_DESCRIPTORS), samples, here, _FINGERPRINTS)
    table = _with_flags(table, found, config)
    table = _beside(table, samples, here, _DESCRIPTORS)
    table = join_by_identity(table, alone, config)
    policy = Policy(config.dispute_policy, config.adjudicators)
    table = _with_reviews(table, standing_by_curator(read_ledger(reviews)), policy)
    table = _with_fates(table, config.require_review)
    rows = _funnel(listed, set(here), downloads, timelines, table)
    write_table(people, pa.Table.from_pylist(found.findings, PEOPLE))
    write_table(funnel, pa.Table.from_pylist(rows, FUNNEL))
    write_table(output, table.select(MANIFEST.names).cast(MANIFEST))
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


def _all_samples(folder: Path, videos: list[Video], columns: list[pa.Field]) -> pa.Table:
    """Some columns of the samples of all videos, in order."""
    schema = pa.schema(columns)
    read = partial(_samples_of, folder, schema)
    # A few at a time: the threads would else read far ahead of what is joined.
    batches = (videos[start : start + _AT_ONCE] for start in range(0, len(videos), _AT_ONCE))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return joined(chain.from_iterable(pool.map(read, batch) for batch in batches), schema)


def _beside(table: pa.Table, folder: Path, videos: list[Video], names: list[str]) -> pa.Table:
    """The table of all samples with further columns of them."""
    fields = [SAMPLES.field(name) for name in names]
    more = _all_samples(folder, videos, [*_ORDER, *fields])
    for field in fields:
        table = table.append_column(field, more[field.name])
    return table


def _samples_of(folder: Path, columns: pa.Schema, video: Video) -> pa.Table:
    table = read_table(folder / f"{video.video}.parquet", SAMPLES, columns.names)
    return table.sort_by([(field.name, "ascending") for field in _ORDER])


def _with_sources(table: pa.Table, videos: list[Video]) -> pa.Table:
    names = pa.array([video.video for video in videos], pa.string())
    video = pc.index_in(table["video"], names)
    for column in ("speaker", "gender", "language", "licence", "emotion"):
        values = pa.array([getattr(video, column) for video in videos], pa.string())
        table = table.append_column(MANIFEST.field(column), values.take(video))
    return by_segment(table)


def _people(table: pa.Table, config: Manifest) -> People:
    if config.max_identity_distance is None:
        nobody = np.zeros(len(table), bool)
        return People(np.full(len(table), np.nan, np.float32), nobody, [])
    unflagged = flag_bits(table["flags"]) == 0
    return find_people(table, unflagged, config.max_identity_distance, config.same_person_distance)


def _with_flags(table: pa.Table, people: People, config: Manifest) -> pa.Table:
    """Add the flags that take all videos to tell, and what they are told by."""
    bits = flag_bits(table["flags"])
    distance = people.distance
    if config.max_identity_distance is not None:
        wrong = people.strange | (distance > config.max_identity_distance)
        bits[wrong] |= flag_bit("wrong_person")
    bits[_copies(table, bits == 0)] |= flag_bit("duplicate")
    again = repeats(table, config.duplicate_sound_errors, config.duplicate_face_bits, bits == 0)
    bits[again] |= flag_bit("duplicate")
    column = table.schema.get_field_index("flags")
    table = table.set_column(column, SAMPLES.field("flags"), flag_lists(bits))
    values = pa.array(distance, pa.float32(), mask=np.isnan(distance))
    table = table.append_column(MANIFEST.field("identity_distance"), values)
    return table.append_column(MANIFEST.field("clean"), pa.array(bits == 0))


def _copies(table: pa.Table, unflagged: np.ndarray) -> list[int]:
    """Rows whose sound or face is bit by bit that of an earlier row without a flag."""
    seen: dict[str, tuple[str, int]] = {}  # digest → the segment that it came from
    found = []
    several = _occur_again(table["audio_sha256"]) | _occur_again(table["face_sha256"])
    rows = np.flatnonzero(several)
    part = table.select(["audio_sha256", "face_sha256", "video", "start_us"]).take(pa.array(rows))
    columns = (column.to_pylist() for column in part.columns)
    for row, sound, face, *segment in zip(rows.tolist(), *columns, strict=True):
        place = (segment[0], segment[1])
        # The faces of one segment share its sound.
        if face in seen or seen.get(sound, place) != place:
            found.append(row)
        elif unflagged[row]:
            # A flagged twin is no reason against this one: then neither would be used.
            seen.update({digest: place for digest in (sound, face) if digest is not None})
    return found


def _occur_again(column: pa.ChunkedArray) -> np.ndarray:
    """Which rows have a value that another row has too (n,) bool."""
    codes = column.combine_chunks().dictionary_encode().indices.fill_null(-1).to_numpy()
    return (np.bincount(codes + 1)[codes + 1] > 1) & (codes >= 0)


def _with_reviews(
    table: pa.Table, marks: Mapping[str, Mapping[str, Event]], policy: Policy
) -> pa.Table:
    marked = pc.indices_nonzero(pc.is_in(table["sample"], pa.array(marks, pa.string())))
    part = table.select(["sample", "content"]).take(marked)
    found = [resolve(marks[row["sample"]], row["content"], policy) for row in part.to_pylist()]
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
    kinds, kind = np.unique(
        flag_bits(table["flags"]) << 8 | review << 1 | there, return_inverse=True
    )
    fates = [
        fate(REVIEWS[one >> 1 & 127], "" if one & 1 else None, reasons_of(one >> 8), require_review)
        for one in kinds.tolist()
    ]
    kept = np.flatnonzero(np.array([one == KEPT for one in fates], bool)[kind])
    # A curator may have kept the same thing twice; once is enough.
    content = table["content"].take(pa.array(kept)).combine_chunks().dictionary_encode().indices
    _, first = np.unique(content.to_numpy(), return_index=True)
    kind[np.delete(kept, first)] = len(fates)
    column = pa.array([*fates, "duplicate"], pa.string()).take(pa.array(kind))
    return table.append_column(MANIFEST.field("fate"), column)


def _funnel(
    videos: list[Video], here: Collection[Video], downloads: Path, timelines: Path, table: pa.Table
) -> list[dict[str, str | int]]:
    """Where the time of each video went: rows as in `tables.FUNNEL`."""
    in_segments = _in_segments(table)
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


def _in_segments(table: pa.Table) -> dict[str, dict[str, tuple[int, int]]]:
    """Number and time of each video's segments, by fate.

    A segment's fate is that of its first face, or of another one that came further.
    """
    further = {fate: place for place, fate in enumerate([KEPT, *reversed(CURATED)])}
    video, fates = (table[name].combine_chunks().dictionary_encode() for name in ("video", "fate"))
    places = np.array([further.get(one, len(further)) for one in fates.dictionary.to_pylist()], int)
    code = fates.indices.to_numpy()
    columns = [video.indices.to_numpy(), table["start_us"].to_numpy(), table["end_us"].to_numpy()]
    order = np.lexsort((places[code], *reversed(columns)))
    segments = np.stack(columns)[:, order]
    first = np.ones(len(order), bool)
    first[1:] = (segments[:, 1:] != segments[:, :-1]).any(axis=0)
    of, start, end = segments[:, first]
    kinds, kind, counts = np.unique(
        of * len(places) + code[order][first], return_inverse=True, return_counts=True
    )
    times = np.zeros(len(kinds), np.int64)
    np.add.at(times, kind, end - start)
    found: dict[str, dict[str, tuple[int, int]]] = {}
    for one, count, time_us in zip(kinds.tolist(), counts.tolist(), times.tolist(), strict=True):
        name, fate_of = divmod(one, len(places))
        parts = found.setdefault(video.dictionary[name].as_py(), {})
        parts[fates.dictionary[fate_of].as_py()] = (count, time_us)
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
