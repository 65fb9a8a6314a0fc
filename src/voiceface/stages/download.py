"""One video into `data/media`, and the record of how that went."""

import json
import os
import shutil
import sys
from dataclasses import asdict
from pathlib import Path

from voiceface.config import Download
from voiceface.corpora.wav2pix import mender
from voiceface.errors import VoicefaceError
from voiceface.fetch.local import are_pictures, check_inside, digest, picture_files
from voiceface.fetch.lost import Lost
from voiceface.fetch.probe import Unreadable, probe
from voiceface.files import replacing, sha256_file, write_bytes
from voiceface.ids import PICTURES
from voiceface.outcome import Outcome, write_outcome
from voiceface.sources import find_video, is_url
from voiceface.stages.shim import stage_main


def run(
    config: Download, video: str, videos: Path, media: Path, outcome: Path, local_roots: str
) -> None:
    """Fetch a video; `outcome` is always written, and `media` is empty unless it says ok.

    Partial downloads stay in `.part/<video>` beside `media` until the video is there or lost for
    good.

    Args:
        local_roots: the folders that local files must lie in, as a JSON list: `resolve.local_roots`
            (a lock file may come from others, so it is checked here too).

    Raises:
        VoicefaceError: the video is not in the lock file, or the settings can't work.
    """
    location = find_video(videos, video).location
    partial = media.parent / ".part" / video
    try:
        if is_url(location):
            record = describe(video, media, _from_web(location, config, partial, media))
        else:
            record = _from_disk(Path(location), json.loads(local_roots), video, media)
    except Lost as lost:
        record = Outcome(video=video, status=lost.status, reason=str(lost))
        write_bytes(media, b"")
    if record.status in ("ok", "unavailable"):
        shutil.rmtree(partial, ignore_errors=True)
    write_outcome(outcome, record)
    print(f"{video}: {record.lost or 'ok'}", file=sys.stderr)


def describe(video: str, media: Path, sha256: str, pictures: int | None = None) -> Outcome:
    """The record of a medium that is there.

    Args:
        pictures: how many are in it, where it was made of pictures. Its length is no time of
            speech, so none is recorded.

    Raises:
        Lost: it can't be opened.
    """
    try:
        found = asdict(probe(media))
    except Unreadable as error:
        raise Lost(f"unreadable: {error}", for_good=True) from None
    if pictures is not None:
        found |= {"pictures": pictures, "duration_us": None, "fps": None}
    return Outcome(video=video, status="ok", size=media.stat().st_size, sha256=sha256, **found)


def _from_web(url: str, config: Download, partial: Path, media: Path) -> str:
    from voiceface.fetch.web import fetch  # yt-dlp takes a while to load

    fetched = fetch(url, config, partial)
    with replacing(media) as temporary:
        os.replace(fetched, temporary)
    return sha256_file(media)


def _from_disk(source: Path, local_roots: list[str], video: str, media: Path) -> Outcome:
    """Take in a local file, or a folder of pictures, after checking that it is what was listed."""
    pictures = are_pictures(source)
    try:
        check_inside([source, *(picture_files(source) if pictures else [])], local_roots)
        sha256 = digest(source)
    except VoicefaceError as error:
        raise Lost(str(error), for_good=True) from None
    except FileNotFoundError:
        reason = f"{source}: taken away since it was listed, and no copy is kept; resolve again"
        raise Lost(reason, for_good=True) from None
    except OSError as error:
        raise Lost(f"{source}: {error.strerror}", for_good=False) from None
    named = video.removeprefix("file-").removeprefix(PICTURES)
    if not named.startswith(("empty-", "unreadable-")) and not sha256.startswith(named):
        raise Lost(f"{source}: changed since it was listed; resolve again", for_good=False)
    if pictures:
        return _join_pictures(source, video, media)
    _link(source, media)
    return describe(video, media, sha256)


def _link(source: Path, media: Path) -> None:
    """Hard link a local file, or copy it where that can't be done; it is never modified."""
    with replacing(media) as temporary:
        temporary.unlink()
        try:
            os.link(source.resolve(), temporary)
        except OSError:  # another device, or a file system without links
            shutil.copyfile(source, temporary)
        media.unlink(missing_ok=True)  # renaming onto a link to the same file would do nothing


def _join_pictures(source: Path, video: str, media: Path) -> Outcome:
    """Make the media file of pictures."""
    from voiceface.media.pictures import write_pictures  # OpenCV takes a while to load

    pictures = picture_files(source)
    mend = mender(source if source.is_dir() else source.parent)
    with replacing(media) as temporary:
        count, damaged = write_pictures(pictures, temporary, mend)
    for path in damaged:
        print(f"{path}: left out: damaged, cut short, or no picture", file=sys.stderr)
    if not count:
        reason = f"none of its {len(pictures)} pictures can be decoded"
        raise Lost(f"unreadable: {reason}", for_good=True)
    return describe(video, media, sha256_file(media), count)


if __name__ == "__main__":
    sys.exit(stage_main(run))
