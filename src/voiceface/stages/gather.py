"""Gather stage: the samples of all videos together, and what takes all of them to tell.

No mark of a curator has a say in it, so that a mark compares nothing anew.
"""

import sys
from collections.abc import Collection
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from voiceface.config import Gather
from voiceface.duplicates import repeats
from voiceface.emotions import by_segment
from voiceface.errors import VoicefaceError
from voiceface.files import read_table, write_table
from voiceface.fingerprints import FACE, SOUND, fingerprints, read_samples
from voiceface.flags import flag_bit, flag_bits, flag_lists
from voiceface.outcome import read_outcome
from voiceface.parts import in_one_piece
from voiceface.people import People, find_people
from voiceface.sources import Video, built_videos, wanted_videos
from voiceface.stages.shim import stage_main
from voiceface.tables import FINGERPRINTS, FUNNEL, GATHERED, PEOPLE, SAMPLES, TIMELINE
from voiceface.unpaired import expect_faces, join_by_identity, sound_alone

_LIGHT = [name for name in SAMPLES.names if name not in FINGERPRINTS]
_SEGMENT = ("start_us", "end_us")
_OF_SOURCE = ("speaker", "gender", "language", "licence", "emotion")


def run(
    config: Gather,
    videos: Path,
    downloads: Path,
    timelines: Path,
    samples: Path,
    output: Path,
    outside: Path,
    people: Path,
) -> None:
    """Join the samples of all videos, in the order of the list of videos, and compare them.

    Args:
        videos: the list of videos; those that are gone are not asked for.
        downloads: folder of the outcome records.
        timelines: folder of the timeline tables.
        samples: folder of the sample tables.
        output: `data/gathered.parquet`.
        outside: `data/outside.parquet`.
        people: `manifests/people.parquet`.

    Raises:
        VoicefaceError: a file is missing or damaged, or a video's time does not add up.
    """
    listed = wanted_videos(videos)
    here = built_videos(videos, downloads)
    names = [video.video for video in here]
    table = _with_sources(read_samples(samples, names, _LIGHT), here)
    alone = sound_alone(names, downloads, table, config)
    table = expect_faces(table, alone, config)
    found = _people(table, samples, config)
    table = _with_flags(table, found, samples, config)
    table = join_by_identity(table, alone, samples, config)
    rows = _outside(listed, set(here), downloads, timelines, table)
    write_table(people, pa.Table.from_pylist(found.findings, PEOPLE))
    write_table(outside, pa.Table.from_pylist(rows, FUNNEL))
    write_table(output, table.select(GATHERED.names).cast(GATHERED))


def _with_sources(table: pa.Table, videos: list[Video]) -> pa.Table:
    names = pa.array([video.video for video in videos], pa.string())
    video = pc.index_in(table["video"], names)
    for column in _OF_SOURCE:
        values = pa.array([getattr(video, column) for video in videos], pa.string())
        table = table.append_column(GATHERED.field(column), values.take(video))
    return by_segment(table)


def _people(table: pa.Table, samples: Path, config: Gather) -> People:
    if config.max_identity_distance is None:
        nobody = np.zeros(len(table), bool)
        return People(np.full(len(table), np.nan, np.float32), nobody, [])
    clean = flag_bits(table["flags"]) == 0
    radius, same_person = config.max_identity_distance, config.same_person_distance
    return find_people(table, samples, clean, radius, same_person)


def _with_flags(table: pa.Table, people: People, samples: Path, config: Gather) -> pa.Table:
    """Add the flags that take all videos to tell, and what they are told by."""
    bits = flag_bits(table["flags"])
    distance = people.distance
    if config.max_identity_distance is not None:
        wrong = people.strange | (distance > config.max_identity_distance)
        bits[wrong] |= flag_bit("wrong_person")
    bits[_copies(table, bits == 0)] |= flag_bit("duplicate")
    clean = np.flatnonzero(bits == 0)
    part = table.select(["video", "start_us", "face_number"]).take(pa.array(clean))
    part = fingerprints(samples, part, ["video", "start_us", *SOUND, *FACE])
    again = repeats(part, config.duplicate_sound_errors, config.duplicate_face_bits)
    bits[clean[again]] |= flag_bit("duplicate")
    column = table.schema.get_field_index("flags")
    table = table.set_column(column, SAMPLES.field("flags"), flag_lists(bits))
    values = pa.array(distance, pa.float32(), mask=np.isnan(distance))
    table = table.append_column(GATHERED.field("identity_distance"), values)
    return table.append_column(GATHERED.field("clean"), pa.array(bits == 0))


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
    codes = in_one_piece(column).dictionary_encode().indices.fill_null(-1).to_numpy()
    return (np.bincount(codes + 1)[codes + 1] > 1) & (codes >= 0)


def _outside(
    videos: list[Video], here: Collection[Video], downloads: Path, timelines: Path, table: pa.Table
) -> list[dict[str, str | int]]:
    """Where the time that is in no segment went, and why videos were lost: as in `tables.FUNNEL`.

    Raises:
        VoicefaceError: a video's segments are not those of its samples.
    """
    in_segments = _in_segments(table)
    rows: list[dict[str, str | int]] = []
    for video in videos:
        if lost := _lost(video, here, downloads):
            times = {lost: 0}
        else:
            in_segment = in_segments.get(video.video, 0)
            times = _outside_segments(timelines / f"{video.video}.parquet", in_segment)
            # Pictures take no time.
            if not times and not in_segment and not _is_silent(video, downloads):
                times = {"unreadable": 0}
        for reason, time in times.items():
            about: dict[str, str | int] = {"speaker": video.speaker, "video": video.video}
            rows.append(about | {"reason": reason, "samples": 0, "duration_us": time})
    return rows


def _in_segments(table: pa.Table) -> dict[str, int]:
    """Time of each video's segments, µs; the faces of one segment, side by side, count once."""
    video = in_one_piece(table["video"]).dictionary_encode()
    code, start, end = video.indices.to_numpy(), *(table[n].to_numpy() for n in _SEGMENT)
    first = np.ones(len(code), bool)
    first[1:] = (code[1:] != code[:-1]) | (start[1:] != start[:-1])
    times = np.zeros(len(video.dictionary), np.int64)
    np.add.at(times, code[first], (end - start)[first])
    return dict(zip(video.dictionary.to_pylist(), times.tolist(), strict=True))


def _lost(video: Video, here: Collection[Video], downloads: Path) -> str:
    """Why a video could not be had, as in `unavailable: Private video`; empty when it was."""
    if video.status == "unlicensed":
        return f"unlicensed: {video.licence or 'no licence'}"
    if video not in here:
        return "gone: no longer at its source"
    return read_outcome(downloads / f"{video.video}.json").lost


def _is_silent(video: Video, downloads: Path) -> bool:
    return read_outcome(downloads / f"{video.video}.json").pictures is not None


def _outside_segments(timeline: Path, in_segments: int) -> dict[str, int]:
    """Time that is in no segment, by reason, after checking the rest against the samples.

    Args:
        in_segments: time that the samples take, µs.
    """
    times = {
        row["reason"]: row["duration_us"] for row in read_table(timeline, TIMELINE).to_pylist()
    }
    expected = times.pop("segment", 0)
    if expected != in_segments:
        raise VoicefaceError(
            f"{timeline}: {expected} µs in segments, but its samples take {in_segments} µs;"
            " delete both and build again"
        )
    return times


if __name__ == "__main__":
    sys.exit(stage_main(run))
