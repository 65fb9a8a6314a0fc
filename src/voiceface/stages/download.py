"""One video into `data/media`, and the record of how that went."""

import os
import shutil
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Literal

from voiceface.config import Download
from voiceface.fetch.probe import Unreadable, probe
from voiceface.files import replacing, sha256_file, write_bytes
from voiceface.outcome import Outcome, write_outcome
from voiceface.sources import find_video, is_url
from voiceface.stages.shim import stage_main


class Lost(Exception):
    """The video could not be had: for good, or perhaps only now."""

    def __init__(self, reason: str, *, for_good: bool) -> None:
        super().__init__(" ".join(reason.split()))
        self.status: Literal["unavailable", "failed"] = "unavailable" if for_good else "failed"


def run(config: Download, video: str, videos: Path, media: Path, outcome: Path) -> None:
    """Fetch a video; `outcome` is always written, and `media` is empty unless it says ok.

    Raises:
        VoicefaceError: the video is not in the lock file, or the settings can't work.
    """
    location = find_video(videos, video).location
    try:
        if is_url(location):
            raise Lost("urls are not supported yet", for_good=False)
        _take_in(Path(location), video, media)
        record = _describe(video, media)
    except Lost as lost:
        record = Outcome(video=video, status=lost.status, reason=str(lost))
        write_bytes(media, b"")
    write_outcome(outcome, record)


def _describe(video: str, media: Path) -> Outcome:
    try:
        found = probe(media)
    except Unreadable as error:
        raise Lost(f"unreadable: {error}", for_good=True) from None
    size = media.stat().st_size
    return Outcome(video=video, status="ok", size=size, sha256=sha256_file(media), **asdict(found))


def _take_in(source: Path, video: str, media: Path) -> None:
    """Hard link a local file, or copy it where that is not possible; it is never modified."""
    try:
        content = sha256_file(source)
    except OSError as error:
        gone = isinstance(error, FileNotFoundError)
        raise Lost(f"{source}: {error.strerror}", for_good=gone) from None
    named = video.removeprefix("file-")
    if not named.startswith(("empty-", "unreadable-")) and content[:12] != named:
        raise Lost(f"{source}: changed since it was listed; resolve again", for_good=False)
    with replacing(media) as temporary:
        temporary.unlink()
        try:
            os.link(source.resolve(), temporary)
        except OSError:  # another device, or a file system without links
            shutil.copyfile(source, temporary)
        media.unlink(missing_ok=True)  # renaming onto a link to the same file would do nothing


if __name__ == "__main__":
    sys.exit(stage_main(run))
