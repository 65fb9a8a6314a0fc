"""What the trained models were trained on, by their cards alone: torch is not needed for it."""

from collections.abc import Collection
from pathlib import Path

from voiceface import files
from voiceface.errors import VoicefaceError
from voiceface.ids import video_mark


def trained_on(models: Path, videos: Collection[str]) -> list[str]:
    """The trained models that heard or saw one of the videos, or whose card does not say."""
    marks = {video_mark(video) for video in videos}
    cards = sorted(models.glob("*/model.json")) if marks else []
    return [path.parent.name for path in cards if _may_know(path, marks)]


def _may_know(card: Path, marks: set[str]) -> bool:
    try:
        return bool(marks & set(files.read_json(card)["videos"]))
    except (VoicefaceError, LookupError, TypeError):
        return True
