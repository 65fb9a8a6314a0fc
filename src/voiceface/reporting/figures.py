"""The figures of a built dataset: what `voiceface status` prints and the report shows."""

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from voiceface.files import read_table
from voiceface.reporting.words import family, reason_words
from voiceface.tables import DATASET, FUNNEL, MANIFEST, REASONS, REVIEWS, SPLITS

KEPT = "kept"


@dataclass(frozen=True)
class Share:
    """The time of the videos that went one way."""

    reason: str
    words: str
    family: str
    """kept, sound, face, double or curator: what kind of reason it is."""
    seconds: float
    fraction: float
    """Of all seconds, 0 to 1."""
    samples: int


@dataclass(frozen=True)
class Lost:
    """A video that could not be had or read."""

    speaker: str
    video: str
    words: str


@dataclass(frozen=True)
class Funnel:
    """Where every second of video went."""

    total_s: float
    shares: list[Share]
    """Kept first, then the reasons in the order in which they are counted; adds up to `total_s`."""
    lost: list[Lost]
    videos: int
    """Videos that were had and read."""

    @property
    def kept_s(self) -> float:
        """Seconds that were kept."""
        return sum(share.seconds for share in self.shares if share.reason == KEPT)


@dataclass(frozen=True)
class Speaker:
    """One speaker's row."""

    name: str
    gender: str
    language: str
    videos: int
    seconds: float
    samples: int
    clean: int
    kept: int
    splits: dict[str, int]
    reviews: dict[str, int]


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
    total = sum(time for time, _ in by_reason.values())
    shares = [
        Share(
            reason,
            reason_words(reason),
            family(reason),
            time / 1e6,
            time / total,
            count,
        )
        for reason, (time, count) in sorted(by_reason.items(), key=lambda item: _order(item[0]))
    ]
    return Funnel(total / 1e6, shares, lost, sum(1 for time in by_video.values() if time))


def _order(reason: str) -> tuple[int, str]:
    order = {KEPT: -1, **{name: place for place, name in enumerate(REASONS)}}
    return order.get(reason, len(REASONS)), reason


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
                seconds=sum(time.get(name, {}).values()) / 1e6,
                samples=sum(marks.values()),
                clean=clean.get((name,), 0),
                kept=sum(mine.values()),
                splits=mine,
                reviews=marks,
            )
        )
    return found


def _people(samples: pa.Table) -> list[dict[str, str]]:
    grouped = samples.group_by(["speaker"]).aggregate([("gender", "min"), ("language", "min")])
    return [
        {"speaker": row["speaker"], "gender": row["gender_min"], "language": row["language_min"]}
        for row in grouped.to_pylist()
    ]


def _counts(table: pa.Table, keys: list[str]) -> dict[tuple[str, ...], int]:
    grouped = table.group_by(keys).aggregate([([], "count_all")])
    return {tuple(row[key] for key in keys): row["count_all"] for row in grouped.to_pylist()}


def count_clean(manifest: Path) -> tuple[int, int]:
    """Samples, and those of them without a flag."""
    clean = read_table(manifest, MANIFEST, ["clean"])["clean"]
    return len(clean), int(pc.sum(clean).as_py() or 0)
