"""Faces, sounds and their peaks, by the sample's content: read from the stages' tables."""

import io
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from voiceface.review.table import ReviewTable

PEAKS = 480
"""Columns of the drawn sound."""

_CACHE_BYTES = 48 << 20
_OPEN_FILES = 48


@dataclass(frozen=True)
class _Open:
    """A table with media: its rows by key, and the first row of each row group."""

    file: pq.ParquetFile
    places: dict[tuple[int, ...], tuple[int, str]]
    starts: np.ndarray


class Media:
    """Reads media of a table's rows; what was read lately is kept."""

    def __init__(self, table: ReviewTable, faces: Path, speech: Path) -> None:
        self._table = table
        self._folders = {"face": faces, "audio": speech}
        self._keys = {"face": ["start_us", "face_number"], "audio": ["start_us"]}
        self._open: OrderedDict[Path, _Open] = OrderedDict()
        self._cache: OrderedDict[tuple[str, str], bytes] = OrderedDict()
        self._size = 0
        self._lock = Lock()

    def face(self, content: str) -> bytes | None:
        """The face as PNG; None when it is not there, or no longer the one of that content."""
        return self._cached("face", content, lambda row: self._read("face", row))

    def sound(self, content: str) -> bytes | None:
        """The sound as FLAC; None when it is not there, or no longer the one of that content."""
        return self._cached("audio", content, lambda row: self._read("audio", row))

    def peaks(self, content: str) -> bytes | None:
        """Lowest and highest value of the sound in each of `PEAKS` steps, int8 (PEAKS, 2)."""
        return self._cached("peaks", content, lambda _: _peaks(self.sound(content)))

    def _cached(self, kind: str, content: str, read: Callable[[int], bytes | None]) -> bytes | None:
        with self._lock:
            if found := self._cache.get((kind, content)):
                self._cache.move_to_end((kind, content))
                return found
        row = self._table.row_of_content(content)
        data = None if row is None else read(row)
        if data:
            with self._lock:
                self._size += len(data) - len(self._cache.get((kind, content), b""))
                self._cache[kind, content] = data
                while self._size > _CACHE_BYTES:
                    self._size -= len(self._cache.popitem(last=False)[1])
        return data

    def _read(self, kind: str, row: int) -> bytes | None:
        values = {name: column.value(row) for name, column in self._table.columns.items()}
        video = values["face_video"] if kind == "face" else values["video"]
        start = values["face_start_us"] if kind == "face" else values["start_us"]
        key = (start, values["face_number"]) if kind == "face" else (start,)
        digest = values["face_sha256" if kind == "face" else "audio_sha256"]
        with self._lock:
            opened = self._opened(kind, self._folders[kind] / f"{video}.parquet")
            if opened is None or (found := opened.places.get(key)) is None or found[1] != digest:
                return None
            group = int(np.searchsorted(opened.starts, found[0], "right")) - 1
            part = opened.file.read_row_group(group, columns=[kind], use_threads=False)
            media: Any = part[kind][found[0] - int(opened.starts[group])].as_py()
        return media["bytes"] if media else None

    def _opened(self, kind: str, path: Path) -> _Open | None:
        if path in self._open:
            self._open.move_to_end(path)
            return self._open[path]
        if not path.exists():
            return None
        file = pq.ParquetFile(path, pre_buffer=False)
        names = [*self._keys[kind], f"{kind}_sha256"]
        columns = [file.read([name], use_threads=False)[name].to_pylist() for name in names]
        places = {
            tuple(values[:-1]): (place, values[-1])
            for place, values in enumerate(zip(*columns, strict=True))
        }
        counts = [file.metadata.row_group(one).num_rows for one in range(file.num_row_groups)]
        starts = np.cumsum([0, *counts])[:-1]
        while len(self._open) >= _OPEN_FILES:
            self._open.popitem(last=False)[1].file.close()
        self._open[path] = _Open(file, places, starts)
        return self._open[path]


def _peaks(flac: bytes | None) -> bytes | None:
    if flac is None:
        return None
    import soundfile

    pcm, _ = soundfile.read(io.BytesIO(flac), dtype="int16")
    edges = np.linspace(0, len(pcm), PEAKS, endpoint=False).astype(int)
    if len(pcm) < PEAKS:
        return np.zeros((PEAKS, 2), np.int8).tobytes()
    lowest, highest = np.minimum.reduceat(pcm, edges), np.maximum.reduceat(pcm, edges)
    return (np.stack([lowest, highest], axis=1) >> 8).astype(np.int8).tobytes()
