"""Tables of gigabytes, a part at a time: hardly anything is in memory twice, or at all."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from voiceface.files import ROWS_AT_ONCE, reading_table


def read_parts(path: Path, schema: pa.Schema) -> Iterator[pa.Table]:
    """The rows of a Parquet file that must hold `schema`, a row group after the other.

    Raises:
        VoicefaceError: the file is missing, damaged, or of another schema.
    """
    for part in _ahead(_groups(path, schema.names)):
        yield part.cast(schema)


def read_rows_where(
    path: Path, schema: pa.Schema, columns: list[str], name: str, value: str
) -> pa.Table:
    """The rows of a Parquet file that have `value` in the column `name`, as `read_table`.

    A part of the file after the other: the rest of it is never in memory as a whole.
    """
    wanted = pa.schema([schema.field(column) for column in columns], schema.metadata)
    parts = _ahead(_groups(path, columns))
    return joined((part.filter(pc.equal(part[name], value)) for part in parts), wanted)


def _groups(path: Path, columns: list[str]) -> Iterator[pa.Table]:
    with (
        reading_table(path),
        open(path, "rb") as source,
        pq.ParquetFile(source, pre_buffer=False) as file,
    ):
        for group in range(file.metadata.num_row_groups):
            yield file.read_row_group(group, columns=columns, use_threads=False)


def _ahead(parts: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """The same parts; a thread reads the next one while this one is worked on."""
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, parts, None)
        while (part := coming.result()) is not None:
            coming = pool.submit(next, parts, None)
            yield part


def joined(parts: Iterable[pa.Table], schema: pa.Schema) -> pa.Table:
    """One table of many with the columns of `schema`, each column in one piece.

    For gigabytes: hardly anything of it is in memory twice at a time.
    """
    pieces: dict[str, list[pa.Array]] = {name: [] for name in schema.names}
    free = pa.default_memory_pool().release_unused  # Arrow would keep what it no longer needs
    for block in _blocks(parts):
        whole = pa.concat_tables(block)
        for name, mine in pieces.items():
            mine.append(in_one_piece(whole[name]))
        del whole
        block.clear()
    columns = []
    for field in schema:
        mine = pieces.pop(field.name)
        free()
        if pa.types.is_list(field.type) and pa.types.is_primitive(field.type.value_type):
            columns.append(_joined_lists(mine, field.type))
        else:
            columns.append(pa.concat_arrays([pa.array([], field.type), *mine]).cast(field.type))
    return pa.Table.from_arrays(columns, schema=schema)


def in_one_piece(column: pa.ChunkedArray) -> pa.Array:
    """A table's column as one array; what is in one piece already is not copied."""
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _blocks(parts: Iterable[pa.Table]) -> Iterator[list[pa.Table]]:
    """The parts in lists that have many rows together."""
    block: list[pa.Table] = []
    rows = 0
    for part in parts:
        block.append(part)
        rows += len(part)
        if rows >= ROWS_AT_ONCE:
            yield block
            block, rows = [], 0
    if block:
        yield block


def _joined_lists(pieces: list[pa.ListArray], kind: pa.DataType) -> pa.ListArray:
    """Lists of numbers, one after the other; `pieces` is emptied on the way."""
    lengths = [pc.list_value_length(piece).fill_null(0).to_numpy() for piece in pieces]
    missing = [piece.is_null().to_numpy(zero_copy_only=False) for piece in pieces]
    offsets = np.cumsum(np.concatenate([[0], *lengths]), dtype=np.int64)
    values = np.empty(offsets[-1], kind.value_type.to_pandas_dtype())
    at = 0
    for place, piece in enumerate(pieces):
        flat = piece.flatten().to_numpy()
        values[at : at + len(flat)] = flat
        at += len(flat)
        pieces[place] = None
        pa.default_memory_pool().release_unused()  # Arrow would keep what it no longer needs
    return pa.ListArray.from_arrays(
        pa.array(offsets, pa.int32()),
        pa.array(values, kind.value_type),
        type=kind,
        mask=pa.array(np.concatenate([np.zeros(0, bool), *missing])),
    )
