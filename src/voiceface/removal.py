"""Takedown: everything of a video or of a person leaves the project's folder, and stays out."""

import contextlib
import hashlib
import itertools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from voiceface import tables
from voiceface.errors import VoicefaceError
from voiceface.files import read_json, read_table, write_sealed
from voiceface.ids import is_video_id
from voiceface.layout import (
    DOWNLOADS,
    FACES_SEEN,
    MANIFEST,
    MODELS,
    PACKED,
    REVIEWS,
    SOURCES,
    TAKEDOWNS,
    VIDEO_LIST,
)
from voiceface.models.added import added_files, forget
from voiceface.models.provenance import stale_words, trained_on
from voiceface.reporting.words import some_of
from voiceface.review.redact import redact, unredacted
from voiceface.sources import Video, is_url, read_videos, write_videos
from voiceface.takedowns import Takedown, Takedowns, add_takedowns, read_takedowns
from voiceface.traces import OUTPUTS, Wanted, exports, half_files, traces, wanted

_LEDGERS = (REVIEWS, FACES_SEEN)
_SHOWN = 5
_UNREAD = "can't be looked into, so nobody knows whether something of it is there"
_DONE = Path("data/takedowns.json")
"""Which takedowns were carried out: a digest of them, by which nobody is named."""
_PER_VIDEO = ("media", "download", "speech", "chunks", "timeline", "faces", "samples")


@dataclass
class Removal:
    """What a takedown did, and what is left to do."""

    videos: list[str]
    removed: list[Path] = field(default_factory=list)
    redacted: int = 0
    """lines of the ledger that were kept without content"""
    forgot: list[str] = field(default_factory=list)
    """recognisers to which the people had been added"""
    models: list[str] = field(default_factory=list)
    """trained on it"""
    sources: list[str] = field(default_factory=list)
    """local files that the videos were taken from: not ours to delete"""
    left: list[Path] = field(default_factory=list)
    """what still holds something of it: copies in other videos, and files of the user"""
    unread: list[Path] = field(default_factory=list)
    """what can't be looked into: half, damaged and very large files"""
    unknown: list[str] = field(default_factory=list)
    """people of whom no table names a video, while there are videos that no table knows"""

    @property
    def is_whole(self) -> bool:
        """Whether nothing is left, as far as can be told."""
        return not (self.left or self.unread or self.unknown)

    def words(self) -> list[str]:
        """What the user should know, in lines."""
        lines = [f"taken down: {_listed(self.videos)}"]
        lines.append(f"removed: {len(self.removed)} files")
        if self.redacted:
            lines.append(f"ledger: {self.redacted} lines are kept without content")
        if self.forgot:
            lines.append(f"recognisers that forgot the voice: {', '.join(self.forgot)}")
        lines += stale_words(self.models)
        if self.sources:
            lines.append(f"yours to delete, with the row of {SOURCES}: {_listed(self.sources)}")
        if self.unknown:
            lines.append(
                f"! no table tells whose the videos are that no list names: are some of"
                f" {_listed(self.unknown)}? see data/download, and take them down by name"
            )
        if self.left:
            lines.append(
                f"! something of it is still in {_listed(self.left)}: take those videos"
                " down too, or delete the files"
            )
        if self.unread:
            lines.append(f"! {_UNREAD}: {_listed(self.unread)}")
        if self.is_whole:
            lines.append(f"checked: nothing of it is left in {', '.join(OUTPUTS)}")
        return lines


def take_down(videos: Sequence[str], speakers: Sequence[str], reason: str) -> Removal:
    """Write tombstones for videos, and for all videos of people; then remove what they name.

    To be called while no build runs (`only_build`). A takedown that was killed goes on by the next
    one, with or without names, and by the next build.

    Raises:
        VoicefaceError: a name is not known, or the ledger is in use.
    """
    people = _people(_listed_videos())
    added = itertools.chain.from_iterable(names or () for _, names in added_files(MODELS))
    _check_known(videos, speakers, people, {name.lower() for name in (*people.values(), *added)})
    today = datetime.now(UTC).date().isoformat()
    rows = [Takedown(video=video, date=today, reason=reason) for video in videos]
    try:
        rows += [Takedown(speaker=speaker, date=today, reason=reason) for speaker in speakers]
    except ValidationError:  # added, and of a name that no source can have
        mend = "`voiceface speakers remove` forgets who was added"
        raise VoicefaceError(f"{', '.join(speakers)}: not all are labels; {mend}") from None
    add_takedowns(TAKEDOWNS, rows)
    return finish()


def finish() -> Removal:
    """Remove all that `manifests/takedowns.csv` names and that is still here.

    Raises:
        VoicefaceError: the list is wrong, or the ledger is in use.
    """
    listed = _listed_videos()
    people = _people(listed)
    down = _name_videos(read_takedowns(TAKEDOWNS), people)
    result = Removal(sorted(down.videos))
    named = {person.lower() for person in people.values()}
    result.unknown = sorted(down.speakers - named) if _nobodys(people, down.videos) else []
    looked_for = wanted(down.videos)
    result.redacted = sum(redact(ledger, down.videos) for ledger in _LEDGERS)
    for name, path in _added(down):
        forget(name, path)
        result.forgot.append(path.parent.name)
    for path in half_files():
        _unlink(path, result.removed)
    result.models = trained_on(MODELS, down.videos)
    for path in _in_order(traces(looked_for)):
        if _is_ours(path, down.videos):
            _remove(path, result.removed)
    result.sources = sorted(
        video.location
        for video in listed
        if video.video in down.videos
        and not is_url(video.location)
        and Path(video.location).exists()
    )
    if any(video.video in down.videos for video in listed):
        write_videos(VIDEO_LIST, [one for one in listed if one.video not in down.videos])
    result.left, result.unread = _look(down, looked_for)
    if down.rows:
        write_sealed(_DONE, {"takedowns": _digest(down)})
    return result


def left_over() -> list[str]:
    """The check by itself, in lines: what holds something of it, as far as names tell."""
    down = read_takedowns(TAKEDOWNS)
    if not down.rows:
        return []
    left, unread = _look(down, wanted(down.videos))
    return [*map(str, left), *(f"{path}: {_UNREAD}" for path in unread)]


def _look(down: Takedowns, looked_for: Wanted) -> tuple[list[Path], list[Path]]:
    """What holds something of the takedowns, and what can't be looked into."""
    left = [*traces(looked_for), *_unredacted(looked_for.videos)]
    damaged = (
        [path for path, names in added_files(MODELS) if names is None] if down.speakers else []
    )
    named, unread = exports(looked_for, down.speakers)
    left += [*dict.fromkeys(path for _, path in _added(down)), *named]
    return left, [*half_files(), *damaged, *unread]


def _added(down: Takedowns) -> list[tuple[str, Path]]:
    """The people taken down who were added to recognisers, with each such recogniser's file."""
    return [
        (name, path)
        for path, names in added_files(MODELS)
        for name in names or ()
        if name.lower() in down.speakers
    ]


def is_pending() -> bool:
    """Whether a takedown was written down but not carried out, or not to its end. It is quick.

    What was carried out is remembered by its digest: a takedown that was killed late left nothing
    that is found quickly. Also looked for is what came back since, as from a copy.
    """
    down = read_takedowns(TAKEDOWNS)
    if not down.rows:
        return False
    listed = any(down.cover(video.video, video.speaker) for video in _listed_videos())
    return listed or _is_new(down) or bool(_added(down)) or any(map(_is_in_data, down.videos))


def _is_new(down: Takedowns) -> bool:
    try:
        return bool(read_json(_DONE) != {"takedowns": _digest(down)})
    except VoicefaceError:  # missing or damaged
        return True


def _digest(down: Takedowns) -> str:
    names = sorted(f"{row.video},{row.speaker.lower()}" for row in down.rows)
    return hashlib.sha256("\n".join(names).encode()).hexdigest()


def _unredacted(videos: Collection[str]) -> list[Path]:
    return [path for ledger in _LEDGERS for path in unredacted(ledger, videos)]


def _listed_videos() -> list[Video]:
    return read_videos(VIDEO_LIST) if VIDEO_LIST.exists() else []


def _people(listed: list[Video]) -> dict[str, str]:
    """Whose each video is: as the list says, or the tables that were made when it was in it."""
    people: dict[str, str] = {}
    for path, schema in ((MANIFEST, tables.MANIFEST), (DOWNLOADS, tables.DOWNLOADS)):
        with contextlib.suppress(VoicefaceError):  # missing or damaged
            table = read_table(path, schema, ["video", "speaker"])
            videos, speakers = (column.to_pylist() for column in table.columns)
            people |= dict(zip(videos, speakers, strict=True))
    return people | {video.video: video.speaker for video in listed}


def _nobodys(people: Collection[str], down: Collection[str]) -> bool:
    """Whether there are videos of which nothing tells whose they are."""
    here = {path.stem for path in Path("data/download").glob("*.json")}
    return not here <= {*people, *down}


def _name_videos(down: Takedowns, people: Mapping[str, str]) -> Takedowns:
    """Give the videos of people who were taken down a row each: their labels may change later."""
    reasons = {row.speaker.lower(): row for row in down.rows if row.speaker}
    rows = [
        Takedown(video=video, date=known.date, reason=known.reason)
        for video, person in people.items()
        if (known := reasons.get(person.lower()))
    ]
    return add_takedowns(TAKEDOWNS, rows)


def _check_known(
    videos: Sequence[str], speakers: Sequence[str], known: Collection[str], people: Collection[str]
) -> None:
    problems = [
        f"no video {video} in {VIDEO_LIST} nor in data"
        for video in videos
        if video not in known and not (is_video_id(video) and _is_in_data(video))
    ]
    problems += [
        f"no speaker {speaker} in {VIDEO_LIST}, nor added to a recogniser"
        for speaker in speakers
        if speaker.lower() not in people
    ]
    if problems:
        mend = f"to keep out what was never here, write its row into {TAKEDOWNS}"
        raise VoicefaceError(f"{'; '.join(problems)}; {mend}")


def _is_in_data(video: str) -> bool:
    return any(
        Path("data", folder, f"{video}.{ending}").exists()
        for folder in _PER_VIDEO
        for ending in ("mkv", "json", "parquet")
    )


def _in_order(paths: list[Path]) -> list[Path]:
    """What tells that pictures may show it goes last: the manifest, and the models' cards."""
    return sorted(paths, key=lambda path: (path.parts[0] == "manifests", path))


def _is_ours(path: Path, videos: Collection[str]) -> bool:
    """Whether to delete it: neither the user's own file, nor the same content as another video."""
    if path == VIDEO_LIST or path.parts[0] not in OUTPUTS:
        return False
    other = path.parts[0] == "data" and path.parts[1] in _PER_VIDEO and path.stem not in videos
    return not other or path.name.endswith(".part") or ".part" in path.parts


def _remove(path: Path, removed: list[Path]) -> None:
    """Delete a file, or all of a split: its arrays do not say what is in them."""
    folder, parts = path.parent, [path]
    if PACKED in path.parents and folder.is_dir():
        # The arrays first: as long as the tables are there they tell what is in them.
        parts = sorted(folder.iterdir(), key=lambda one: one.suffix != ".npy")
    for one in parts:
        if one.exists():
            _unlink(one, removed)
    # A folder may have the video's name.
    if len(parts) > 1 or (folder.parent.name == ".part" and not any(folder.iterdir())):
        folder.rmdir()


def _unlink(path: Path, removed: list[Path]) -> None:
    path.unlink()
    removed.append(path)


def _listed(names: Sequence[str | Path]) -> str:
    return some_of(names, _SHOWN) or "nothing"
