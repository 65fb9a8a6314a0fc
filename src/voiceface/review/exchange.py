"""Marks by hand: from the command line, and through a spreadsheet (CSV out, CSV in)."""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from voiceface.errors import VoicefaceError
from voiceface.files import read_table, write_text
from voiceface.review.agreement import Agreement, blind_agreement
from voiceface.review.audit import AUDIT
from voiceface.review.fold import UNANIMOUS, Policy, not_undone, resolve, standing_by_curator
from voiceface.review.ledger import Event, Ledger, Mark, read_ledger, uuid7
from voiceface.review.second import needs_second
from voiceface.tables import MANIFEST, REVIEWS

EDITABLE = ("decision", "reason", "note")
"""What a curator changes in the CSV file."""

_KEYS = ("sample", "content", "mark")
_ABOUT = ("speaker", "flags")
COLUMNS = (_KEYS[0], *EDITABLE, *_ABOUT, *_KEYS[1:])

_CONTENT = "sha256:"  # before the digest: no spreadsheet takes the cell for a number
# What begins a cell, or stands behind a sign that may be taken for its end.
_BEGIN = r"((?:^|(?<=[;,|\t\r\n])) *)"
_FORMULA = re.compile(_BEGIN + r"('*[=+\-@\t\r\n]|'+)")
_NEUTRAL = re.compile(_BEGIN + r"'('*[=+\-@\t\r\n]|'+)")


@dataclass(frozen=True)
class Change:
    """One row of a CSV file that says something new."""

    before: str
    """what held: one of `tables.REVIEWS`"""
    after: str
    """what will hold, by the policy, beside the others' marks"""
    mark: Mark


@dataclass(frozen=True)
class Plan:
    """What an import would do: shown first, then done by `apply_import`."""

    source: Path
    changes: list[Change]
    conflicts: list[str]
    """each row that can't be taken, with its line and why; then nothing is imported"""
    unchanged: int

    def words(self) -> list[str]:
        """The plan, a line for each change and each conflict."""
        lines = []
        for change in self.changes:
            said = change.mark.decision + (f" ({change.mark.reason})" * bool(change.mark.reason))
            held = "" if change.after == change.mark.decision else f": {change.after} then"
            lines.append(f"{change.mark.sample}: {change.before} → {said}{held}")
        return [*lines, *self.conflicts, f"{self.unchanged} rows say nothing new"]


def mark(
    root: Path, manifest: Path, samples: Sequence[str], decision: str, reason: str, curator: str
) -> None:
    """Write a curator's decision on samples into the ledger, as one batch.

    Raises:
        VoicefaceError: a sample is not in the manifest, then none is marked; or what is kept has
            no face; or a drop has no reason.
    """
    names = list(dict.fromkeys(samples))
    table = read_table(manifest, MANIFEST, ["sample", "content"])
    table = table.filter(pc.is_in(table["sample"], pa.array(names, pa.string())))
    content = dict(zip(*(table[name].to_pylist() for name in table.column_names), strict=True))
    if unknown := [name for name in names if name not in content]:
        raise VoicefaceError(f"{manifest}: no sample {', '.join(unknown)}; nothing was marked")
    if faceless := [name for name in names if decision == "keep" and content[name] is None]:
        raise VoicefaceError(f"no face in {', '.join(faceless)}, so it can't be kept")
    standing = standing_by_curator(read_ledger(root))
    marks = [
        # After what it replaces, also where that came from a machine whose clock is ahead.
        Mark(name, content[name] or "", decision, reason, after=_latest(standing.get(name, {})))
        for name in names
    ]
    _write_batch(root, curator, marks, uuid7())


def export_marks(
    manifest: Path,
    ledger_root: Path,
    output: Path,
    delimiter: str = ",",
    policy: Policy = UNANIMOUS,
) -> None:
    """Write all samples with what holds for each as CSV for Excel, LibreOffice or pandas.

    Text that a spreadsheet would run as a formula gets a leading apostrophe.

    Args:
        delimiter: `,`, or `;` where the comma is the decimal sign.
    """
    standing = standing_by_curator(read_ledger(ledger_root))
    table = read_table(manifest, MANIFEST, ["sample", "content", *_ABOUT])
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter)
    writer.writerow(COLUMNS)
    for row in table.to_pylist():
        marks = standing.get(row["sample"], {})
        found = resolve(marks, row["content"], policy)
        event = found.event
        values = {
            **row,
            "flags": " ".join(row["flags"]),
            "content": _CONTENT + (row["content"] or ""),
            "decision": found.review,
            "reason": event.reason if event else "",
            "note": event.note if event else "",
            "mark": _ids(marks),
        }
        writer.writerow([_neutral(values[name]) for name in COLUMNS])
    write_text(output, f"\ufeff{text.getvalue()}")  # the mark by which Excel knows UTF-8


def plan_import(
    manifest: Path, ledger_root: Path, source: Path, curator: str, policy: Policy = UNANIMOUS
) -> Plan:
    """Compare a CSV file with the ledger; nothing is written.

    Args:
        curator: who imports it.

    Raises:
        VoicefaceError: the file is missing, or is not such a CSV file.
    """
    rows = _read_rows(source)
    events = {event.id: event for event in read_ledger(ledger_root)}
    content = _contents(manifest)
    changes: list[Change] = []
    conflicts: list[str] = []
    standing = standing_by_curator(events.values())
    seen: dict[str, int] = {}
    for line, row in rows:
        change, problem = _compare(row, events, standing, content, policy)
        if change:
            change = replace(change, after=_held_then(change.mark, curator, standing, policy))
        if (first := seen.setdefault(row["sample"], line)) != line:
            problem = f"is on line {first} already"
        if problem:
            conflicts.append(f"line {line}: {row['sample']}: {problem}")
        elif change:
            changes.append(change)
    return Plan(source, changes, conflicts, len(rows) - len(changes) - len(conflicts))


def apply_import(plan: Plan, ledger_root: Path, curator: str) -> str:
    """Write the changes of a plan as one batch; returns its id, for `undo_batch`.

    Raises:
        VoicefaceError: the plan has conflicts, or nothing to change; nothing is written.
    """
    if plan.conflicts:
        raise VoicefaceError(
            f"{plan.source}: {len(plan.conflicts)} rows conflict, nothing was imported:"
            f" {'; '.join(plan.conflicts)}; export again and redo those rows"
        )
    if not plan.changes:
        raise VoicefaceError(f"{plan.source}: says nothing new")
    now = standing_by_curator(read_ledger(ledger_root))
    marks = [change.mark for change in plan.changes]
    if late := [one.sample for one in marks if _latest(now.get(one.sample, {})) != one.after]:
        raise VoicefaceError(
            f"{plan.source}: {', '.join(late)} was marked in this moment, nothing was imported;"
            " export again and redo those rows"
        )
    batch = uuid7()
    _write_batch(ledger_root, curator, marks, batch)
    return batch


def undo_batch(ledger_root: Path, curator: str, batch: str) -> int:
    """Take back all marks of a batch; returns how many.

    Raises:
        VoicefaceError: there is no such batch, or it was taken back already.
    """
    events = read_ledger(ledger_root)
    known = [event for event in events if event.batch == batch and event.decision != "undo"]
    if not known or batch in ("", AUDIT):  # marks of the audit are made one by one
        raise VoicefaceError(f"{ledger_root}: no batch {batch!r} in it")
    valid = {mark.id for mark in not_undone(events)}
    marks = [
        Mark(event.sample, event.content, "undo", undoes=event.id, after=event.time)
        for event in known
        if event.id in valid
    ]
    if not marks:
        raise VoicefaceError(f"{ledger_root}: batch {batch} was taken back already")
    _write_batch(ledger_root, curator, marks, uuid7())
    return len(marks)


def marks_agreement(manifest: Path, ledger_root: Path, share: float, seed: int) -> Agreement:
    """Agreement of the curators on the samples that two of them mark blindly, see `second`."""
    content = {
        sample: digest
        for sample, digest in _contents(manifest).items()
        if needs_second(sample, share, seed)
    }
    return blind_agreement(read_ledger(ledger_root), content)


def _contents(manifest: Path) -> dict[str, str | None]:
    """The content of each sample."""
    table = read_table(manifest, MANIFEST, ["sample", "content"])
    return dict(zip(*(table[name].to_pylist() for name in table.column_names), strict=True))


def _write_batch(root: Path, curator: str, marks: Iterable[Mark], batch: str) -> None:
    with Ledger(root, curator) as ledger:
        ledger.append(*(replace(one, batch=batch) for one in marks))


def _latest(marks: Mapping[str, Event]) -> str:
    return max((mark.time for mark in marks.values()), default="")


def _ids(marks: Mapping[str, Event]) -> str:
    """The marks that stand: when one more comes or one goes, it is another text."""
    return " ".join(sorted(mark.id for mark in marks.values()))


def _compare(
    row: Mapping[str, str],
    events: Mapping[str, Event],
    standing: Mapping[str, Mapping[str, Event]],
    content: Mapping[str, str | None],
    policy: Policy,
) -> tuple[Change | None, str]:
    """What a row changes, and what is wrong with it; None and "" when it says nothing new."""
    sample = row["sample"]
    known = [events[name] for name in row["mark"].split() if name in events]
    exported = {mark.curator: mark for mark in known if mark.sample == sample}
    seen = row["content"].removeprefix(_CONTENT)
    if _ids(exported) != row["mark"]:
        return None, f"mark {row['mark']!r} is not in this ledger"
    before = resolve(exported, seen, policy)
    event = before.event
    old = (before.review, event.reason if event else "", event.note if event else "")
    new = (row["decision"].strip().lower() or "pending", row["reason"], row["note"])
    if new == old:
        return None, ""
    if new[0] not in ("keep", "drop", "unsure"):
        what = "must be keep, drop or unsure" if new[0] not in REVIEWS else "is no decision"
        return None, f"decision {row['decision']!r} {what}"
    if new[0] == "drop" and not new[1].strip():
        return None, "a drop needs a reason"
    if sample not in content:
        return None, "is no longer in the manifest"
    if (content[sample] or "") != seen:
        return None, "has another face or sound than when it was exported"
    if new[0] == "keep" and not seen:
        return None, "has no face, so it can't be kept"
    now = standing.get(sample, {})
    if _ids(now) != row["mark"]:
        marks = (f"{mark.decision} by {name} at {mark.time}" for name, mark in now.items())
        return None, f"was marked since the export: {', '.join(marks) or 'taken back'}"
    return Change(before.review, new[0], Mark(sample, seen, *new, after=_latest(now))), ""


def _held_then(
    mark: Mark, curator: str, standing: Mapping[str, Mapping[str, Event]], policy: Policy
) -> str:
    own = Event("", mark.after, curator, mark.sample, mark.content, mark.decision, mark.reason)
    return resolve({**standing.get(mark.sample, {}), curator: own}, mark.content, policy).review


def _read_rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    """The rows of an exported file, each with its line."""
    try:
        text = path.read_bytes().decode("utf-8-sig")  # keeping the line ends within cells
    except FileNotFoundError:
        raise VoicefaceError(f"{path}: no such file") from None
    except UnicodeDecodeError:
        raise VoicefaceError(f'{path}: not UTF-8; save it as "CSV UTF-8"') from None
    header = text.partition("\n")[0]
    delimiter = ";" if header.count(";") > header.count(",") else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows = []
    line = 1
    names = [] if text.strip() else _checked_header(path, [])
    try:
        for cells in reader:
            if not names:
                names = _checked_header(path, cells)
            elif any(cells):
                if len(cells) != len(names):
                    raise csv.Error(f"{len(cells)} cells where the header has {len(names)}")
                row = dict(zip(names, map(_plain, cells), strict=True))
                rows.append((line, row))
            line = reader.line_num + 1
    except csv.Error as error:
        raise VoicefaceError(f"{path}: line {line}: not CSV: {error}") from None
    return rows


def _checked_header(path: Path, cells: list[str]) -> list[str]:
    names = [cell.strip() for cell in cells]
    if missing := [name for name in (*_KEYS, *EDITABLE) if names.count(name) != 1]:
        raise VoicefaceError(
            f"{path}: the first line must name the column {missing[0]!r} once;"
            " start from `voiceface marks export`"
        )
    return names


def _neutral(cell: str) -> str:
    """Text that no spreadsheet runs as a formula; `_plain` undoes it.

    Nor a part of it, where a spreadsheet takes another sign for the delimiter than it was written
    with.
    """
    return _FORMULA.sub(r"\1'\2", cell)


def _plain(cell: str) -> str:
    return _NEUTRAL.sub(r"\1\2", cell)
