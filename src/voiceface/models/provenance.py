"""What the trained models were trained on, by their cards alone: torch is not needed for it."""

from collections.abc import Collection
from pathlib import Path

from voiceface import files
from voiceface.config import model_sections, recogniser_sections
from voiceface.errors import VoicefaceError
from voiceface.ids import video_mark
from voiceface.layout import MODELS
from voiceface.reporting.words import some_of

_SHOWN = 5


def trained_on(models: Path, videos: Collection[str]) -> list[str]:
    """The trained models that heard or saw one of the videos, or whose card does not say."""
    marks = {video_mark(video) for video in videos}
    cards = sorted(models.glob("*/model.json")) if marks else []
    return [path.parent.name for path in cards if _may_know(path, marks)]


def stale_words(stale: Collection[str]) -> list[str]:
    """Lines on models that were trained on what was taken down since, and on what mends that."""
    own = {*model_sections(), *recogniser_sections()}
    usual, others = (
        [name for name in stale if (name in own) is is_own] for is_own in (True, False)
    )
    lines = []
    if usual:
        names = some_of(usual, _SHOWN)
        lines.append(
            f"trained on what was taken down, and stale: {names}; `voiceface build` trains anew"
        )
    if others:
        names = some_of(others, _SHOWN)
        lines.append(
            f"trained for experiments on what was taken down, and stale: {names}; `voiceface build"
            f" EXPERIMENT` trains its own anew; delete the folders in {MODELS} of those that none"
            " takes any more"
        )
    return lines


def _may_know(card: Path, marks: set[str]) -> bool:
    try:
        return bool(marks & set(files.read_json(card)["videos"]))
    except (VoicefaceError, LookupError, TypeError):
        return True
