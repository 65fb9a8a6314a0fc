"""The manifest in memory, for the review page: looked up, filtered and sorted in milliseconds."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from voiceface.files import reading_table
from voiceface.review.columns import Column, Digests, Flags, Names, Numbers, Texts, Truths
from voiceface.tables import MANIFEST, REASONS

LIVE = ("review", "review_reason", "curator", "reviewed_at", "fate")
"""What marks change: taken from the ledger as it is now, not from the last build's table."""

_DIGESTS = ("content", "audio_sha256", "face_sha256")
_STEP = 1 << 16  # rows


class ReviewTable:
    """All samples, a row each, in the order of the manifest."""

    def __init__(self, columns: dict[str, Column], rows: int) -> None:
        names, digests = columns["sample"], columns["content"]
        assert isinstance(names, Names)
        assert isinstance(digests, Digests)
        self.columns = columns
        self._rows = rows
        self._samples = names
        self._contents = digests
        self.has_face = digests.mask("!=", "")
        """bool (rows,)"""

    @classmethod
    def open(cls, path: Path) -> "ReviewTable":
        """Read `manifests/samples.parquet`, one column after the other.

        Raises:
            VoicefaceError: the file is missing, damaged, or of another schema.
        """
        with reading_table(path), pq.ParquetFile(path, pre_buffer=False) as file:
            here = file.schema_arrow.names
            if missing := [name for name in MANIFEST.names if name not in here]:
                raise KeyError(f"no column {missing[0]}")
            columns = {}
            for field in MANIFEST:
                if field.name not in LIVE:
                    columns[field.name] = _column(file, field)
                    pa.default_memory_pool().release_unused()  # it would keep 150 MB
            own, face = columns["start_us"], columns["face_start_us"]
            if np.array_equal(own.keys(), face.keys()):  # as a rule: in memory once
                columns["face_start_us"] = own
            table = cls(columns, file.metadata.num_rows)
            table.row_of("")  # the names are sorted now, and not when the first is looked up
            return table

    def __len__(self) -> int:
        return self._rows

    def sample(self, row: int) -> str:
        """The name of a row's sample."""
        return self._samples.value(row)

    def content(self, row: int) -> str:
        """What a mark of the row must name; empty without a face."""
        return self._contents.value(row) or ""

    def values(self, row: int) -> dict[str, Any]:
        """A row as JSON has it: what is known, by column."""
        found = {name: column.value(row) for name, column in self.columns.items()}
        return {name: value for name, value in found.items() if value not in (None, "")}

    def row_of(self, sample: str) -> int | None:
        """The row of a sample; None when there is none of that name."""
        return self._samples.row_of(sample)

    def rows_of(self, samples: list[str]) -> list[int | None]:
        """The row of each sample, as `row_of`; for many at once."""
        return self._samples.rows_of(samples)

    def row_of_content(self, content: str) -> int | None:
        """A row with this face and sound; None when there is none."""
        return self._contents.row_of(content)


def _column(file: pq.ParquetFile, field: pa.Field) -> Column:
    kind = field.type
    if field.name == "flags":
        return _flags(file)
    chunks = file.read([field.name], use_threads=False)[field.name].cast(kind).chunks
    values = pa.concat_arrays([*chunks, pa.array([], kind)])
    if field.name in _DIGESTS:
        return Digests(_digests(values))
    if field.name == "sample":
        return Names(values)
    if pa.types.is_string(kind):
        coded = values.dictionary_encode()
        names = coded.dictionary.to_pylist()
        codes = pc.fill_null(coded.indices, -1).to_numpy(zero_copy_only=False)
        return Texts(codes.astype(np.min_scalar_type(-len(names) - 1)), names)
    if pa.types.is_boolean(kind):
        return Truths(values.to_numpy(zero_copy_only=False))
    return Numbers(values.to_numpy(zero_copy_only=False))


def _digests(values: pa.Array) -> np.ndarray:
    """Hex digests as bytes: uint8 (rows, 32); zeros where there is none."""
    result = np.zeros((len(values), 32), np.uint8)
    for start in range(0, len(values), _STEP):
        part = pc.fill_null(values.slice(start, _STEP), "0" * 64).to_pylist()
        data = np.frombuffer(bytes.fromhex("".join(part)), np.uint8)
        result[start : start + len(part)] = data.reshape(-1, 32)
    return result


def _flags(file: pq.ParquetFile) -> Flags:
    names = list(REASONS)
    parts = [np.zeros(0, np.uint64)]
    for batch in file.iter_batches(_STEP, columns=["flags"], use_threads=False):
        lists = batch.column(0)
        coded = lists.flatten().dictionary_encode()
        known = coded.dictionary.to_pylist()
        names += [name for name in known if name not in names]
        if len(names) > 64:
            raise ValueError("more than 64 different flags")
        bit = np.array([1 << names.index(name) for name in known] or [0], np.uint64)
        bits = np.zeros(len(lists), np.uint64)
        rows = np.repeat(np.arange(len(lists)), pc.list_value_length(lists).to_numpy())
        np.bitwise_or.at(bits, rows, bit[coded.indices.to_numpy()])
        parts.append(bits)
    return Flags(np.concatenate(parts), names)
