"""A corpus into rows of `sources.csv`. Nothing is copied."""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

from voiceface.config import Resolve
from voiceface.corpora.found import Finding
from voiceface.corpora.registry import KINDS
from voiceface.corpora.tables import read_people
from voiceface.errors import VoicefaceError
from voiceface.fetch.local import check_inside
from voiceface.files import replacing, write_json, write_text
from voiceface.sources import SOURCE_COLUMNS, Source, read_sources

_SHOWN = 12  # findings of a problem that are printed, where the report holds all


def import_corpus(
    kind: str,
    path: Path,
    output: Path,
    *,
    tables: Sequence[Path] = (),
    licence: str = "",
    consent: str = "",
    report: Path | None = None,
    resolve: Resolve | None = None,
) -> list[str]:
    """Add the rows of a corpus to the list of sources `output`, those that are not there yet.

    Args:
        kind: a key of `registry.KINDS`.
        tables: tables of people beside those that lie with the corpus, see `tables`.
        licence: for rows whose corpus tells none.
        consent: for all rows, as in `sources.csv`.
        report: where to write all findings, as JSON or CSV by its ending.
        resolve: the settings, for what must be set there.

    Returns: what was found, in lines.

    Raises:
        VoicefaceError: there is no such kind or path, nothing of the kind is there, or the rows
            contradict those that are there already.
    """
    corpus = KINDS.get(kind)
    if corpus is None:
        raise VoicefaceError(f"{kind}: no known kind of corpus; these are: {', '.join(KINDS)}")
    if not path.exists():
        raise VoicefaceError(f"{path}: no such file or folder")
    found = corpus.find(path, read_people(path, tables))
    if not found.sources:
        why = f" ({found.findings[0].file}: {found.findings[0].about})" if found.findings else ""
        raise VoicefaceError(f"{path}: nothing of the layout of {kind}{why}; see docs/sources.md")
    rows = [_completed(row, licence, consent) for row in found.sources]
    added = add_sources(output, rows)
    if report:
        write_report(report, found.findings)
    people = len({row.speaker for row in rows})
    lines = [
        *_told(found.findings, report),
        f"{kind}: {len(rows)} rows of {people} speakers; {added} added to {output},"
        f" {len(rows) - added} were there",
    ]
    return lines + _advice(path, rows, corpus.advice, resolve or Resolve())


def add_sources(path: Path, rows: list[Source]) -> int:
    """Append to a list of sources, atomically, the rows whose locations are not in it yet.

    What is there stays as it is, byte for byte; only where its header lacks a column that a new row
    needs is it written anew, with that column. A speaker's gender is taken from the rows that are
    there, where a new one tells none, or tells one where they do not.

    Returns: how many were added.

    Raises:
        VoicefaceError: the list there is wrong, or the new rows contradict it.
    """
    there = read_sources(path) if path.exists() else []
    known = {row.location for row in there}
    genders = {row.speaker: row.gender for row in there}
    new = []
    for row in rows:
        if row.location not in known:
            gender = genders.get(row.speaker, "")
            fits = row.speaker not in genders or (gender and row.gender)
            new.append(row if fits else row.model_copy(update={"gender": gender}))
    if new:
        with replacing(path) as temporary:
            temporary.write_text(_text(path, new), encoding="utf-8", newline="")
            try:
                read_sources(temporary)
            except VoicefaceError as error:
                told = str(error).replace(str(temporary), str(path))
                raise VoicefaceError(f"nothing was added: {told}") from None
    return len(new)


def write_report(path: Path, findings: Iterable[Finding]) -> None:
    """Write findings as CSV when `path` ends so, else as JSON."""
    rows = [asdict(finding) for finding in findings]
    if path.suffix.lower() != ".csv":
        write_json(path, rows)
        return
    text = io.StringIO()
    writer = csv.DictWriter(text, list(Finding.__dataclass_fields__), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, text.getvalue())


def _completed(row: Source, licence: str, consent: str) -> Source:
    values = row.model_dump() | {"licence": row.licence or licence, "consent": consent}
    return Source.model_validate(values)


def _text(path: Path, new: list[Source]) -> str:
    """The list at `path` with the new rows."""
    if not path.exists():
        return _lines([list(SOURCE_COLUMNS), *_cells(new, list(SOURCE_COLUMNS))])
    with open(path, encoding="utf-8-sig", newline="") as source:
        old = source.read()
    table = [row for row in csv.reader(io.StringIO(old, newline="")) if any(row)]
    header = [name.strip() for name in table[0]]
    used = {name for row in new for name, value in row.model_dump().items() if value}
    lacking = [name for name in SOURCE_COLUMNS if name in used and name not in header]
    if not lacking:
        return old + ("" if old.endswith("\n") else "\n") + _lines(_cells(new, header))
    header += lacking
    kept = [row + [""] * len(lacking) for row in table[1:]]
    return _lines([header, *kept, *_cells(new, header)])


def _cells(rows: list[Source], header: list[str]) -> list[list[str]]:
    return [[getattr(row, name) for name in header] for row in rows]


def _lines(rows: list[list[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def _told(findings: list[Finding], report: Path | None) -> list[str]:
    """The findings in lines, and how many there are of each problem."""
    counts = Counter(finding.problem for finding in findings)
    lines = []
    for problem, count in counts.items():
        mine = [finding for finding in findings if finding.problem == problem]
        shown = mine if report is None else mine[:_SHOWN]
        lines += [f"! {problem}: {one.file}: {one.about}" for one in shown]
        rest = f"; all of them in {report}" if len(shown) < count else ""
        lines.append(f"{problem}: {count} in all{rest}")
    return lines


def _advice(path: Path, rows: list[Source], advice: str, resolve: Resolve) -> list[str]:
    lines = [f"advice: {advice}"] if advice else []
    if not all(row.is_url for row in rows):
        try:
            check_inside([path], resolve.local_roots)
        except VoicefaceError:
            lines.append(f"advice: add {path} to resolve.local_roots in config.yaml")
    return [*lines, "`voiceface resolve` makes the list of videos from it"]
