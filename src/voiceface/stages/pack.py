"""Pack stage: one split as plain arrays, which a trainer can map or hold on the GPU."""

import hashlib
import io
import sys
from collections.abc import Callable, Collection, Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import soundfile

from voiceface.errors import VoicefaceError, hardship
from voiceface.files import read_table, replacing, sha256_file, write_sealed, write_table
from voiceface.stages.shim import stage_main
from voiceface.tables import DATASET, DESCRIPTOR, PACKED

_BATCH_ROWS = 64
_PARTS = ("faces.npy", "audio.npy", "descriptors.npy", "samples.parquet")

_OF_FACE = ("start_us", "face_number")
_KEYS = {"face": _OF_FACE, "descriptor": _OF_FACE, "audio": ("start_us",)}
# The columns of a sample that tell where its face, with its descriptor, and its sound stand.
_FACE = ("face_start_us", "face_number")
_VIDEO = {"face": "face_video", "descriptor": "face_video", "audio": "video"}
_PLACES = {"face": _FACE, "descriptor": _FACE, "audio": ("start_us",)}

Place = tuple[int, ...]
Row = dict[str, Any]
Take = Callable[[Path, Row, Any], np.ndarray]
"""Makes an array of a value of a table, for a sample."""


def run(dataset: Path, speech: Path, faces: Path, split: str, output: Path) -> None:
    """Write the arrays of a split, each value checked against its digest in the dataset.

    Args:
        dataset: `manifests/dataset.parquet`.
        speech: folder of the speech tables.
        faces: folder of the face tables.
        split: one of `tables.SPLITS`; it may hold no sample.
        output: folder to write to, see `tables.PACKED`.

    Raises:
        VoicefaceError: a table is missing or damaged, or sizes are not all the same.
    """
    table = read_table(dataset, DATASET)
    if not len(table):
        raise VoicefaceError(f"{dataset}: holds no sample; see `voiceface status`")
    rows = table.filter(pc.equal(table["split"], split)).to_pylist()
    # Sizes of the whole dataset, so that an empty split has them too.
    first = table.slice(0, 1).to_pylist()
    columns = (
        ("faces.npy", faces, "face", partial(_media, "face", decode_face)),
        ("audio.npy", speech, "audio", partial(_media, "audio", decode_sound)),
        ("descriptors.npy", faces, "descriptor", _descriptor),
    )
    like = {}
    for part, folder, column, take in columns:
        like[column] = next(_each(first, folder, column, take))
        _write_array(output / part, rows, _each(rows, folder, column, take), like[column])
    write_table(output / "samples.parquet", pa.Table.from_pylist(rows, PACKED))
    train = table.filter(pc.equal(table["split"], "train"))
    about = {
        "sample_rate_hz": _sample_rate(first[0], speech),
        "segment_samples": len(like["audio"]),
        "size": len(like["face"]),
        "speakers": sorted(set(train["speaker"].to_pylist())),
        "emotions": sorted(set(train["emotion"].to_pylist()) - {""}),
        "count": len(rows),
        "sha256": {part: sha256_file(output / part) for part in _PARTS},
    }
    write_sealed(output / "pack.json", about)


def decode_face(png: bytes) -> np.ndarray:
    """PNG → uint8 (height, width, 3), RGB.

    Raises:
        ValueError: it is damaged.
    """
    picture = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR) if png else None
    if picture is None:
        raise ValueError("not a picture")
    return np.ascontiguousarray(picture[:, :, ::-1])


def decode_sound(flac: bytes) -> np.ndarray:
    """FLAC → little-endian int16 (samples,), mono.

    Raises:
        ValueError: it is damaged.
    """
    try:
        pcm, _ = soundfile.read(io.BytesIO(flac), dtype="int16")
    except soundfile.LibsndfileError as error:
        raise ValueError(str(error)) from None
    return np.asarray(pcm, "<i2")


def _each(rows: list[Row], folder: Path, column: str, take: Take) -> Iterator[np.ndarray]:
    """What `take` makes of each row's value, in order: one pass over each video's table.

    A face may stand in another video's table: see `voiceface.unpaired`.
    """
    video = _VIDEO[column]
    left = iter(rows)
    while wanted := list(islice(left, _BATCH_ROWS)):
        found: dict[str, dict[Place, Any]] = {}
        for name in dict.fromkeys(row[video] for row in wanted):
            places = {_place(row, column) for row in wanted if row[video] == name}
            found[name] = _values(folder / f"{name}.parquet", column, places)
        for row in wanted:
            path, there = folder / f"{row[video]}.parquet", found[row[video]]
            place = _place(row, column)
            if place not in there:
                raise VoicefaceError(
                    f"{path}: {row['sample']} is not there; delete the file and build again"
                )
            yield take(path, row, there[place])


def _place(row: Row, column: str) -> Place:
    """Where a sample's value stands: the values of `_KEYS` in its table."""
    return tuple(row[name] for name in _PLACES[column])


def _media(
    column: str, decode: Callable[[bytes], np.ndarray], path: Path, row: Row, found: Any
) -> np.ndarray:
    """A picture or sound, checked against its digest."""
    try:
        value = decode(_encoded(found))
        problem = "" if _digest(value) == row[f"{column}_sha256"] else "not what it was"
    except ValueError as error:
        problem = str(error)
    if problem:
        raise VoicefaceError(
            f"{path}: the {column} of {row['sample']} is damaged ({problem});"
            " delete the file and build again"
        )
    return value


def _descriptor(path: Path, row: Row, found: Any) -> np.ndarray:
    """float32 (128,), little-endian; NaN where the face has none."""
    return np.array(found or [np.nan] * DESCRIPTOR, "<f4")


def _encoded(media: Any) -> bytes:
    return (media or {}).get("bytes") or b""


def _values(path: Path, column: str, wanted: Collection[Place]) -> dict[Place, Any]:
    """The column's values at the wanted places, reading no row group that has none of them."""
    keys = list(_KEYS[column])
    found: dict[Place, Any] = {}
    try:
        # No pre_buffer: it would hold all the media of a video in memory at once.
        with open(path, "rb") as source, pq.ParquetFile(source, pre_buffer=False) as table:
            there = zip(*(table.read([key])[key].to_pylist() for key in keys), strict=True)
            rows = [number for number, place in enumerate(there) if place in wanted]
            about = table.metadata
            ends = np.cumsum([about.row_group(n).num_rows for n in range(about.num_row_groups)])
            groups = sorted(set(np.searchsorted(ends, rows, side="right").tolist()))
            columns = [*keys, column]
            for batch in table.iter_batches(_BATCH_ROWS, row_groups=groups, columns=columns):
                for row in batch.to_pylist():
                    if (place := tuple(row[key] for key in keys)) in wanted:
                        found[place] = row[column]
    except FileNotFoundError:
        raise VoicefaceError(f"{path}: no such file; build it with `voiceface build`") from None
    except (pa.ArrowException, OSError, KeyError) as error:
        if refused := hardship(error):
            raise VoicefaceError(f"{path}: {refused}") from None
        reason = str(error).splitlines()[0]
        raise VoicefaceError(f"{path}: damaged ({reason}); delete it and build again") from None
    return found


def _write_array(
    path: Path, rows: list[Row], values: Iterator[np.ndarray], like: np.ndarray
) -> None:
    """Write values that are all like `like` as one .npy file, a row at a time."""
    header = {
        "descr": np.lib.format.dtype_to_descr(like.dtype),
        "fortran_order": False,
        "shape": (len(rows), *like.shape),
    }
    # Plain writes, no memory map: on a full disk they raise, where a map would kill the process.
    with replacing(path) as temporary, open(temporary, "wb") as target:
        np.lib.format.write_array_header_1_0(target, header)
        for row, value in zip(rows, values, strict=True):
            if value.shape != like.shape:
                raise VoicefaceError(
                    f"{path}: {row['sample']} is {value.shape}, others are {like.shape};"
                    " delete data/speech and data/faces and build again"
                )
            target.write(value.tobytes())


def _sample_rate(row: Row, speech: Path) -> int:
    path = speech / f"{row['video']}.parquet"
    place = _place(row, "audio")
    sound = _encoded(_values(path, "audio", {place})[place])
    return int(soundfile.info(io.BytesIO(sound)).samplerate)


def _digest(value: np.ndarray) -> str:
    return hashlib.sha256(value.tobytes()).hexdigest()


if __name__ == "__main__":
    sys.exit(stage_main(run))
