"""The human's list of sources, and the lock file: the frozen list of videos made from it.

Read whenever Snakemake parses the workflow, so nothing heavy is imported here.
"""

import csv
import hashlib
import io
import json
import re
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from voiceface.errors import VoicefaceError
from voiceface.files import write_text
from voiceface.ids import is_video_id
from voiceface.outcome import read_outcome
from voiceface.rows import read_rows
from voiceface.takedowns import TAKEDOWNS_NAME, read_takedowns

_URL = r"https?://[^\s/][^\s]*"
_LOCAL = r"/[^\x00-\x1f]*|[^\x00-\x1f:/-][^\x00-\x1f:/]*(/[^\x00-\x1f]*)?"
_Cell = Annotated[str, Field(pattern=r"^[^\x00]*$")]
_SECONDS = r"[0-9]+(\.[0-9]{1,6})?"
_CLIP = rf"{_SECONDS}-{_SECONDS}"
_SHARE = r"(0(\.[0-9]{1,6})?|1(\.0{1,6})?)"
_PLACED = rf"{_CLIP}(@{_SHARE}x{_SHARE})?"
_WORD = r"[a-z][a-z0-9_-]{0,31}"
_AT_TIME = rf"{_WORD}@{_CLIP}"


def parse_clips(text: str) -> list[tuple[int, int]]:
    """Clips as they stand in `sources.csv`, such as `12.5-20;31-40`: their times in µs, ascending.

    What overlaps is one clip, and what touches with the face at one place, which is left to
    `face_places`.

    Raises:
        ValueError: the text is of another form, or a clip ends before it starts.
    """
    clips: list[tuple[int, int, str]] = []
    for part in filter(None, text.split(";")):
        if not re.fullmatch(_PLACED, part):
            raise ValueError(f"clip {part!r}: must be seconds, as in 12.5-20, or 4-9@0.3x0.45")
        times, _, place = part.partition("@")
        start, end = map(_us, times.split("-"))
        if end <= start:
            raise ValueError(f"clip {part!r}: ends before it starts")
        clips.append((start, end, place))
    joined: list[tuple[int, int]] = []
    before = ""
    for start, end, place in sorted(clips):
        last = joined[-1][1] if joined else -1
        if start < last or (start == last and place == before):
            joined[-1] = (joined[-1][0], max(end, last))
        else:
            joined.append((start, end))
        before = place
    return joined


def face_places(text: str) -> list[tuple[int, int, float, float]]:
    """Those clips that tell where the face is, as `12.5-20@0.3x0.45` does, ascending.

    Returns: times in µs, and the face's middle in shares of the picture's width and height.
    """
    found = re.findall("([0-9.]+)-([0-9.]+)@([0-9.]+)x([0-9.]+)", text)
    return sorted((_us(start), _us(end), float(x), float(y)) for start, end, x, y in found)


def _us(seconds: str) -> int:
    return round(float(seconds) * 1_000_000)


def _checked_clips(text: str) -> str:
    parse_clips(text)
    return text


def _checked_times(text: str) -> str:
    for stretch in text.split(";") if "@" in text else []:
        parse_clips(stretch.partition("@")[2])
    return text


class Source(BaseModel):
    """One row of `manifests/sources.csv`. Each field's docstring says what may stand in it."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True, title="Source"
    )

    speaker: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    """letters, digits, `.`, `_` and `-`, starting with a letter or a digit, at most 64"""
    gender: Literal["", "female", "male", "other"] = ""
    """female, male, other, or empty"""
    language: Annotated[str, Field(pattern=r"^([A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*)?$")] = ""
    """a language tag as in `es` or `pt-BR`, or empty"""
    location: Annotated[str, Field(pattern=rf"^({_URL}|{_LOCAL})$")]
    """an http(s) url, or the path of a local file or folder (`./` before a strange name)"""
    licence: _Cell = ""
    """any words"""
    consent: Literal["", "given", "public", "synthetic", "none"] = ""
    """given (by the person), public (published for all), synthetic (no person), none, or empty"""
    note: _Cell = ""
    """any words"""
    emotion: Annotated[
        str,
        Field(pattern=rf"^({_WORD}|{_AT_TIME}(;{_AT_TIME})*)?$"),
        AfterValidator(_checked_times),
    ] = ""
    """a small-letter word such as `anger`, or by time as in `anger@12.5-20;fear@31-40`, or empty"""
    clips: Annotated[
        str, Field(pattern=rf"^({_PLACED}(;{_PLACED})*)?$"), AfterValidator(_checked_clips)
    ] = ""
    """seconds to use, as in `12.5-20;31-40`, with a face's middle as in `4-9@0.3x0.45`, or empty"""

    @property
    def is_url(self) -> bool:
        """Whether the location is a url; otherwise it is a local path."""
        return is_url(self.location)


@dataclass(frozen=True, slots=True)
class Video:
    """One row of the lock file `manifests/videos.csv`."""

    video: str
    """`<extractor>-<id>`, see `ids.video_id`"""
    speaker: str
    """label from sources.csv"""
    gender: str
    """from sources.csv"""
    language: str
    """from sources.csv"""
    location: str
    """url of the video, or path of the local file"""
    title: str
    """as its publisher gave it, or the local file's name; one line"""
    duration_s: float | None
    """as its publisher said, in seconds"""
    uploaded: str
    """day, as in 2019-05-12, or empty"""
    licence: str
    """from sources.csv"""
    consent: str
    """from sources.csv"""
    status: Literal["listed", "gone", "unlicensed"]
    """listed; gone: its source no longer has it; unlicensed: kept out by resolve.require_licence"""
    source: str
    """location of the source that it came from, as in sources.csv"""
    emotion: str = ""
    """from sources.csv"""
    clips: str = ""
    """from sources.csv; empty: all of it"""


SOURCE_COLUMNS = tuple(Source.model_fields)
VIDEO_COLUMNS = tuple(field.name for field in fields(Video))
_FIRST_VIDEO_COLUMNS = VIDEO_COLUMNS[:-2]
"""Of a lock file from before there were `emotion` and `clips`."""


def is_url(location: str) -> bool:
    """Whether a location is an http(s) url: all else is a local path."""
    return location.startswith(("http://", "https://"))


def read_sources(path: Path) -> list[Source]:
    """Read and check the list of sources.

    Raises:
        VoicefaceError: the file is missing, empty or no CSV; or rows are wrong: every one of them
            is named with its line and what is wrong.
    """
    rows = read_rows(path)
    _, header = next(rows, (0, []))
    _check_header(path, header)
    problems: list[str] = []
    sources: list[tuple[int, Source]] = []
    for line, cells in rows:
        try:
            if len(cells) != len(header):
                raise VoicefaceError(f"{len(cells)} cells where the header has {len(header)}")
            row = {name: cell.strip() for name, cell in zip(header, cells, strict=True)}
            sources.append((line, Source.model_validate(row)))
        except VoicefaceError as error:
            problems.append(f"line {line}: {error}")
        except ValidationError as error:
            problems += [f"line {line}: {_words(problem)}" for problem in error.errors()]
    problems += _clashes(sources)
    if problems:
        raise VoicefaceError(f"{path}: {'; '.join(problems)}")
    if not sources:
        raise VoicefaceError(f"{path}: lists no source; add a row for each channel or folder")
    return [source for _, source in sources]


def of_shard(sources: list[Source], shard: str) -> list[Source]:
    """The sources of the people who are of a part of the project; all when `shard` is empty.

    Which part that is depends on nothing but the label, so each person is whole in one of them,
    and stays there whatever comes to the list.

    Args:
        shard: `resolve.shard`, as in `3/100`: the third of a hundred parts.
    """
    if not shard:
        return sources
    part, parts = map(int, shard.split("/"))
    return [source for source in sources if _number(source.speaker) % parts == part - 1]


def _number(speaker: str) -> int:
    return int.from_bytes(hashlib.sha256(speaker.lower().encode()).digest()[:8])


def read_videos(path: Path) -> list[Video]:
    """Read the lock file, in its order.

    Raises:
        VoicefaceError: the file is missing or is not a lock file.
    """
    if not path.exists():
        raise VoicefaceError(f"{path}: no such file; make it with `voiceface resolve`")
    rows = read_rows(path)
    _, header = next(rows, (0, []))
    if tuple(header) not in (VIDEO_COLUMNS, _FIRST_VIDEO_COLUMNS):
        raise VoicefaceError(
            f"{path}: the columns are not {','.join(VIDEO_COLUMNS)}; run `voiceface resolve`"
        )
    videos = []
    seen: set[str] = set()
    for line, cells in rows:
        try:
            video = _video(header, cells)
        except ValueError as error:
            raise VoicefaceError(f"{path}: line {line}: {error}; run `voiceface resolve`") from None
        if video.video in seen:
            raise VoicefaceError(f"{path}: line {line}: {video.video} stands there twice")
        seen.add(video.video)
        videos.append(video)
    return videos


def wanted_videos(path: Path) -> list[Video]:
    """The lock file's videos without those that were taken down, in its order.

    Raises:
        VoicefaceError: the file is missing or is not a lock file, or the list of takedowns beside
            it is wrong.
    """
    down = read_takedowns(path.with_name(TAKEDOWNS_NAME))
    return [one for one in read_videos(path) if not down.cover(one.video, one.speaker)]


def built_videos(path: Path, outcomes: Path) -> list[Video]:
    """The videos of the lock file that a dataset is built from, in its order.

    Those that are listed; and those gone from their site whose file is here, for a dataset must not
    lose what it has because its publisher took it down. A local file that is gone was taken away,
    or replaced, by the project's own people: so it is left out. So is what was taken down.

    Args:
        outcomes: the folder of the download records; the media files lie in `media` beside it.

    Raises:
        VoicefaceError: as `wanted_videos`, or a record is damaged.
    """
    return [
        video
        for video in wanted_videos(path)
        if video.status == "listed"
        or (video.status == "gone" and is_url(video.location) and _is_here(video, outcomes))
    ]


def _is_here(video: Video, outcomes: Path) -> bool:
    record, media = outcomes / f"{video.video}.json", outcomes.parent / f"media/{video.video}.mkv"
    return record.exists() and media.exists() and read_outcome(record).status == "ok"


def find_video(path: Path, name: str) -> Video:
    """The lock file's row of one video.

    Raises:
        VoicefaceError: it is not in the lock file, or was taken down.
    """
    video = _find_row(path, name)
    if read_takedowns(path.with_name(TAKEDOWNS_NAME)).cover(name, video.speaker):
        raise VoicefaceError(f"{name}: was taken down; see {path.with_name(TAKEDOWNS_NAME)}")
    return video


def _find_row(path: Path, name: str) -> Video:
    # Each download asks for one of maybe a hundred thousand: its line is parsed alone, if it can.
    with suppress(OSError, ValueError, csv.Error):
        text = path.read_text(encoding="utf-8-sig")
        if (at := text.find(f"\n{name},")) >= 0:
            parts = (io.StringIO(part, newline="") for part in (text, text[at + 1 :]))
            header, cells = (next(csv.reader(part, strict=True)) for part in parts)
            if tuple(header) in (VIDEO_COLUMNS, _FIRST_VIDEO_COLUMNS):
                return _video(header, cells)
    for video in read_videos(path):
        if video.video == name:
            return video
    raise VoicefaceError(f"{path}: no video {name}; run `voiceface resolve`")


def with_licence(videos: list[Video], required: list[str]) -> list[Video]:
    """The videos, each kept out or let in by its licence.

    Args:
        required: `resolve.require_licence`.
    """
    allowed = {licence.strip().lower() for licence in required}
    return [
        _with_licence(video, not allowed or video.licence.lower() in allowed) for video in videos
    ]


def _with_licence(video: Video, allowed: bool) -> Video:
    if video.status == "gone" and not is_url(video.location):
        return video  # taken away: it is left out, and must not come back as another licence does
    if not allowed:
        return replace(video, status="unlicensed")
    return replace(video, status="listed") if video.status == "unlicensed" else video


def write_videos(path: Path, videos: list[Video]) -> None:
    """Write the lock file atomically; equal lists give equal bytes."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(VIDEO_COLUMNS)
    for video in videos:
        row = {name: getattr(video, name) for name in VIDEO_COLUMNS}
        row["duration_s"] = "" if video.duration_s is None else f"{video.duration_s:g}"
        writer.writerow(row.values())
    write_text(path, text.getvalue())


def source_schema() -> str:
    """JSON Schema of one row of the list of sources: `workflow/schemas/sources.schema.json`."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return json.dumps({**schema, **Source.model_json_schema()}, indent=2) + "\n"


def _check_header(path: Path, header: list[str]) -> None:
    columns = f"the first line must name the columns {','.join(SOURCE_COLUMNS)}"
    if not header:
        raise VoicefaceError(f"{path}: is empty; {columns}")
    if len(header) == 1 and ";" in header[0]:
        raise VoicefaceError(f"{path}: is separated by semicolons; save it with commas")
    header[:] = [name.strip() for name in header]
    problems = [f"unknown column {name!r}" for name in header if name not in SOURCE_COLUMNS]
    problems += [f"column {name!r} twice" for name in sorted(set(header)) if header.count(name) > 1]
    needed = [name for name, field in Source.model_fields.items() if field.is_required()]
    problems += [f"no column {name!r}" for name in needed if name not in header]
    if problems:
        raise VoicefaceError(f"{path}: {'; '.join(problems)}; {columns}")


def _words(problem: Any) -> str:
    name = str(problem["loc"][0])
    return f"{name} {problem['input']!r}: must be {Source.model_fields[name].description}"


def _clashes(sources: list[tuple[int, Source]]) -> list[str]:
    """What is wrong between rows: a location twice, or one speaker told in two ways."""
    problems = []
    locations: dict[str, int] = {}
    people: dict[str, tuple[int, Source]] = {}
    for line, source in sources:
        if (first := locations.setdefault(source.location, line)) != line:
            problems.append(f"line {line}: location {source.location!r} is on line {first} already")
        other, known = people.setdefault(source.speaker.lower(), (line, source))
        if known.speaker != source.speaker:
            problems.append(
                f"line {line}: speaker {source.speaker!r} is {known.speaker!r} on line {other};"
                " write one name one way"
            )
        elif known.gender != source.gender:
            problems.append(
                f"line {line}: gender {source.gender!r} of {source.speaker!r}"
                f" is {known.gender!r} on line {other}"
            )
    return problems


def _video(header: list[str], cells: list[str]) -> Video:
    if len(cells) != len(header):
        raise ValueError(f"{len(cells)} cells where the header has {len(header)}")
    row: dict[str, Any] = dict(zip(header, cells, strict=True))
    if not is_video_id(row["video"]):
        raise ValueError(f"video {row['video']!r}: not the name of a video")
    if row["status"] not in ("listed", "gone", "unlicensed"):
        raise ValueError(f"status {row['status']!r}: must be listed, gone or unlicensed")
    parse_clips(row.get("clips", ""))
    row["duration_s"] = float(row["duration_s"]) if row["duration_s"] else None
    return Video(**row)
