"""A url into the videos behind it, with yt-dlp's flat extraction: no video is opened for it."""

import hashlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from yt_dlp.utils import PlaylistEntries

from voiceface.config import Resolve
from voiceface.fetch.lost import Lost
from voiceface.fetch.site import Site, open_site, plain_url
from voiceface.ids import video_id
from voiceface.sources import is_url

_DEEPEST = 4  # a channel's page → its tabs → playlists → videos


@dataclass(frozen=True)
class Entry:
    """A video as its site lists it; see `sources.Video`."""

    video: str
    url: str
    title: str
    duration_s: float | None
    uploaded: str


@dataclass
class Listing:
    """What a url holds, in the site's order."""

    entries: list[Entry] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What was left out, and why."""
    passed: frozenset[str] = frozenset()
    """Of the known videos: still there, but no longer among the newest N."""
    lost: Lost | None = None
    """Why it could not be listed; then there are no entries."""


def list_videos(url: str, config: Resolve, known: set[str]) -> Listing:
    """The videos behind a url (a video, a playlist, a channel with its tabs).

    Of a long list the first `newest_per_channel` are taken: sites list the newest first.

    Args:
        known: names of videos that were listed before. While some of them are not met, the list is
            read on beyond the newest N, to tell a video that went from one that grew old.

    Raises:
        VoicefaceError: the cookies file is missing or is none.
    """
    listing = Listing()
    try:
        with (
            tempfile.TemporaryDirectory() as scratch,
            open_site(
                timeout_s=config.socket_timeout_s,
                proxy=config.proxy,
                cookies_file=config.cookies_file,
                scratch=Path(scratch),
                ignore_no_formats_error=True,
            ) as site,
        ):
            _take(_walk(site, url, None, 0, listing.notes), config, known, listing)
    except Lost as lost:
        return Listing(lost=lost)
    if known and not listing.entries:
        # More likely a change of the site that yt-dlp does not know yet than a cleared channel.
        return Listing(lost=Lost("the list came back empty", for_good=False))
    return listing


def _take(found: Iterator[Entry], config: Resolve, known: set[str], listing: Listing) -> None:
    newest = config.newest_per_channel
    taken: dict[str, Entry] = {}
    passed: set[str] = set()
    for entry in found:
        if newest is None or len(taken) < newest:
            taken.setdefault(entry.video, entry)
        elif entry.video in known and entry.video not in taken:
            passed.add(entry.video)
        if newest is not None and len(taken) >= newest and known <= taken.keys() | passed:
            break
    listing.entries = list(taken.values())
    listing.passed = frozenset(passed)


def _walk(
    site: Site, url: str, key: str | None, depth: int, notes: list[str], title: str = ""
) -> Iterator[Entry]:
    info = site.extract_info(url, download=False, process=False, ie_key=key)
    if info is None or depth > _DEEPEST:
        raise Lost(f"{plain_url(url)}: nothing is listed there", for_good=False)
    kind = info.get("_type", "video")
    if kind in ("url", "url_transparent"):
        title = info.get("title") or title
        yield from _walk(site, info["url"], info.get("ie_key"), depth + 1, notes, title)
    elif kind == "video":
        yield from _single(site, info, info.get("webpage_url") or url, title, notes)
    else:
        yield from _entries(site, info, depth, notes)


def _entries(site: Site, info: dict[str, Any], depth: int, notes: list[str]) -> Iterator[Entry]:
    for _, entry in PlaylistEntries(site, info).get_requested_items():
        if entry and "entries" in entry:  # a channel's page holds its tabs' lists
            yield from _entries(site, {**info, **entry}, depth, notes)
        elif entry:
            yield from _entry(site, info, entry, depth, notes)


def _entry(
    site: Site, parent: dict[str, Any], entry: dict[str, Any], depth: int, notes: list[str]
) -> Iterator[Entry]:
    if entry.get("_type", "video") == "video":
        # Videos of one page: each by its own url, as the page's would be all of them.
        own = entry.get("webpage_url")
        if not own or own == parent.get("webpage_url"):
            own = entry.get("url") or next((f["url"] for f in entry.get("formats") or []), "")
        yield from _single(site, {**entry, "extractor_key": None}, own, "", notes)
        return
    url = str(entry.get("url") or "")
    key = entry.get("ie_key") or _extractor(site, url)
    if key and _is_list(site, key, url, parent.get("extractor_key")):
        yield from _walk(site, url, key, depth + 1, notes)
    else:
        yield from _single(site, {**entry, "extractor_key": key}, url, "", notes)


def _is_list(site: Site, key: str, url: str, parent_key: str | None) -> bool:
    single = site.get_info_extractor(key).is_single_video(url)
    # Unknown: a channel's tabs have the channel's own extractor.
    return single is False or (single is None and key == parent_key and key != "Generic")


def _extractor(site: Site, url: str) -> str | None:
    """The key of the extractor for a url that came without one."""
    if not is_url(url):
        return None
    return next((key for key, extractor in site._ies.items() if extractor.suitable(url)), None)


def _single(
    site: Site, info: dict[str, Any], url: str, title: str, notes: list[str]
) -> Iterator[Entry]:
    url = plain_url(url)
    if not is_url(url):
        notes.append(f"! {url[:200]!r}: left out: only http(s) is opened")
        return
    if info.get("live_status") == "is_upcoming":
        notes.append(f"! {url}: left out: not published yet")
        return
    key, source_id = str(info.get("extractor_key") or ""), str(info.get("id") or "")
    # The ids of an extractor without urls of its own (generic, embeds) are a page's, no site's.
    named = key and source_id and key != "Generic" and site.get_info_extractor(key)._VALID_URL
    yield Entry(
        video=video_id(key, source_id) if named else _web_id(url),
        url=url,
        title=_one_line(info.get("title") or title or ""),
        duration_s=float(info["duration"]) if info.get("duration") else None,
        uploaded=_day(info),
    )


def _web_id(url: str) -> str:
    """A site that is not known gives no id that is unique: the url is."""
    stem = unquote(urlsplit(url).path).rstrip("/").rpartition("/")[2].partition(".")[0]
    safe = "".join(letter for letter in stem if letter.isascii() and letter.isalnum())[:30]
    digest = hashlib.sha256(url.encode()).hexdigest()[:12]
    return video_id("web", f"{safe}-{digest}" if safe else digest)


def _day(info: dict[str, Any]) -> str:
    if stamp := info.get("timestamp"):
        return datetime.fromtimestamp(stamp, UTC).date().isoformat()
    day = str(info.get("upload_date") or "")
    return f"{day[:4]}-{day[4:6]}-{day[6:]}" if len(day) == 8 else ""


def _one_line(text: str) -> str:
    # Sites send halves of emoji, which UTF-8 can't hold.
    return " ".join(str(text).encode("utf-8", "replace").decode().split())
