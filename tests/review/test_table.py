"""The manifest in memory: what it tells is what the manifest holds."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.review.project import review_project
from voiceface.errors import VoicefaceError
from voiceface.review.filters import Filter
from voiceface.review.table import LIVE, ReviewTable
from voiceface.review.words import COLUMNS, filter_words, sort_words
from voiceface.tables import MANIFEST


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> tuple[ReviewTable, list[dict[str, Any]]]:
    project = review_project(tmp_path_factory.mktemp("table"), 4)
    return ReviewTable.open(project.manifest), pq.read_table(project.manifest).to_pylist()


def test_every_column_has_words_and_is_there() -> None:
    assert set(COLUMNS) == set(MANIFEST.names)


def test_a_row_is_what_the_manifest_holds(
    rows: tuple[ReviewTable, list[dict[str, Any]]],
) -> None:
    table, expected = rows
    assert len(table) == len(expected)
    for row, values in enumerate(expected):
        told = table.values(row)
        for name in MANIFEST.names:
            if name in LIVE:
                continue
            if values[name] in (None, ""):
                assert name not in told
            else:
                assert told[name] == pytest.approx(values[name], abs=1e-5), name
        assert table.row_of(values["sample"]) == row
        if values["content"]:
            assert table.row_of_content(values["content"]) == row
    assert table.row_of("file-a1_999999999") is None
    for digest in ("0" * 64, "f" * 64, "", "xyz", "ab"):
        assert table.row_of_content(digest) is None


@pytest.mark.parametrize(
    ("text", "test"),
    [
        ("sharpness<100", lambda row: row["sharpness"] is not None and row["sharpness"] < 100),
        ("sharpness>=500", lambda row: row["sharpness"] is not None and row["sharpness"] >= 500),
        ("sharpness=", lambda row: row["sharpness"] is None),
        ("sharpness!=", lambda row: row["sharpness"] is not None),
        ("snr_db=30", lambda row: row["snr_db"] == 30),
        ("start_us<=250000", lambda row: row["start_us"] <= 250_000),
        ("faces!=1", lambda row: row["faces"] != 1),
        ("frame_us>0", lambda row: (row["frame_us"] or 0) > 0),
        ("speaker=Bo", lambda row: row["speaker"] == "Bo"),
        ("speaker!=Bo", lambda row: row["speaker"] != "Bo"),
        ("speaker~AN", lambda row: "an" in row["speaker"].lower()),
        ("video!~a1", lambda row: "a1" not in row["video"]),
        ("gender=", lambda row: row["gender"] == ""),
        ("sample~_000000250", lambda row: "_000000250" in row["sample"]),
        ("sample!~_000000250", lambda row: "_000000250" not in row["sample"]),
        ("sample!=file-a1_000000000", lambda row: row["sample"] != "file-a1_000000000"),
        ("flags=blurred", lambda row: "blurred" in row["flags"]),
        ("flags!=blurred", lambda row: "blurred" not in row["flags"]),
        ("flags=", lambda row: row["flags"] == []),
        ("flags=never_heard_of", lambda row: False),
        ("clean=yes", lambda row: row["clean"]),
        ("clean=no", lambda row: not row["clean"]),
        ("content=", lambda row: row["content"] is None),
    ],
)
def test_a_filter_finds_what_it_says(
    rows: tuple[ReviewTable, list[dict[str, Any]]], text: str, test: Any
) -> None:
    table, expected = rows
    found = Filter.parse(text).mask(table.columns)
    assert found.tolist() == [bool(test(row)) for row in expected]


def test_a_digest_is_found_by_how_it_starts(
    rows: tuple[ReviewTable, list[dict[str, Any]]],
) -> None:
    table, expected = rows
    wanted = expected[3]["content"]
    for length in (64, 9, 8):
        found = Filter.parse(f"content~{wanted[:length].upper()}").mask(table.columns)
        assert np.flatnonzero(found).tolist() == [3]


@pytest.mark.parametrize("name", [name for name in MANIFEST.names if name not in LIVE])
def test_every_column_sorts(rows: tuple[ReviewTable, list[dict[str, Any]]], name: str) -> None:
    table, expected = rows
    keys = table.columns[name].keys()
    assert len(keys) == len(expected)
    if name in ("flags", "clean"):
        return
    values = [row[name] for row in expected]
    known = [row for row, value in enumerate(values) if value is not None]
    order = sorted(known, key=lambda row: keys[row])
    assert [values[row] for row in order] == sorted(values[row] for row in known)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("snr_db<12", "signal to noise under 12 dB"),
        ("yaw_deg>=30", "turn at least 30 °"),
        ("flags=dark", "with the flag “too dark”"),
        ("flags!=dark", "without the flag “too dark”"),
        ("speaker~an", "speaker containing “an”"),
        ("lip_sync=", "mouth and sound agree not known"),
        ("fate=noise_or_music", "fate noise or music"),
    ],
)
def test_filters_say_what_they_do(text: str, words: str) -> None:
    assert Filter.parse(text).words == words


def test_orders_say_what_they_do() -> None:
    assert sort_words("sharpness") == "lowest sharpness first"
    assert sort_words("-sharpness") == "highest sharpness first"
    assert filter_words("sharpness", "<", "3") == "sharpness under 3"


@pytest.mark.parametrize("damage", [b"", b"PAR1 no table"])
def test_a_damaged_manifest_is_told_in_one_line(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "samples.parquet"
    with pytest.raises(VoicefaceError, match="voiceface build"):
        ReviewTable.open(path)
    path.write_bytes(damage)
    with pytest.raises(VoicefaceError, match="delete it and build again"):
        ReviewTable.open(path)
    pq.write_table(pq.read_table(_a_manifest(tmp_path)).drop_columns(["fate"]), path)
    with pytest.raises(VoicefaceError, match="no column fate"):
        ReviewTable.open(path)


def _a_manifest(folder: Path) -> Path:
    return review_project(folder / "other", 1).manifest
