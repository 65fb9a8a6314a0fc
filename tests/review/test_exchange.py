import csv
import io
import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tables_builder import Segment, Tables
from voiceface.errors import VoicefaceError
from voiceface.review.exchange import (
    Plan,
    _neutral,
    _plain,
    apply_import,
    export_marks,
    mark,
    plan_import,
    undo_batch,
)
from voiceface.review.fold import UNANIMOUS, Policy, standing_by_curator
from voiceface.review.ledger import Ledger, Mark, in_time, read_ledger

A, B, C = (f"file-one_{ms:09d}" for ms in (0, 250, 500))


@pytest.fixture
def tables(tmp_path: Path) -> Tables:
    """Three samples of one video, the last without a face."""
    made = Tables(tmp_path)
    made.add("file-one", "ana", [Segment(), Segment(), Segment(scores={"faces": 0})])
    made.run_manifest()
    return made


def decisions(tables: Tables) -> dict[str, tuple[str, str, str]]:
    """The latest standing mark of each sample."""
    standing = standing_by_curator(read_ledger(tables.reviews))
    latest = {name: max(marks.values(), key=in_time) for name, marks in standing.items()}
    return {name: (one.decision, one.reason, one.note) for name, one in latest.items()}


def planned(tables: Tables, path: Path, curator: str = "ana", policy: Policy = UNANIMOUS) -> Plan:
    return plan_import(tables.manifest, tables.reviews, path, curator, policy)


def imported(tables: Tables, path: Path) -> str:
    """Plan an import and apply it."""
    return apply_import(planned(tables, path), tables.reviews, "ana")


def exported(tables: Tables, delimiter: str = ",") -> tuple[Path, list[dict[str, str]]]:
    path = tables.root / "marks.csv"
    export_marks(tables.manifest, tables.reviews, path, delimiter)
    text = io.StringIO(path.read_bytes().decode("utf-8-sig"), newline="")
    return path, list(csv.DictReader(text, delimiter=delimiter))


def save(path: Path, rows: list[dict[str, str]], delimiter: str = ",") -> None:
    """As a spreadsheet does it."""
    with open(path, "w", encoding="utf-8-sig", newline="") as target:
        writer = csv.DictWriter(target, list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)


def test_a_mark_names_what_was_seen(tables: Tables) -> None:
    mark(tables.reviews, tables.manifest, [A, B, A], "drop", "blurred", "ana")
    rows = {row["sample"]: row for row in pq.read_table(tables.manifest).to_pylist()}
    events = read_ledger(tables.reviews)
    assert [(event.sample, event.content) for event in events] == [
        (A, rows[A]["content"]),
        (B, rows[B]["content"]),
    ]
    assert decisions(tables)[A] == ("drop", "blurred", "")


def test_unknown_samples_are_all_named_in_one_line_and_nothing_is_marked(tables: Tables) -> None:
    with pytest.raises(VoicefaceError, match=r"no sample x, y; nothing was marked$") as told:
        mark(tables.reviews, tables.manifest, ["x", A, "y"], "keep", "", "ana")
    assert "\n" not in str(told.value)
    assert read_ledger(tables.reviews) == []


def test_what_has_no_face_cannot_be_kept_but_dropped(tables: Tables) -> None:
    with pytest.raises(VoicefaceError, match=f"no face in {C}"):
        mark(tables.reviews, tables.manifest, [A, C], "keep", "", "ana")
    mark(tables.reviews, tables.manifest, [C], "drop", "no_face", "ana")
    assert list(decisions(tables)) == [C]


def test_a_mark_replaces_one_from_a_machine_whose_clock_is_ahead(tables: Tables) -> None:
    with Ledger(tables.reviews, "bo") as ahead:
        ahead.append(Mark(A, "", "drop", "dark", after="2999-01-01T00:00:00.000000Z"))
    mark(tables.reviews, tables.manifest, [A], "keep", "", "ana")
    assert decisions(tables)[A][0] == "keep"


@pytest.mark.parametrize("delimiter", [",", ";"])
def test_marks_go_out_to_a_spreadsheet_and_come_back(tables: Tables, delimiter: str) -> None:
    note = f"=cmd|' /C calc'!A0{delimiter} \"quoted\"\nsecond line"
    path, rows = exported(tables, delimiter)
    rows[0] |= {"decision": "Drop", "reason": "música", "note": "'" + note}
    rows[1] |= {"decision": "keep"}
    save(path, rows, delimiter)
    imported(tables, path)
    assert decisions(tables) == {A: ("drop", "música", note), B: ("keep", "", "")}
    path, rows = exported(tables, delimiter)
    plan = planned(tables, path)
    assert (plan.changes, plan.conflicts, plan.unchanged) == ([], [], 3)
    with pytest.raises(VoicefaceError, match="says nothing new"):
        apply_import(plan, tables.reviews, "ana")


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "'=1", "'plain", "''"])
def test_no_cell_is_a_formula_and_each_comes_back_as_it_was(tables: Tables, text: str) -> None:
    with Ledger(tables.reviews, "ana") as ledger:
        ledger.append(Mark(A, "", "drop", text, text))
    path, rows = exported(tables)
    for row in rows:
        assert not [cell for cell in row.values() if cell.startswith(("=", "+", "-", "@", "\t"))]
    assert rows[0]["note"] == f"'{text}"
    assert planned(tables, path).unchanged == 3


def test_no_id_is_a_number_or_a_date_to_a_spreadsheet(tables: Tables) -> None:
    mark(tables.reviews, tables.manifest, [A], "keep", "", "ana")
    path, rows = exported(tables)
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    assert rows[0]["sample"].startswith("file-")
    assert rows[0]["content"].startswith("sha256:")
    assert len(rows[0]["mark"].split("-")) == 5


def test_the_plan_says_what_it_will_change_and_changes_nothing(tables: Tables) -> None:
    mark(tables.reviews, tables.manifest, [A], "keep", "", "ana")
    path, rows = exported(tables)
    rows[0] |= {"decision": "drop", "reason": "dark"}
    save(path, rows)
    plan = planned(tables, path)
    assert plan.words() == [f"{A}: keep → drop (dark)", "2 rows say nothing new"]
    assert decisions(tables)[A][0] == "keep"


def test_an_import_is_one_batch_that_can_be_undone(tables: Tables) -> None:
    mark(tables.reviews, tables.manifest, [A], "keep", "", "bo")
    path, rows = exported(tables)
    rows[0] |= {"decision": "unsure"}
    rows[1] |= {"decision": "keep"}
    save(path, rows)
    batch = imported(tables, path)
    assert undo_batch(tables.reviews, "bo", batch) == 2
    assert decisions(tables) == {A: ("keep", "", "")}
    with pytest.raises(VoicefaceError, match="no batch 'nonsense'"):
        undo_batch(tables.reviews, "bo", "nonsense")


def test_a_conflict_refuses_the_whole_import_and_each_is_reported(tables: Tables) -> None:
    path, rows = exported(tables)
    for row in rows:
        row["decision"] = "keep"
    rows.append({**rows[0], "sample": "file-gone_000000000"})
    save(path, rows)
    mark(tables.reviews, tables.manifest, [A], "drop", "dark", "bo")
    tables.add("file-one", "ana", 3)  # B is rebuilt with another face
    tables.run_manifest()
    before = read_ledger(tables.reviews)
    with pytest.raises(VoicefaceError, match="nothing was imported") as told:
        imported(tables, path)
    assert "4 rows conflict" in str(told.value)
    assert f"line 3: {B}: has another face or sound" in str(told.value)
    assert "line 5: file-gone_000000000: is no longer in the manifest" in str(told.value)
    assert read_ledger(tables.reviews) == before


def test_a_row_marked_by_another_since_the_export_is_a_conflict_only_if_it_was_changed(
    tables: Tables,
) -> None:
    path, rows = exported(tables)
    mark(tables.reviews, tables.manifest, [A], "drop", "dark", "bo")
    rows[1]["decision"] = "keep"
    save(path, rows)
    assert not planned(tables, path).conflicts
    rows[0]["decision"] = "keep"
    save(path, rows)
    [conflict] = planned(tables, path).conflicts
    assert conflict.startswith(f"line 2: {A}: was marked since the export: drop by bo at ")


def test_a_stale_mark_can_be_confirmed_in_the_spreadsheet(tables: Tables) -> None:
    mark(tables.reviews, tables.manifest, [A], "keep", "", "ana")
    tables.add("file-one", "ana", 3)
    tables.run_manifest()
    path, rows = exported(tables)
    assert rows[0]["decision"] == "stale"
    rows[0]["decision"] = "keep"
    save(path, rows)
    imported(tables, path)
    assert tables.run_manifest()[0]["review"] == "keep"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"decision": "kepe"}, "decision 'kepe' must be keep, drop or unsure"),
        ({"decision": "stale"}, "decision 'stale' is no decision"),
        ({"decision": "drop"}, "a drop needs a reason"),
        ({"decision": "keep", "mark": "made-up"}, "mark 'made-up' is not in this ledger"),
        ({"decision": "keep", "sample": B}, f"line 3: {B}: is on line 2 already"),
    ],
)
def test_a_senseless_row_is_a_conflict(tables: Tables, change: dict[str, str], told: str) -> None:
    path, rows = exported(tables)
    rows[0] |= change
    save(path, rows)
    assert told in " ".join(planned(tables, path).conflicts)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "the first line must name the column 'sample'"),
        (b"sample,decision\n", "must name the column 'content'"),
        ("sämple".encode("latin-1"), "not UTF-8"),
        (b"sample,content,mark,decision,reason,note\nx,y\n", "line 2: not CSV: 2 cells"),
        (b'sample,content,mark,decision,reason,note\n"x', "line 2: not CSV"),
    ],
)
def test_a_file_that_is_no_export_is_refused_in_one_line(
    tables: Tables, data: bytes, told: str
) -> None:
    path = tables.root / "bad.csv"
    path.write_bytes(data)
    with pytest.raises(VoicefaceError, match=told) as error:
        planned(tables, path)
    assert "\n" not in str(error.value)


def test_curators_who_differ_are_disputed_in_the_spreadsheet_and_one_more_mark_is_a_conflict(
    tables: Tables,
) -> None:
    mark(tables.reviews, tables.manifest, [A], "drop", "dark", "bo")
    path, rows = exported(tables)
    mark(tables.reviews, tables.manifest, [A], "keep", "", "ana")
    rows[0]["decision"] = "unsure"
    save(path, rows)
    [conflict] = planned(tables, path).conflicts
    assert "keep by ana at " in conflict
    path, rows = exported(tables)
    assert rows[0]["decision"] == "disputed"
    assert len(rows[0]["mark"].split()) == 2
    assert planned(tables, path).unchanged == 3
    assert tables.run_manifest()[0]["fate"] == "disputed"
    rows[0] |= {"decision": "drop", "reason": "dark"}
    save(path, rows)
    imported(tables, path)
    assert tables.run_manifest()[0]["fate"] == "dropped_by_curator"


def test_the_plan_says_what_will_hold_beside_the_marks_of_others(tables: Tables) -> None:
    mark(tables.reviews, tables.manifest, [A], "keep", "", "bo")
    path, rows = exported(tables)
    rows[0] |= {"decision": "drop", "reason": "dark"}
    save(path, rows)
    [line] = [one for one in planned(tables, path, "ana").words() if "→" in one]
    assert line == f"{A}: keep → drop (dark): disputed then"
    [line] = [one for one in planned(tables, path, "bo").words() if "→" in one]
    assert line.endswith("keep → drop (dark)")


def test_a_mark_between_plan_and_import_is_not_overruled(tables: Tables) -> None:
    path, rows = exported(tables)
    rows[0] |= {"decision": "drop", "reason": "dark"}
    save(path, rows)
    plan = planned(tables, path)
    mark(tables.reviews, tables.manifest, [A], "keep", "", "ana")
    with pytest.raises(VoicefaceError, match="was marked in this moment"):
        apply_import(plan, tables.reviews, "ana")
    assert decisions(tables)[A][0] == "keep"


def test_a_batch_is_taken_back_once_and_the_audit_is_no_batch(tables: Tables) -> None:
    path, rows = exported(tables)
    rows[0] |= {"decision": "drop", "reason": "dark"}
    save(path, rows)
    batch = imported(tables, path)
    assert undo_batch(tables.reviews, "ana", batch) == 1
    with pytest.raises(VoicefaceError, match="taken back already"):
        undo_batch(tables.reviews, "ana", batch)
    with Ledger(tables.reviews, "bo") as ledger:
        ledger.append(Mark(A, "c", "keep", batch="audit"))
    with pytest.raises(VoicefaceError, match="no batch 'audit'"):
        undo_batch(tables.reviews, "ana", "audit")


@given(st.text(alphabet="a'=;,|+-@\t\r\n x", max_size=9))
def test_no_text_is_a_formula_in_any_part_and_all_come_back(text: str) -> None:
    cell = _neutral(text)
    assert _plain(cell) == text
    for part in re.split(r"[;,|\t\r\n] *", cell):
        assert not part.startswith(("=", "+", "-", "@"))
