"""Atomic writes: a file is there whole, or not at all.

pyarrow is imported where tables are read and written: a third of the start-up of what has none.
"""

import hashlib
import json
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voiceface.errors import VoicefaceError, hardship

if TYPE_CHECKING:
    import pyarrow as pa

_PART = ".part"
SEAL = "seal"
"""Key of a JSON file's digest of all else that is in it."""
_PAGE_SEAL = "<!-- sha256 "
_BROKEN = "its digest is not that of its content"
_MEND = "mend it with `voiceface verify --repair`"
_MEDIA_ROWS = 8
ROWS_AT_ONCE = 1 << 16
"""In a row group of a table without media: what is read, changed and written at a time."""
# Of each page, for `table_damage`, which also takes the bytes to depend on the content alone.
_CHECKED = {"write_page_checksum": True}
_MEDIA = {"compression": "none", **_CHECKED}


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path in `path`'s folder; on success fsync it and rename it to `path`.

    On an exception the temporary file is removed and `path` is left as it was; one of the system
    that names no file, such as a full disk, is raised with `path`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name[:80]}.", suffix=_PART, dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        os.chmod(temporary, 0o666 & ~_umask())  # mkstemp makes files that only the owner can read
        yield temporary
        with open(temporary, "rb") as written:
            os.fsync(written.fileno())
        os.replace(temporary, path)
        fsync_folder(path.parent)
    except OSError as error:
        if error.errno is None or error.filename:
            raise
        raise OSError(error.errno, os.strerror(error.errno), str(path)) from error
    finally:
        temporary.unlink(missing_ok=True)


def files_below(folder: str | Path) -> Iterator[Path]:
    """All files below a folder, also through links to folders, each of those once."""
    seen: set[tuple[int, int]] = set()
    for top, folders, names in os.walk(folder, followlinks=True):
        status = os.stat(top)
        if (status.st_dev, status.st_ino) in seen:
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        yield from (path for name in names if (path := Path(top, name)).is_file())


def is_temporary(name: str) -> bool:
    """Whether a file of this name is one of `replacing`: left there if its writer was killed."""
    return name.startswith(".") and name.endswith(_PART)


def write_bytes(path: Path, data: bytes) -> None:
    """Write `data` to `path` atomically."""
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` atomically, as UTF-8."""
    write_bytes(path, text.encode())


def read_text(path: Path) -> str:
    """A text that need not be there; then it is empty.

    Raises:
        VoicefaceError: the file is no text.
    """
    try:
        return path.read_text(encoding="utf-8") if path.exists() else ""
    except UnicodeDecodeError:
        raise VoicefaceError(f"{path}: not text in UTF-8; save it so") from None


def write_json(path: Path, value: Any) -> None:
    """Write `value` as JSON, see `json_text`."""
    write_text(path, json_text(value))


def write_sealed(path: Path, value: dict[str, Any]) -> None:
    """Write `value` as JSON with a digest of all of it, which `read_json` checks and takes out."""
    write_json(path, value | {SEAL: _seal(value)})


def _seal(value: Any) -> str:
    return hashlib.sha256(json_text(value).encode()).hexdigest()


def json_text(value: Any) -> str:
    """JSON with sorted keys, so that equal values give equal bytes."""
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        VoicefaceError: the file is missing, is not JSON, or is not what was sealed.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise VoicefaceError(f"{path}: no such file; build it with `voiceface build`") from None
    except ValueError as error:
        raise VoicefaceError(f"{path}: not JSON ({error}); {_MEND}") from None
    if isinstance(value, dict) and SEAL in value and value.pop(SEAL) != _seal(value):
        raise VoicefaceError(f"{path}: {_BROKEN}; {_MEND}")
    return value


def write_page(path: Path, text: str) -> None:
    """Write an HTML page with a digest of itself at its end, see `page_damage`."""
    write_text(path, f"{text}{_PAGE_SEAL}{hashlib.sha256(text.encode()).hexdigest()} -->\n")


def page_damage(path: Path) -> str:
    """What is wrong with a page's file; empty when it is as it was written."""
    text, _, seal = path.read_bytes().rpartition(_PAGE_SEAL.encode())
    expected = f"{hashlib.sha256(text).hexdigest()} -->\n"
    return "" if seal == expected.encode() else _BROKEN


def write_table(path: Path, table: "pa.Table") -> None:
    """Write a table as Parquet, atomically and reproducibly."""
    with writing_table(path, table.schema) as add:
        add(table.combine_chunks())


@contextmanager
def writing_table(path: Path, schema: "pa.Schema") -> Iterator[Callable[["pa.Table"], None]]:
    """Yield a function that adds rows; the table is written atomically when the block ends.

    What is added at a time should be a multiple of `ROWS_AT_ONCE`, but for the last: then the bytes
    are those of `write_table`.
    """
    import pyarrow.parquet as pq

    form = _form(schema)
    with replacing(path) as temporary, pq.ParquetWriter(temporary, schema, **form) as writer:

        def add(table: "pa.Table") -> None:
            writer.write_table(table, row_group_size=ROWS_AT_ONCE)

        yield add


def _form(schema: "pa.Schema") -> dict[str, Any]:
    """How a table without media is written."""
    import pyarrow as pa

    # Numbers hardly repeat: a dictionary of them would double the time, and take more than they do.
    texts = [field.name for field in schema if pa.types.is_string(field.type)]
    lists = [field.name for field in schema if pa.types.is_list(field.type)]
    return {
        "compression": "zstd",
        "use_dictionary": [*texts, *(f"{name}.list.element" for name in lists)],
        **_CHECKED,
    }


@contextmanager
def writing_media(path: Path, schema: "pa.Schema") -> Iterator[Callable[[dict[str, Any]], None]]:
    """Yield a function that adds a row; the table is written atomically when the block ends.

    For encoded pictures or sound: uncompressed, in row groups of a few rows, so that one sample
    reads in milliseconds, and a table of any length takes the memory of one row group.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    waiting: list[dict[str, Any]] = []
    with (
        replacing(path) as temporary,
        pq.ParquetWriter(temporary, schema, **_MEDIA) as writer,
    ):

        def flush() -> None:
            writer.write_table(pa.Table.from_pylist(waiting, schema))
            waiting.clear()

        def add(row: dict[str, Any]) -> None:
            waiting.append(row)
            if len(waiting) == _MEDIA_ROWS:
                flush()

        yield add
        if waiting:
            flush()


def read_table(path: Path, schema: "pa.Schema", columns: list[str] | None = None) -> "pa.Table":
    """Read a Parquet file that must hold `schema` (or the named `columns` of it).

    Raises:
        VoicefaceError: the file is missing, damaged, or of another schema.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    wanted = schema if columns is None else pa.schema([schema.field(name) for name in columns])
    with reading_table(path):
        # Not pq.read_table, and no cast of what is right: they import half of Arrow. One thread:
        # the tables of a video are small, and a pool costs more than it gains.
        with open(path, "rb") as source, pq.ParquetFile(source, pre_buffer=False) as file:
            table = file.read(columns=wanted.names, use_threads=False)
        if table.schema.equals(wanted):
            return table.replace_schema_metadata(wanted.metadata)
        return table.cast(wanted)


@contextmanager
def reading_table(path: Path) -> Iterator[None]:
    """Tell in one line why a table can't be read.

    Raises:
        VoicefaceError: the file is missing, damaged, or of another schema.
    """
    import pyarrow as pa

    try:
        yield
    except FileNotFoundError:
        raise VoicefaceError(f"{path}: no such file; build it with `voiceface build`") from None
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        if refused := hardship(error):
            raise VoicefaceError(f"{path}: {refused}") from None
        reason = str(error).splitlines()[0]
        raise VoicefaceError(
            f"{path}: not a table of this version ({reason}); delete it and build again"
        ) from None


def table_damage(path: Path, schema: "pa.Schema", *, media: bool) -> str:
    """What is wrong with a table's file; empty when it is as it was written.

    The pages are held against their checksums. All else, such as the footer, is found by writing
    the content again: the bytes must be the same, if the same version of Arrow wrote them.

    Args:
        media: whether it was written by `writing_media`.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    again = _Digest()
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            sink = pa.PythonFile(again, mode="w")
            with pq.ParquetWriter(sink, schema, **(_MEDIA if media else _form(schema))) as writer:
                for group in range(file.metadata.num_row_groups):
                    table = file.read_row_group(group, use_threads=False).combine_chunks()
                    writer.write_table(pa.Table.from_arrays(table.columns, schema=schema))
            writer_was = str(file.metadata.created_by)
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        return str(error).splitlines()[0]
    if re.fullmatch(r"parquet-cpp-arrow version \d+\.\d+\.\d+", writer_was) is None:
        return "it does not tell the version of Arrow that wrote it"
    if writer_was.endswith(f" {pa.__version__}") and again.hexdigest() != sha256_file(path):
        return "its bytes are not those that were written"
    return ""


class _Digest:
    """A file that keeps only the SHA-256 of what is written to it."""

    closed = False

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self._size = 0

    def write(self, data: Any) -> int:
        """Take in the next bytes."""
        self._digest.update(data)
        self._size += len(data)
        return len(data)

    def tell(self) -> int:
        """How much was written."""
        return self._size

    def flush(self) -> None:
        """Nothing: it holds nothing back."""

    def close(self) -> None:
        """Nothing: there is no file."""

    def hexdigest(self) -> str:
        """Of all that was written."""
        return self._digest.hexdigest()


def sha256_file(path: Path, progress: Callable[[int], None] | None = None) -> str:
    """Hex SHA-256 of a file's content; `progress` is told the bytes of each block read."""
    digest = hashlib.sha256()
    with open(path, "rb") as source:
        while block := source.read(1 << 20):
            digest.update(block)
            if progress:
                progress(len(block))
    return digest.hexdigest()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def fsync_folder(folder: Path) -> None:
    """Make what was created, renamed or removed in `folder` outlast a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
