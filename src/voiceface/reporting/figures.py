"""The figures of a built dataset: what `voiceface status` prints and the report shows."""

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from voiceface.files import read_table
from voiceface.reporting.words import family, reason_words
from voiceface.tables import DATASET, FUNNEL, KEPT, MANIFEST, REVIEWS, SPLITS, funnel_order


@dataclass(frozen=True)
class Share:
    """The time of the videos that went one way."""

    reason: str
    words: str
    family: str
    """What kind of reason it is: a key of `words.FAMILIES`."""
    seconds: int
    tenths: int
    """Of all time, in tenths of a percent. Both are rounded so that they add up to the whole."""
    samples: int

    @property
    def percent(self) -> str:
        """As in `12.3 %`."""
        return f"{self.tenths // 10}.{self.tenths % 10} %"


@dataclass(frozen=True)
class Lost:
    """A video that could not be had or read."""

    speaker: str
    video: str
    words: str


@dataclass(frozen=True)
class Funnel:
    """Where every second of video went."""

    total_s: int
    shares: list[Share]
    """Kept first, then the reasons in the order in which they are counted; adds up to `total_s`."""
    lost: list[Lost]
    videos: int
    """Videos that were had and read."""

    @property
    def kept(self) -> Share:
        """What was kept."""
        nothing = Share(KEPT, reason_words(KEPT), family(KEPT), 0, 0, 0)
        return next((share for share in self.shares if share.reason == KEPT), nothing)


@dataclass(frozen=True)
class Speaker:
    """One speaker's row."""

    name: str
    gender: str
    language: str
    videos: int
    seconds: int
    samples: int
    clean: int
    kept: int
    splits: dict[str, int]
    reviews: dict[str, int]


@dataclass(frozen=True)
class Split:
    """One split of the dataset."""

    name: str
    samples: int
    seconds: float
    speakers: int
    videos: int


def read_funnel(path: Path) -> Funnel:
    """Read `manifests/funnel.parquet` and sum it up.

    Raises:
        VoicefaceError: the file is missing or damaged.
    """
    rows = read_table(path, FUNNEL).to_pylist()
    by_video: dict[str, int] = {}
    by_reason: dict[str, tuple[int, int]] = {}
    for row in rows:
        by_video[row["video"]] = by_video.get(row["video"], 0) + row["duration_us"]
    lost = [
        Lost(row["speaker"], row["video"], reason_words(row["reason"]))
        for row in rows
        if by_video[row["video"]] == 0
    ]
    for row in rows:
        if by_video[row["video"]]:
            time, count = by_reason.get(row["reason"], (0, 0))
            by_reason[row["reason"]] = (time + row["duration_us"], count + row["samples"])
    ordered = sorted(by_reason.items(), key=lambda item: funnel_order(item[0]))
    times = [time for _, (time, _) in ordered]
    total_s = round(sum(times) / 1e6)
    shares = [
        Share(reason, reason_words(reason), family(reason), seconds, tenths, count)
        for (reason, (_, count)), seconds, tenths in zip(
            ordered, apportion(times, total_s), apportion(times, 1000), strict=True
        )
    ]
    return Funnel(total_s, shares, lost, sum(1 for time in by_video.values() if time))


def apportion(parts: list[int], whole: int) -> list[int]:
    """Round `parts`, scaled to `whole`, so that they add up to it (largest remainders first)."""
    total = sum(parts)
    if not total:
        return [0] * len(parts)
    floors = [part * whole // total for part in parts]
    rest = sorted(range(len(parts)), key=lambda i: (-(parts[i] * whole % total), i))
    for index in rest[: whole - sum(floors)]:
        floors[index] += 1
    return floors


def read_speakers(manifest: Path, funnel: Path, dataset: Path) -> list[Speaker]:
    """One row per speaker, sorted by name; those whose videos were all lost are there too.

    Raises:
        VoicefaceError: a file is missing or damaged.
    """
    columns = ["speaker", "gender", "language", "clean", "review"]
    samples = read_table(manifest, MANIFEST, columns)
    people = {row["speaker"]: row for row in _people(samples)}
    clean = _counts(samples.filter(samples["clean"]), ["speaker"])
    reviews = _counts(samples, ["speaker", "review"])
    splits = _counts(read_table(dataset, DATASET, ["speaker", "split"]), ["speaker", "split"])
    time: dict[str, dict[str, int]] = {}
    for row in read_table(funnel, FUNNEL).to_pylist():
        videos = time.setdefault(row["speaker"], {})
        videos[row["video"]] = videos.get(row["video"], 0) + row["duration_us"]
    found = []
    for name in sorted(time.keys() | people.keys()):
        person = people.get(name, {"gender": "", "language": ""})
        mine = {split: splits.get((name, split), 0) for split in SPLITS}
        marks = {review: reviews.get((name, review), 0) for review in REVIEWS}
        found.append(
            Speaker(
                name,
                person["gender"],
                person["language"],
                videos=sum(1 for us in time.get(name, {}).values() if us),
                seconds=round(sum(time.get(name, {}).values()) / 1e6),
                samples=sum(marks.values()),
                clean=clean.get((name,), 0),
                kept=sum(mine.values()),
                splits=mine,
                reviews=marks,
            )
        )
    return found


def read_splits(dataset: Path) -> list[Split]:
    """The splits' sizes, empty ones too.

    Raises:
        VoicefaceError: the file is missing or damaged.
    """
    table = read_table(dataset, DATASET, ["split", "speaker", "video", "start_us", "end_us"])
    rows = []
    for name in SPLITS:
        part = table.filter(pc.equal(table["split"], name))
        time = pc.sum(pc.subtract(part["end_us"], part["start_us"])).as_py() or 0
        people, videos = (pc.count_distinct(part[key]).as_py() for key in ("speaker", "video"))
        rows.append(Split(name, part.num_rows, time / 1e6, people, videos))
    return rows


def _people(samples: pa.Table) -> list[dict[str, str]]:
    grouped = samples.group_by(["speaker"]).aggregate([("gender", "min"), ("language", "min")])
    return [
        {"speaker": row["speaker"], "gender": row["gender_min"], "language": row["language_min"]}
        for row in grouped.to_pylist()
    ]


def _counts(table: pa.Table, keys: list[str]) -> dict[tuple[str, ...], int]:
    grouped = table.group_by(keys).aggregate([([], "count_all")])
    return {tuple(row[key] for key in keys): row["count_all"] for row in grouped.to_pylist()}
