"""Writes are whole or not at all, and give the same bytes for the same content."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from voiceface.errors import VoicefaceError
from voiceface.files import (
    read_json,
    read_table,
    replacing,
    write_json,
    write_table,
    write_text,
)
from voiceface.parts import in_one_piece, read_parts, read_rows_where

SCHEMA = pa.schema([pa.field("number", pa.int64(), nullable=False)])


def test_a_failed_write_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "old")

    def fail_halfway() -> None:
        with replacing(path) as temporary:
            temporary.write_text("half of the n")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_halfway()
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_killed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "old")
    script = (
        "import os, signal, sys; from pathlib import Path; from voiceface.files import replacing\n"
        "with replacing(Path(sys.argv[1])) as t: t.write_text('half');"
        " os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", script, str(path)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert path.read_text() == "old"


def test_new_files_get_the_usual_permissions(tmp_path: Path) -> None:
    write_text(tmp_path / "a", "x")
    (tmp_path / "b").write_text("x")
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "b").stat().st_mode


def test_equal_content_gives_equal_bytes(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"b": 1, "a": "é"})
    write_json(tmp_path / "b.json", {"a": "é", "b": 1})
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    table = pa.table({"number": [1, 2]}, schema=SCHEMA)
    write_table(tmp_path / "a.parquet", table)
    write_table(tmp_path / "b.parquet", table)
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


@pytest.mark.parametrize("content", [b"", b"not a table", b"PAR1\x00\x00PAR1"])
def test_a_damaged_table_is_one_clear_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(content)
    with pytest.raises(VoicefaceError, match=r"a\.parquet.*build again") as caught:
        read_table(path, SCHEMA)
    assert "\n" not in str(caught.value)


def test_a_table_of_another_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    write_table(path, pa.table({"other": [1]}))
    with pytest.raises(VoicefaceError, match="not a table of this version"):
        read_table(path, SCHEMA)


def test_a_missing_file_says_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(VoicefaceError, match="voiceface build"):
        read_table(tmp_path / "none.parquet", SCHEMA)
    with pytest.raises(VoicefaceError, match="voiceface build"):
        read_json(tmp_path / "none.json")


def test_the_wanted_rows_of_a_file_are_read_a_part_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.parquet"
    schema = pa.schema([*SCHEMA, pa.field("lists", pa.list_(pa.int32())), ("fate", pa.string())])
    fates = ["kept" if number % 3 else "dark" for number in range(20)]
    lists = [list(range(number % 4)) if number % 5 else None for number in range(20)]
    table = pa.table([list(range(20)), lists, fates], schema)
    for module in ("files", "parts"):
        monkeypatch.setattr(f"voiceface.{module}.ROWS_AT_ONCE", 4)
    write_table(path, table)
    assert [part["number"].to_pylist()[0] for part in read_parts(path, SCHEMA)] == [0, 4, 8, 12, 16]
    kept = read_rows_where(path, schema, ["number", "lists", "fate"], "fate", "kept")
    wanted = table.filter(pa.array([fate == "kept" for fate in fates]))
    assert kept.equals(wanted.combine_chunks())
    assert {column.num_chunks for column in kept.columns} == {1}
    assert len(read_rows_where(path, schema, ["fate"], "fate", "none")) == 0
    path.write_bytes(b"no table")
    with pytest.raises(VoicefaceError, match="not a table of this version"):
        read_rows_where(path, schema, ["fate"], "fate", "kept")


def test_a_column_in_one_piece_is_not_copied() -> None:
    whole = pa.array(range(4))
    same = in_one_piece(pa.chunked_array([whole]))
    assert same.buffers()[1].address == whole.buffers()[1].address
    assert in_one_piece(pa.chunked_array([whole[:1], whole[1:]])).equals(whole)
    assert in_one_piece(pa.chunked_array([], pa.int8())).equals(pa.array([], pa.int8()))
