"""Is everything that was built still what was written? Each file against what is recorded of it."""

import json
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa

from voiceface import tables
from voiceface.config import recogniser_sections
from voiceface.errors import VoicefaceError
from voiceface.fetch.probe import Unreadable, probe
from voiceface.files import SEAL, json_text, page_damage, read_json, sha256_file, table_damage
from voiceface.layout import (
    DATASET,
    DOWNLOADS,
    FUNNEL,
    GATHERED,
    MANIFEST,
    MEDIA,
    MODELS,
    OUTCOMES,
    OUTSIDE,
    PACKED,
    PEOPLE,
    REPORT,
    REPORTS,
    RESULTS,
)
from voiceface.outcome import read_outcome

_EVERY_S = 2.0


@dataclass(frozen=True)
class Damage:
    """A file that is not as it was written."""

    path: Path
    what: str
    job: tuple[Path, ...]
    """All files that the same job makes: they are made again together"""


@dataclass(frozen=True)
class _Job:
    """The files of one job, and the check of each that is there: empty words when it is whole."""

    checks: dict[Path, Callable[[Path], str]]


def verify() -> list[Damage]:
    """Read everything that was built, and hold it against digests, checksums and its other half.

    The media are held against the SHA-256 of their records, arrays and weights against those of
    their descriptions, tables against the checksums in them (`table_damage`). To be called while no
    build runs.
    """
    found: list[Damage] = []
    next_line = time.monotonic() + _EVERY_S
    jobs = list(_jobs())
    for number, job in enumerate(jobs):
        if time.monotonic() > next_line:
            next_line += _EVERY_S
            print(f"verified {number} of {len(jobs)} jobs' files", file=sys.stderr)
        found += _damages(job)
    return found


def _damages(job: _Job) -> Iterator[Damage]:
    files = tuple(job.checks)
    if not any(path.exists() for path in files):
        return  # never built, or deleted as a whole: the next build sees that by itself
    for path, check in job.checks.items():
        try:
            what = check(path) if path.exists() else "is missing beside its others"
        except VoicefaceError as error:
            what = str(error).removeprefix(f"{path}: ")
        if what:
            yield Damage(path, what, files)


def _jobs() -> Iterator[_Job]:
    # An empty medium without a record is that of a lost video which is to be tried again.
    media = (path for path in MEDIA.glob("*.mkv") if path.stat().st_size)
    for video in sorted({path.stem for path in (*OUTCOMES.glob("*.json"), *media)}):
        yield from _jobs_of(video)
    yield _Job({DOWNLOADS: _table(tables.DOWNLOADS)})
    gathered = {GATHERED: tables.GATHERED, OUTSIDE: tables.FUNNEL, PEOPLE: tables.PEOPLE}
    manifest = {MANIFEST: tables.MANIFEST, FUNNEL: tables.FUNNEL}
    for schemas in (gathered, manifest):
        yield _Job({path: _table(schema) for path, schema in schemas.items()})
    for dataset in sorted({DATASET, *DATASET.parent.glob("dataset-*.parquet")}):
        leakage = dataset.with_name(dataset.stem.replace("dataset", "leakage", 1) + ".json")
        yield _Job({dataset: _table(tables.DATASET), leakage: _json})
    for folder in sorted({path.parent for path in PACKED.rglob("*.*") if path.is_file()}):
        parts = ("faces.npy", "audio.npy", "descriptors.npy", "samples.parquet")
        yield _Job({**{folder / part: _part for part in parts}, folder / "pack.json": _json})
    for card in sorted(MODELS.glob("*/model.json")):
        yield _model(card.parent)
    for metrics in sorted(REPORTS.glob("*/metrics.json")):
        yield _Job({metrics: _json, metrics.parent / "generated.png": _png})
    for about in sorted(RESULTS.glob("*/about.json")):
        yield _experiment(about)
    yield _Job({REPORT: page_damage})


def _jobs_of(video: str) -> Iterator[_Job]:
    """The per-video jobs, in the order of the way of the data."""
    yield _Job({OUTCOMES / f"{video}.json": _record, MEDIA / f"{video}.mkv": _media})
    speech = {"speech": tables.SPEECH, "chunks": tables.CHUNKS, "timeline": tables.TIMELINE}
    for schemas in (speech, {"faces": tables.FACES}, {"samples": tables.SAMPLES}):
        checks = {
            Path(f"data/{folder}/{video}.parquet"): _table(schema, folder in ("speech", "faces"))
            for folder, schema in schemas.items()
        }
        yield _Job(checks)


def _experiment(about: Path) -> _Job:
    def csv(path: Path) -> str:
        return _unlike_in(about, path, "csv_sha256")

    table = _table(tables.EXPERIMENT)
    own = {about.with_name("table.parquet"): table, about.with_name("table.csv"): csv}
    return _Job({about: _json, **own})


def _model(folder: Path) -> _Job:
    def weights(path: Path) -> str:
        return _unlike_in(folder / "model.json", path, "sha256")

    own: dict[str, Callable[[Path], str]] = {"generator.safetensors": weights, "grid.png": _png}
    if folder.name.partition("-")[0] in recogniser_sections():  # which draw nothing
        own = {"encoder.safetensors": weights, "accuracy.json": _json}
    own |= {"README.md": _page, "model.json": _json, "history.parquet": _table(tables.HISTORY)}
    return _Job({folder / name: check for name, check in own.items()})


def _record(path: Path) -> str:
    read_outcome(path)
    return _json(path, sealed=False)  # those of older versions are not


def _media(path: Path) -> str:
    try:
        record = read_outcome(OUTCOMES / f"{path.stem}.json")
    except VoicefaceError:
        return ""  # the record is named itself; what there is to tell of it, `repair` looks up
    if record.status != "ok":
        return "there is content, but its record has none" if path.stat().st_size else ""
    if what := _unlike(path, record.sha256):
        return what
    if path.stat().st_size != record.size:
        return "its record tells another size"
    try:
        found = probe(path)
    except Unreadable as error:
        return f"unreadable: {error}"
    told = set(asdict(found))
    if record.pictures is not None:
        told -= {"duration_us", "fps"}  # of a folder of pictures they are no time of speech
    other = sorted(name for name in told if getattr(found, name) != getattr(record, name))
    return f"its record tells another {', '.join(other)}" if other else ""


def _page(path: Path) -> str:
    card = path.with_name("model.json")
    told = read_json(card)
    # Those of older versions do not tell it; and what else is wrong with it is told of the weights.
    if not isinstance(told, dict) or "page_sha256" not in told:
        return ""
    return _unlike(path, told["page_sha256"])


def _part(path: Path) -> str:
    return _unlike_in(path.parent / "pack.json", path, "sha256", path.name)


def _unlike_in(card: Path, path: Path, *keys: str) -> str:
    """Against the digest that a card tells of it, under one key in the other."""
    told = read_json(card)
    try:
        for key in keys:
            told = told[key]
    except (LookupError, TypeError):
        return f"its {card.name} does not tell its SHA-256"
    return _unlike(path, told)


def _unlike(path: Path, sha256: str | None) -> str:
    return "" if sha256_file(path) == sha256 else "its SHA-256 is not the recorded one"


def _table(schema: pa.Schema, media: bool = False) -> Callable[[Path], str]:
    return lambda path: table_damage(path, schema, media=media)


def _json(path: Path, sealed: bool = True) -> str:
    """The same value has the same bytes, see `json_text`; and there is a digest in it."""
    read_json(path)
    data = path.read_bytes()
    value = json.loads(data)
    if sealed and SEAL not in value:
        return "there is no digest in it"
    return "" if json_text(value).encode() == data else "its bytes are not those that were written"


def _png(path: Path) -> str:
    """Each part of a PNG has its checksum."""
    data = path.read_bytes()
    at, kind = 8, b""
    while at + 12 <= len(data) and kind != b"IEND":
        size = int.from_bytes(data[at : at + 4])
        kind, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + size]
        if zlib.crc32(kind + body) != int.from_bytes(data[at + 8 + size : at + 12 + size]):
            return "a checksum in it is wrong"
        at += 12 + size
    whole = data[:8] == b"\x89PNG\r\n\x1a\n" and kind == b"IEND" and at == len(data)
    return "" if whole else "it is no whole picture"
