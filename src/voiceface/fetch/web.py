"""A video from the web into a folder, with yt-dlp."""

import re
import sys
import time
from pathlib import Path
from typing import Any

import imageio_ffmpeg

from voiceface.config import Download
from voiceface.fetch.lost import Lost
from voiceface.fetch.site import Site, open_site

_EVERY_S = 2.0
# Names that yt-dlp gives to what is not yet the whole video: fetched in part, a picture or a sound
# that are to be merged, and what FFmpeg is writing.
_HALF = re.compile(r"\.ytdl$|\.part(-Frag\d+(\.part)?)?$|^media\..+\.f[^/]+\.\w+$|\.temp\.\w+$")


def fetch(url: str, config: Download, folder: Path) -> Path:
    """Download a video, and try again after what may pass; a partial download is continued.

    Args:
        folder: of this video alone; partial downloads stay there until it is deleted.

    Returns: the media file, somewhere in `folder`.

    Raises:
        Lost: it could not be had.
        VoicefaceError: the cookies file is missing or is none.
    """
    folder.mkdir(parents=True, exist_ok=True)
    time.sleep(config.sleep_s)
    tries_left = config.retries
    wait_s = config.backoff_s
    while True:
        try:
            return _fetch_once(url, config, folder)
        except Lost as lost:
            if lost.for_good or lost.mend or not tries_left:
                raise
            print(f"{folder.name}: {lost}; trying again in {wait_s:g} s", file=sys.stderr)
        time.sleep(wait_s)
        tries_left -= 1
        wait_s *= 2


def _fetch_once(url: str, config: Download, folder: Path) -> Path:
    refusal = _Refusal()
    with open_site(
        timeout_s=config.socket_timeout_s,
        proxy=config.proxy,
        cookies_file=config.cookies_file,
        scratch=folder,
        format=config.format,
        # The format in the name: a partial file is never continued with another format's bytes.
        outtmpl={"default": "media.%(format_id).40B.%(ext)s"},
        paths={"home": str(folder.absolute())},
        merge_output_format="mkv",
        postprocessor_args={"default": ["-fflags", "+bitexact"]},  # else each mkv has a random id
        ffmpeg_location=imageio_ffmpeg.get_ffmpeg_exe(),
        external_downloader={"default": "native"},
        retries=0,  # fetch tries again, from the page on: a link may have expired
        fragment_retries=config.retries,
        retry_sleep_functions={"fragment": lambda n: config.backoff_s * 2**n},
        skip_unavailable_fragments=False,  # the default leaves holes and calls it a success
        ratelimit=config.rate_limit_kib_s and config.rate_limit_kib_s * 1024,
        download_archive=config.archive,
        playlist_items="1",
        match_filter=refusal,
        progress_hooks=[_Progress(folder.name)],
    ) as site:
        return _result(site, site.extract_info(url), refusal, folder, config)


def _result(
    site: Site, info: dict[str, Any] | None, refusal: "_Refusal", folder: Path, config: Download
) -> Path:
    if refusal.lost:
        raise refusal.lost
    for done in (info or {}).get("requested_downloads") or []:
        path = Path(done.get("filepath") or "")
        if path.is_file():
            return path
    if site.archived:
        # Fetched by a run that was stopped before the file was moved to its place.
        kept = [path for path in folder.glob("media.*") if not _HALF.search(path.name)]
        if len(kept) == 1:
            return kept[0]
        raise Lost(
            f"the archive {config.archive} names it as downloaded already, but it is not here;"
            " take its line out of the archive, or put the file here as a local source",
            for_good=True,
        )
    raise Lost("yt-dlp gave no file and no reason", for_good=False)


class _Refusal:
    """A match filter: refuses what is no finished single video, and remembers why."""

    lost: Lost | None = None

    def __call__(self, info: dict[str, Any], *, incomplete: bool = False) -> str | None:
        status = info.get("live_status")
        if status in ("is_live", "is_upcoming") or info.get("is_live"):
            self.lost = Lost("not yet published, or on air now", for_good=False)
        elif info.get("playlist_count") is not None:
            self.lost = Lost("a list of videos, no longer a video; resolve again", for_good=True)
        return str(self.lost) if self.lost else None


class _Progress:
    """A line to stderr about every 2 s."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._next = time.monotonic() + _EVERY_S

    def __call__(self, event: dict[str, Any]) -> None:
        if event["status"] != "downloading" or time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _EVERY_S
        done = event.get("downloaded_bytes") or 0
        total = event.get("total_bytes") or event.get("total_bytes_estimate")
        share = f" of {total / 2**20:.1f}" if total else ""
        speed = (event.get("speed") or 0) / 2**20
        print(f"{self._name}: {done / 2**20:.1f}{share} MiB, {speed:.1f} MiB/s", file=sys.stderr)
