"""The samples tables of all videos, read together: light columns of all, fingerprints of some.

The fingerprints (`tables.FINGERPRINTS`) are most of what a sample takes. They stay in the tables of
the videos, and are read for those samples alone that are compared with others.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import numpy as np
import pyarrow as pa

from voiceface.errors import VoicefaceError
from voiceface.files import read_table
from voiceface.media.identity import rows_by_code
from voiceface.parts import in_one_piece, joined
from voiceface.tables import SAMPLES

SOUND = ("audio_prints", "audio_marks")
FACE = ("face_print",)

_PLACE = ("start_us", "face_number")
_MOST_FACES = 1 << 15  # face_number is int16
_AT_ONCE = 32
T = TypeVar("T")


def read_samples(folder: Path, videos: Sequence[str], columns: Sequence[str]) -> pa.Table:
    """Some columns of all samples, in the order of the videos, then of time and faces.

    Args:
        folder: `data/samples`.

    Raises:
        VoicefaceError: a table is missing or damaged.
    """
    schema = pa.schema([SAMPLES.field(name) for name in columns])

    def read(video: str) -> pa.Table:
        return read_table(folder / f"{video}.parquet", SAMPLES, schema.names)

    return joined(_in_turn(read, videos), schema)


def fingerprints(
    folder: Path,
    samples: pa.Table,
    columns: Sequence[str],
    video: str = "video",
    start: str = "start_us",
) -> pa.Table:
    """Some columns of the samples tables for the rows of another table.

    Args:
        folder: `data/samples`.
        samples: columns face_number and those named by the next two.
        columns: of `tables.SAMPLES`.
        video: the column of `samples` that tells in which video the row stands.
        start: the column that tells at which time, µs.

    Returns: the columns, a row for each of `samples`.

    Raises:
        VoicefaceError: a table is missing or damaged, or has no such row.
    """
    fields = [SAMPLES.field(name) for name in columns]
    encoded = in_one_piece(samples[video]).dictionary_encode()
    places = _places(samples[start], samples["face_number"])
    of_video = [
        (encoded.dictionary[code].as_py(), rows)
        for code, rows in rows_by_code(encoded.indices.to_numpy())
    ]

    def read(one: tuple[str, np.ndarray]) -> pa.Table:
        name, rows = one
        path = folder / f"{name}.parquet"
        table = read_table(path, SAMPLES, list(dict.fromkeys([*_PLACE, *columns])))
        here, wanted = _places(*table.select(_PLACE).columns), places[rows]
        found = np.searchsorted(here, wanted)
        if not np.array_equal(here.take(found, mode="clip") if len(here) else here, wanted):
            raise VoicefaceError(f"{path}: not of the same build as the manifest; build again")
        chosen = table.select(columns)
        return chosen if len(rows) == len(here) else chosen.take(pa.array(found))

    table = joined(_in_turn(read, of_video), pa.schema(fields))
    order = np.concatenate([np.zeros(0, np.int64), *(rows for _, rows in of_video)])
    if (order[1:] > order[:-1]).all():
        return table
    back = np.empty(len(order), np.int64)
    back[order] = np.arange(len(order))
    return table.take(pa.array(back))


def with_fingerprints(folder: Path, samples: pa.Table) -> pa.Table:
    """The samples with the fingerprints of their sound and of their face, wherever that is from.

    Args:
        folder: `data/samples`.
        samples: columns video, start_us, face_number, face_video and face_start_us.
    """
    own = all(
        samples[name].equals(samples[of_face])
        for name, of_face in (("video", "face_video"), ("start_us", "face_start_us"))
    )
    found = fingerprints(folder, samples, [*SOUND, *FACE] if own else SOUND)
    if not own:
        faces = fingerprints(folder, samples, FACE, "face_video", "face_start_us")
        found = found.append_column(faces.schema.field(0), faces.column(0))
    for name in found.column_names:
        samples = samples.append_column(found.schema.field(name), found[name])
    return samples


def _places(start: pa.ChunkedArray, face_number: pa.ChunkedArray) -> np.ndarray:
    """A number for each row: ascending in the tables of the videos."""
    return start.to_numpy() * _MOST_FACES + face_number.to_numpy()


def _in_turn(read: Callable[[T], pa.Table], things: Sequence[T]) -> Iterator[pa.Table]:
    """The table of each of the things. A few at a time: threads would else read far ahead."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for start in range(0, len(things), _AT_ONCE):
            yield from pool.map(read, things[start : start + _AT_ONCE])
