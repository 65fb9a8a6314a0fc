"""The leak check's result, as `manifests/leakage.json` holds it."""

from dataclasses import dataclass
from pathlib import Path

from voiceface.errors import VoicefaceError
from voiceface.files import read_json

_KINDS = {
    "video": "videos",
    "sound": "segments of sound",
    "sound_prints": "short stretches of sound",
    "sound_marks": "moments of sound that sound alike",
    "face": "faces",
    "face_prints": "faces that look nearly the same",
}


@dataclass(frozen=True)
class Leakage:
    """What was compared between the splits, and whether they share any of it."""

    tight: bool
    words: str
    rows: list[tuple[str, int]]
    """What was compared, and how many of it."""


def compared_words(compared: dict[str, int]) -> list[str]:
    """What was compared and how many of it, as `leakage.prove_no_leak` counts it, in words."""
    return [f"{count:,} {_KINDS.get(kind, kind)}" for kind, count in compared.items()]


def read_leakage(path: Path) -> Leakage:
    """Read the leak check's result.

    Raises:
        VoicefaceError: the file is missing or is not of this version.
    """
    data = read_json(path)
    try:
        shared = int(data["shared_between_splits"])
        rows = [(_KINDS.get(kind, kind), int(count)) for kind, count in data["compared"].items()]
        joined = len(data["videos_joined_by_content"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise VoicefaceError(
            f"{path}: not a leak check of this version ({error!r}); delete it and build again"
        ) from None
    words = "No video, no stretch of sound, no face and no unseen speaker is in two splits."
    if shared:
        words = f"{shared} things are in two splits."
    if joined:
        words += f" {joined} groups of videos share content and were kept together."
    return Leakage(shared == 0, words, rows)
