"""What is damaged is deleted, for the next build to make again; what can't be had again is kept."""

import contextlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from voiceface import tables
from voiceface.errors import VoicefaceError
from voiceface.fetch.lost import Lost
from voiceface.files import read_table, sha256_file
from voiceface.ids import PICTURES
from voiceface.layout import DOWNLOADS, MEDIA, OUTCOMES, VIDEO_LIST
from voiceface.media.pictures import picture_times
from voiceface.outcome import Outcome, read_outcome, write_outcome
from voiceface.sources import Video, is_url, read_videos
from voiceface.stages.download import describe
from voiceface.verify import Damage

_NONE = "none"
"""The digest by the record of a lost video: no medium has it."""


@dataclass
class Repaired:
    """What a repair did."""

    deleted: list[Path] = field(default_factory=list)
    renewed: list[Path] = field(default_factory=list)
    """download records that were written anew from their media"""
    unsure: list[Path] = field(default_factory=list)
    """those of them whose media nothing vouches for"""
    fetched: list[tuple[Path, str]] = field(default_factory=list)
    """media that were deleted, and the url where the next build looks for each"""
    left: list[Path] = field(default_factory=list)
    """damaged media that no build could bring back"""

    def words(self) -> list[str]:
        """What the user should know, in lines."""
        lines = [f"{path}: written anew from its medium, which is kept" for path in self.renewed]
        lines += [
            f"{path}: nothing is left that tells whether its medium is whole"
            for path in self.unsure
        ]
        lines += [
            f"{path}: deleted; the next build fetches it again, if it is still at {url}"
            for path, url in self.fetched
        ]
        if self.deleted:
            lines.append(f"{len(self.deleted)} files deleted; `voiceface build` makes them again")
        lines += [
            f"{path}: left as it is: it is gone, not listed or kept out by its licence, so that no"
            " build would bring it back; delete it to build without it"
            for path in self.left
        ]
        return lines


def repair(damages: Sequence[Damage]) -> Repaired:
    """Delete what is damaged, with what the same job made, so that the next build makes it again.

    A good medium whose record alone is damaged is kept, and gets a new record: it may be gone from
    where it came from, whatever the list of videos says. So is a damaged one that surely is gone.
    """
    done = Repaired()
    listed = {one.video: one for one in read_videos(VIDEO_LIST)} if VIDEO_LIST.exists() else {}
    digests = _digests(damages)
    for job in dict.fromkeys(damage.job for damage in damages):
        if job[0].parent == OUTCOMES:
            _repair_download(job[0].stem, listed.get(job[0].stem), digests, done)
        else:
            _delete(job, done)
    return done


def _repair_download(
    video: str, listed: Video | None, digests: Mapping[str, str], done: Repaired
) -> None:
    record, media = OUTCOMES / f"{video}.json", MEDIA / f"{video}.mkv"
    told = _told(record, digests)
    has_content = media.exists() and media.stat().st_size > 0
    if good := _record_of(media, told):
        write_outcome(record, good)
        done.renewed.append(record)
        if not told:
            done.unsure.append(record)
    elif has_content and not _to_be_had(listed):
        done.left.append(media)
    else:
        if has_content and listed and is_url(listed.location):
            done.fetched.append((media, listed.location))
        _delete((record, media), done)


def _record_of(media: Path, told: Collection[str]) -> Outcome | None:
    """The record of a good medium; None where it is missing, unreadable or not as told."""
    if not media.exists() or (read := _readable(media)) is None:
        return None
    return read if not told or any(map(str(read.sha256).startswith, told)) else None


def _readable(media: Path) -> Outcome | None:
    made_of_pictures = media.stem.startswith(PICTURES)
    with contextlib.suppress(Lost, VoicefaceError):
        count = len(picture_times(media)) if made_of_pictures else None
        return describe(media.stem, media, sha256_file(media), count)
    return None


def _told(record: Path, digests: Mapping[str, str]) -> set[str]:
    """What is known of the medium's SHA-256, or of its beginning, by whatever is whole."""
    media = MEDIA / f"{record.stem}.mkv"
    told: set[str] = set()
    # An older table tells of what was fetched before.
    if record.stem in digests and _is_newer(DOWNLOADS, media):
        told.add(digests[record.stem])
    if record.stem.startswith("file-"):
        told.add(record.stem.removeprefix("file-"))
    with contextlib.suppress(VoicefaceError):
        told.add(read_outcome(record).sha256 or _NONE)
    return told


def _is_newer(one: Path, other: Path) -> bool:
    return not other.exists() or one.stat().st_mtime_ns >= other.stat().st_mtime_ns


def _digests(damages: Sequence[Damage]) -> dict[str, str]:
    """The media's SHA-256 by the table of all records, if that is whole."""
    if any(damage.path == DOWNLOADS for damage in damages):
        return {}
    try:
        table = read_table(DOWNLOADS, tables.DOWNLOADS, ["video", "sha256"])
    except VoicefaceError:  # not built yet
        return {}
    videos, digests = (column.to_pylist() for column in table.columns)
    return {video: digest for video, digest in zip(videos, digests, strict=True) if digest}


def _to_be_had(video: Video | None) -> bool:
    """Whether a build can fetch it, as far as is known without asking its site."""
    if video is None or video.status != "listed":
        return False
    return is_url(video.location) or Path(video.location).exists()


def _delete(paths: Sequence[Path], done: Repaired) -> None:
    for path in paths:
        if path.exists():
            path.unlink()
            done.deleted.append(path)
