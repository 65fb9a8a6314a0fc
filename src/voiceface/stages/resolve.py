"""Sources into the lock file: the frozen list of videos, and what changed since the last one."""

import hashlib
import sys
from collections import Counter
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from voiceface.config import Resolve
from voiceface.errors import VoicefaceError
from voiceface.fetch.local import LocalFile, content_id, digests, local_files, strange_names
from voiceface.files import read_json, write_json
from voiceface.sources import (
    Source,
    Video,
    is_url,
    of_shard,
    read_sources,
    read_videos,
    with_licence,
    write_videos,
)
from voiceface.stages.shim import stage_main
from voiceface.takedowns import TAKEDOWNS_NAME, read_takedowns

STATE = Path("data/resolve.json")
"""What the lock file was made from, on this machine. It may be deleted at any time."""

_OF_ROW = ("speaker", "gender", "language", "licence", "consent", "emotion", "clips")
"""What a video has from its row of sources.csv."""


@dataclass
class Found:
    """What one source gave."""

    videos: list[Video] = field(default_factory=list)
    """In the source's order."""
    notes: list[str] = field(default_factory=list)
    """What its owner should know, in lines."""
    passed: frozenset[str] = frozenset()
    """Videos that are still there, but no longer among the newest N."""
    failure: str = ""
    """Why it could not be resolved; then `videos` is empty."""
    missing: bool = False
    """Whether the failure is that its site no longer has it."""


def run(config: Resolve, sources: Path, videos: Path) -> None:
    """Write the lock file `videos`, and print what changed, in plain lines.

    A source that can't be reached keeps the videos that it had; a video that disappeared stays, as
    `gone`. On an error the lock file is left as it was.

    Raises:
        VoicefaceError: rows of `sources` are wrong, local files are missing or not allowed, a video
            stands under two speakers, or there is no video at all.
    """
    rows = _rows(config, sources)
    before = with_licence(read_videos(videos), []) if videos.exists() else []
    files = _local(rows, config)
    contents = _contents(files, _read_state())
    of_source = _by_source(before)
    found = [
        _expand(row, config, of_source.get(row.location, []))
        if row.is_url
        else _local_videos(row, files, contents)
        for row in rows
    ]
    locked, changes = merge(rows, found, before)
    if not locked:
        reasons = [line.removeprefix("! ") for line in changes if line.startswith("! ")]
        raise VoicefaceError(f"{sources}: no video found: {'; '.join(reasons)}")
    down = read_takedowns(videos.with_name(TAKEDOWNS_NAME))
    wanted = [video for video in locked if not down.cover(video.video, video.speaker)]
    if out := len(locked) - len(wanted):
        changes.append(f"{out} of them were taken down, and stay out")
    wanted = with_licence(wanted, config.require_licence)
    write_videos(videos, wanted)
    write_json(STATE, _state(config, sources, rows, files, contents, locked))
    print("\n".join([*changes, *kept_out(wanted)]))


def relicense(config: Resolve, videos: Path) -> None:
    """Let in and keep out by `resolve.require_licence`, and tell if that changed; asks no site."""
    before = read_videos(videos)
    after = with_licence(before, config.require_licence)
    if after != before:
        write_videos(videos, after)
        print("\n".join(kept_out(after) or ["no video is kept out by resolve.require_licence now"]))


def kept_out(videos: list[Video]) -> list[str]:
    """How many videos the licence keeps out, and what licences they have; [] without any."""
    out = Counter(video.licence or "none" for video in videos if video.status == "unlicensed")
    if not out:
        return []
    told = ", ".join(f"{count} × {licence}" for licence, count in out.most_common())
    return [f"{out.total()} videos are kept out by resolve.require_licence: {told}"]


def is_stale(config: Resolve, sources: Path, videos: Path) -> str | None:
    """Why the lock file must be made anew, in words; None when it need not.

    Only what can be seen here counts (the list of sources, the settings, local files): what changed
    upstream shows when the sources are resolved again, which is the user's to ask for.
    """
    if not videos.exists():
        return f"there is no {videos} yet"
    state = _read_state()
    if not state:
        return _stale_by_content(config, sources, videos)
    if state["sources"] != _digest(sources.read_bytes() if sources.exists() else b""):
        return f"{sources} changed"
    if state["config"] != _config_digest(config):
        return "the settings of resolve changed"
    if state["unresolved"]:
        return f"not resolved last time: {', '.join(state['unresolved'])}"
    try:
        files = [
            file for batch in _local(_rows(config, sources), config).values() for file in batch
        ]
    except VoicefaceError as error:
        return str(error)
    _accept_touched(state, files)
    changed = {tuple(entry[:4]) for entry in state["files"]} ^ {
        (file.path, file.size, file.mtime_ns, file.readable) for file in files
    }
    names = sorted({str(entry[0]) for entry in changed})
    if not names:
        return None
    return f"local files changed: {names[0]}" + (f" and {len(names) - 1} more" * (len(names) > 1))


def _accept_touched(state: dict[str, Any], files: list[LocalFile]) -> None:
    """Take files that have another time but the same content as they are, here and in the state.

    Snakemake touches what a job made, and a linked file has one time under both of its names.
    """
    known = {entry[0]: entry for entry in state["files"]}
    touched = [
        file
        for file in files
        if file.path in known
        and known[file.path][1] == file.size
        and known[file.path][2] != file.mtime_ns
    ]
    contents = digests(touched)
    for file in touched:
        if contents.get(file.path) == known[file.path][4]:
            known[file.path][2:4] = [file.mtime_ns, file.readable]
    if touched:
        write_json(STATE, state)


def merge(
    rows: list[Source], found: list[Found], before: list[Video]
) -> tuple[list[Video], list[str]]:
    """The new lock file from what each source gave and the lock file before, and what changed.

    Raises:
        VoicefaceError: a video stands under two speakers.
    """
    locked: dict[str, Video] = {}
    changes: list[str] = []
    clashes: list[str] = []
    gone: list[Video] = []
    of_source = _by_source(before)
    for row, result in zip(rows, found, strict=True):
        old = [_with_row(video, row) for video in of_source.get(row.location, [])]
        keep = bool(result.failure) and not result.missing
        changes += result.notes
        if result.failure:
            kept = f"; its {len(old)} videos stay as they were" if old and keep else ""
            changes.append(f"! {row.location}: {result.failure}{kept}")
        for video in old if keep else result.videos:
            first = locked.setdefault(video.video, video)
            if first.speaker != video.speaker:
                clashes.append(
                    f"{first.location} of {first.speaker} and {video.location} of {video.speaker}"
                )
            elif first is not video:
                changes.append(f"= {video.location}: the same video as {first.location}")
        gone += [replace(one, status="gone") for one in old if one.video not in result.passed]
    if clashes:
        raise VoicefaceError(
            f"the same video under two speakers: {'; '.join(clashes)}; take one of them out"
        )
    for video in gone:
        locked.setdefault(video.video, video)
    order = {row.location: number for number, row in enumerate(rows)}
    merged = sorted(locked.values(), key=lambda video: order[video.source])
    return merged, changes + _changes(before, merged)


def _changes(before: list[Video], after: list[Video]) -> list[str]:
    """What a reader of the lock file wants to know, one line a video, and a count."""
    old = {video.video: video for video in before}
    new = {video.video: video for video in after}
    lines = []
    for name, video in new.items():
        words = f"{name}  {video.speaker}  {video.title or video.location}"
        was = old.get(name)
        if was is None:
            lines.append(f"+ {words}")
        elif was.status != video.status:
            lines.append(f"{'- gone' if video.status == 'gone' else '+ back'}: {words}")
        elif told := _differences(was, video):
            lines.append(f"~ {words}: {told}")
    lines += [
        f"- {name}  {video.speaker}  {video.title or video.location}"
        for name, video in old.items()
        if name not in new
    ]
    gone = sum(video.status == "gone" for video in after)
    people = len({video.speaker for video in after})
    total = f"{len(after) - gone} videos of {people} speakers" + (f", {gone} gone" * bool(gone))
    return [*lines, total if lines else f"{total}; nothing changed"]


def _differences(was: Video, now: Video) -> str:
    names = (*_OF_ROW, "location", "title")
    told = ((name, getattr(was, name), getattr(now, name)) for name in names)
    return ", ".join(f"{name} was {old!r}" for name, old, new in told if old != new)


def _by_source(videos: list[Video]) -> dict[str, list[Video]]:
    """Videos by the location of their source; a corpus may have a hundred thousand sources."""
    found: dict[str, list[Video]] = {}
    for video in videos:
        found.setdefault(video.source, []).append(video)
    return found


def _expand(row: Source, config: Resolve, before: list[Video]) -> Found:
    from voiceface.fetch.listing import list_videos  # yt-dlp takes a while to load

    print(f"looking up {row.location}", file=sys.stderr)
    listed = [one for one in before if one.status == "listed"]
    listing = list_videos(row.location, config, {video.video for video in listed})
    if listing.lost:
        return Found(failure=str(listing.lost), missing=listing.lost.missing)
    videos = [
        Video(
            video=entry.video,
            location=entry.url,
            title=entry.title,
            duration_s=entry.duration_s,
            uploaded=entry.uploaded,
            status="listed",
            **_of_row(row),
        )
        for entry in listing.entries
    ]
    return Found(videos, listing.notes, listing.passed)


def _local(rows: list[Source], config: Resolve) -> dict[str, list[LocalFile]]:
    files = {}
    problems = []
    for row in rows:
        if not row.is_url:
            try:
                files[row.location] = local_files(row.location, config)
            except VoicefaceError as error:
                problems.append(str(error))
    if problems:
        raise VoicefaceError("; ".join(problems))
    return files


def _local_videos(
    row: Source, files: dict[str, list[LocalFile]], contents: dict[str, str]
) -> Found:
    videos = [
        Video(
            video=content_id(file, contents.get(file.path)),
            location=file.path,
            title=" ".join(Path(file.path).stem.split()),
            duration_s=None,
            uploaded="",
            status="listed",
            **_of_row(row),
        )
        for file in files[row.location]
    ]
    notes = [f"! {name}: left out: its name is not UTF-8" for name in strange_names(row.location)]
    if not videos:
        notes.append(
            f"! {row.location}: neither a file of the types in resolve.file_types nor a picture"
        )
    return Found(videos, notes)


def _of_row(row: Source) -> dict[str, Any]:
    return {**{name: getattr(row, name) for name in _OF_ROW}, "source": row.location}


def _with_row(video: Video, row: Source) -> Video:
    return replace(video, **_of_row(row))


def _contents(files: dict[str, list[LocalFile]], state: dict[str, Any]) -> dict[str, str]:
    """SHA-256 by path; a file with the size and the time of the last resolve is not read again."""
    known = {tuple(entry[:4]): entry[4] for entry in state.get("files", [])}
    contents = {}
    unread = []
    for file in [file for batch in files.values() for file in batch]:
        if sha256 := known.get((file.path, file.size, file.mtime_ns, file.readable)):
            contents[file.path] = sha256
        else:
            unread.append(file)
    return contents | digests(unread)


def _state(
    config: Resolve,
    sources: Path,
    rows: list[Source],
    files: dict[str, list[LocalFile]],
    contents: dict[str, str],
    locked: list[Video],
) -> dict[str, Any]:
    resolved = {video.source for video in locked} | set(files)
    return {
        "sources": _digest(sources.read_bytes()),
        "config": _config_digest(config),
        "files": [
            [*asdict(file).values(), contents.get(file.path)]
            for batch in files.values()
            for file in batch
        ],
        "unresolved": [row.location for row in rows if row.location not in resolved],
    }


def _read_state() -> dict[str, Any]:
    try:
        state = read_json(STATE)
    except VoicefaceError:
        return {}  # it only saves work
    wanted = {"sources", "config", "files", "unresolved"}
    return state if isinstance(state, dict) and wanted <= state.keys() else {}


def _rows(config: Resolve, sources: Path) -> list[Source]:
    rows = of_shard(read_sources(sources), config.shard)
    if not rows:
        raise VoicefaceError(
            f"{sources}: nobody is of resolve.shard {config.shard}; take fewer parts"
        )
    return rows


def _stale_by_content(config: Resolve, sources: Path, videos: Path) -> str | None:
    """Without a state (a fresh copy of the project): does the lock file fit the sources?"""
    listed = {(one.source, one.speaker) for one in read_videos(videos)}
    wanted = {(row.location, row.speaker) for row in _rows(config, sources)}
    local = any(not is_url(location) for location, _ in wanted)
    if listed == wanted and not local:
        return None
    return f"{videos} was not made here" if local else f"{videos} does not fit {sources}"


def _config_digest(config: Resolve) -> str:
    # The licence needs no site to be asked: see `relicense`.
    return _digest(config.model_dump_json(exclude={"require_licence"}).encode())


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


if __name__ == "__main__":
    sys.exit(stage_main(run))
