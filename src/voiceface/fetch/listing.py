"""A url into the videos behind it, with yt-dlp's flat extraction."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Entry:
    """A video as its site lists it."""

    video: str
    url: str
    title: str
    duration_s: float | None
    uploaded: str


@dataclass(frozen=True)
class Listing:
    """What a url holds."""

    entries: tuple[Entry, ...] = ()
    notes: tuple[str, ...] = ()
    passed: frozenset[str] = frozenset()
    """Of the known videos: still there, but no longer among the newest N."""
    failure: str = ""


def list_videos(url: str, newest: int | None, known: set[str]) -> Listing:
    """The videos behind a url: a video, a playlist or a channel."""
    return Listing(failure="urls are not supported yet")
