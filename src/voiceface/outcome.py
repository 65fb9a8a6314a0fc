"""The record of each download: what came of it, always written."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from voiceface.errors import VoicefaceError
from voiceface.files import read_json, write_sealed


class Outcome(BaseModel):
    """`data/download/<video>.json`. All after `reason` is null unless the status is ok."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    video: str
    """`<extractor>-<id>`"""
    status: Literal["ok", "unavailable", "blocked", "failed"]
    """ok; unavailable: for good; blocked: the site wants a login or takes us for a robot, and the
    reason says what to do; failed: it may pass, a new try may have it (`voiceface retry`)"""
    reason: str = ""
    """why it could not be had, in one line; empty when ok"""
    size: int | None = None
    """bytes of the media file"""
    sha256: str | None = None
    """hex digest of the media file"""
    format: str | None = None
    """the container, in FFmpeg's words, as in `mov,mp4,m4a,3gp,3g2,mj2`"""
    duration_us: int | None = None
    """length as the container states it, µs"""
    width: int | None = None
    """of the picture as stored (before any rotation), pixels; null without a picture"""
    height: int | None = None
    """of the picture as stored, pixels; null without a picture"""
    fps: float | None = None
    """average frames per second; null without a picture"""
    video_codec: str | None = None
    """as in h264; null without a picture"""
    audio_codec: str | None = None
    """as in aac; null without sound"""
    pictures: int | None = None
    """number of pictures of a folder of them, one in each second of `media`; null for all else"""

    @property
    def lost(self) -> str:
        """Status and reason, as in `unavailable: Private video`; empty when ok."""
        return "" if self.status == "ok" else f"{self.status}: {self.reason}"


def read_outcome(path: Path) -> Outcome:
    """Read a record.

    Raises:
        VoicefaceError: it is missing or is no record of this version.
    """
    values = read_json(path)
    try:
        return Outcome.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise VoicefaceError(
            f"{path}: not a download record ({where}: {first['msg']}); mend it with"
            " `voiceface verify --repair`"
        ) from None


def check_media(media: Path, outcome: Outcome) -> None:
    """Check that a media file is the one of its record, by its size.

    A local file is linked into `data/media`, so writing into it writes into the media file too.

    Raises:
        VoicefaceError: it is another.
    """
    if outcome.size is not None and media.stat().st_size != outcome.size:
        raise VoicefaceError(
            f"{media}: was changed since it was taken in; run `voiceface resolve` and build again"
        )


def write_outcome(path: Path, outcome: Outcome) -> None:
    """Write a record atomically; equal outcomes give equal bytes."""
    write_sealed(path, outcome.model_dump())
