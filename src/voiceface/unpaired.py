"""Sound without a picture and pictures without sound, joined by identity.

As Wen, Singh and Raj did it with VoxCeleb and VGGFace (NeurIPS 2019): a stretch of a person's
speech goes with any face of that person. Here each goes with one, by a draw that is the same on
every build and changes little when something is added. The draw also keeps the splits apart: each
face is for one recording, and only a recording that got none shares that of another.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from voiceface.config import Gather
from voiceface.duplicates import face_pairs
from voiceface.fingerprints import FACE, fingerprints
from voiceface.ids import PICTURES, content_digest
from voiceface.media.identity import rows_by_code
from voiceface.outcome import read_outcome
from voiceface.tables import FACES, FINGERPRINTS, GATHERED, REASONS, SAMPLES, SOUND_REASONS

# What speaks against a sound, or against a sound and a face together: no reason against the face
# with another sound.
_NOT_OF_FACE = SOUND_REASONS | {"outside_clips", "dubbed", "still_picture"}
_PLACE = {"face_video": "video", "face_start_us": "start_us"}
_OF_SEGMENT = ("video", "start_us", "end_us", "face_number")
_OF_FACE = [
    name
    for name in SAMPLES.names
    if name in FACES.names and name not in (*_OF_SEGMENT, *FINGERPRINTS)
]


def sound_alone(videos: list[str], downloads: Path, samples: pa.Table, config: Gather) -> set[str]:
    """The videos that have sound and no picture; none where there is no face to join them with.

    Args:
        downloads: folder of the outcome records.
        samples: those of all the videos.

    Raises:
        VoicefaceError: a record is missing or damaged.
    """
    if not (config.pair_by_identity or samples["audio_sha256"].null_count):
        return set()
    records = ((video, read_outcome(downloads / f"{video}.json")) for video in videos)
    return {video for video, one in records if one.audio_codec and not one.video_codec}


def expect_faces(samples: pa.Table, alone: set[str], config: Gather) -> pa.Table:
    """Take `no_face` from the sound that will get a face, so that it is compared as all others.

    Args:
        samples: columns of `tables.SAMPLES`, and speaker.
        alone: the videos without a picture.
    """
    if not alone:
        return samples
    pools = set(samples["speaker"].filter(pa.array(_faces(samples, config))).to_pylist())
    waiting = _in(samples, "video", alone) & _in(samples, "speaker", pools)
    flags = samples["flags"].to_pylist()
    for row in np.flatnonzero(waiting).tolist():
        flags[row] = [reason for reason in flags[row] if reason != "no_face"]
    return _with(samples, "flags", flags)


def join_by_identity(samples: pa.Table, alone: set[str], folder: Path, config: Gather) -> pa.Table:
    """Give the sound without a picture its faces, and leave out the faces without sound.

    Args:
        samples: columns of `tables.SAMPLES` but for the fingerprints, speaker, identity_distance
            and clean, with the flags of all videos.
        alone: the videos without a picture.
        folder: `data/samples`, for the fingerprints.

    Returns: the same columns, and face_video and face_start_us.
    """
    if not alone and not samples["audio_sha256"].null_count:
        return _with_places(samples, samples)
    source = np.arange(len(samples))  # of each sample's face
    speakers = samples["speaker"].combine_chunks().dictionary_encode().indices.to_numpy()
    faces = _faces(samples, config)
    waiting = _in(samples, "video", alone) & np.isin(speakers, speakers[faces])
    flags = samples["flags"].to_pylist()
    for _, rows in rows_by_code(speakers):
        sounds = rows[waiting[rows]]
        if not len(sounds):
            continue
        pool = _best(samples, rows[faces[rows]], flags, folder)
        source[sounds] = _draw(samples, sounds, pool, config.pair_seed)
    joined = _with_faces_of(samples, source, flags)
    return joined.filter(pc.is_valid(joined["audio_sha256"]))


def _faces(samples: pa.Table, config: Gather) -> np.ndarray:
    """Which samples have a face to give (n,): pictures, and with `pair_by_identity` all."""
    found = pc.and_(pc.is_valid(samples["face_sha256"]), pc.equal(samples["face_number"], 0))
    if not config.pair_by_identity:
        found = pc.and_(found, pc.is_null(samples["audio_sha256"]))
    return np.asarray(found.combine_chunks().to_numpy(zero_copy_only=False), bool)


def _best(samples: pa.Table, rows: np.ndarray, flags: list[list[str]], folder: Path) -> np.ndarray:
    """The faces to draw from: those with nothing against them, if there are any, each once."""
    clean = np.array([_NOT_OF_FACE.issuperset(flags[row]) for row in rows.tolist()], bool)
    rows = rows[clean] if clean.any() else rows
    places = samples.select(["video", "start_us", "face_number"]).take(pa.array(rows))
    table = fingerprints(folder, places, FACE)
    # Nearly the same picture in two splits would be a leak, also within one folder.
    table = table.append_column("video", pa.array(map(str, range(len(rows))), pa.string()))
    again = {later for _, later in face_pairs(table).tolist()}
    digests = samples["face_sha256"].take(pa.array(rows)).to_pylist()
    first = {digest: place for place, digest in reversed(list(enumerate(digests)))}
    return rows[[place for place in sorted(first.values()) if place not in again]]


def _draw(samples: pa.Table, sounds: np.ndarray, pool: np.ndarray, seed: int) -> np.ndarray:
    """The row of the face of each of the rows `sounds`, out of `pool`."""
    videos = samples["video"].take(pa.array(sounds)).to_pylist()
    recordings, recording = np.unique(np.array(videos, object), return_inverse=True)
    source = samples["video"].take(pa.array(pool))
    source = pc.if_else(pc.starts_with(source, PICTURES), "", source)
    source = np.array(source.to_pylist(), object)
    faces = _keys(seed, [samples["face_sha256"][row].as_py() for row in pool.tolist()])
    of_face = _ranks(faces, _keys(seed, recordings.tolist())).argmax(axis=1)
    drawn = np.empty(len(sounds), np.int64)
    for number, mine in rows_by_code(recording):
        own = np.flatnonzero(of_face == number)
        if not len(own):
            own = _ranks(_keys(seed, [recordings[number]]), faces).argmax(axis=1)
        # Of one video at most: all recordings that have a face of it are in one split.
        first = own[_ranks(_keys(seed, [recordings[number]]), faces[own]).argmax()]
        own = own[source[own] == source[first]]
        names = [samples["sample"][row].as_py() for row in sounds[mine].tolist()]
        drawn[mine] = pool[own[_ranks(_keys(seed, names), faces[own]).argmax(axis=1)]]
    return drawn


def _keys(seed: int, names: list[str]) -> np.ndarray:
    """A 64-bit key of each name."""
    digests = (hashlib.sha256(f"{seed}\0{name}".encode()).digest() for name in names)
    return np.frombuffer(b"".join(digest[:8] for digest in digests), np.uint64)


def _ranks(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """A pseudo-random rank of each pair (n, m); it depends on nothing but the pair."""
    mixed = one[:, None] ^ np.bitwise_invert(other)[None, :] * np.uint64(0x9E3779B97F4A7C15)
    for factor in (0xBF58476D1CE4E5B9, 0x94D049BB133111EB):
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(factor)
    return mixed ^ (mixed >> np.uint64(31))


def _with_faces_of(samples: pa.Table, source: np.ndarray, flags: list[list[str]]) -> pa.Table:
    """Each sample with the face of the row `source`, and what follows from it."""
    order = {reason: place for place, reason in enumerate(REASONS)}
    rows = pa.array(source)
    joined = samples
    for name in [*_OF_FACE, "identity_distance"]:
        joined = joined.set_column(
            joined.schema.get_field_index(name), joined.field(name), samples[name].take(rows)
        )
    content = samples["content"].to_pylist()
    sounds = samples["audio_sha256"].to_pylist()
    for row in np.flatnonzero(source != np.arange(len(source))).tolist():
        against = {reason for reason in flags[source[row]] if reason not in _NOT_OF_FACE}
        flags[row] = sorted(against.union(flags[row]), key=order.__getitem__)
        content[row] = content_digest(joined["face_sha256"][row].as_py(), sounds[row])
    joined = _with(_with(joined, "flags", flags), "content", content)
    joined = _with(joined, "clean", [not found for found in flags])
    return _with_places(joined, samples.select(_PLACE.values()).take(rows))


def _with_places(samples: pa.Table, faces: pa.Table) -> pa.Table:
    """The samples with the columns that tell where each one's face, a row of `faces`, stands."""
    for name, own in _PLACE.items():
        samples = samples.append_column(GATHERED.field(name), faces[own])
    return samples


def _with(table: pa.Table, name: str, values: Sequence[object]) -> pa.Table:
    field = table.schema.field(name)
    place = table.schema.get_field_index(name)
    return table.set_column(place, field, pa.array(values, field.type))


def _in(table: pa.Table, column: str, names: set[str]) -> np.ndarray:
    return np.array([value in names for value in table[column].to_pylist()], bool)
