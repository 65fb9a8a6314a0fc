"""The versions of other packages that a stage's result depends on, from `requirements.lock`."""

import re
from collections.abc import Iterable
from pathlib import Path

from voiceface.errors import VoicefaceError

LOCK = "requirements.lock"
SHOWN = (
    "av",
    "dlib-bin",
    "numpy",
    "opencv-python-headless",
    "pyarrow",
    "snakemake",
    "torch",
    "webrtcvad-wheels",
    "yt-dlp",
)
"""Packages whose versions the report tells."""

_NAMES = {
    "PIL": "pillow",
    "cv2": "opencv-python-headless",
    "dlib": "dlib-bin",
    "ffmpeg": "ffmpeg-python",
    "webrtcvad": "webrtcvad-wheels",
}
"""Packages that stages import by another name than they are installed by."""
_CHANGES_NO_RESULT = {"pydantic"}
"""It only checks the settings, whose values are compared themselves; and every stage imports it."""


def read_pins(lock: Path) -> dict[str, str]:
    """Version of each package in the lock file, by its normalised name.

    Raises:
        VoicefaceError: there is no such file.
    """
    try:
        lines = lock.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise VoicefaceError(f"{lock}: no such file; it tells the versions of libraries") from None
    pairs = (re.match(r"([\w.-]+)==([^\s;]+)", line) for line in lines)
    return {_normal(pair[1]): pair[2] for pair in pairs if pair}


def pinned(imported: Iterable[str], pins: dict[str, str]) -> str:
    """The versions of packages that are imported by these names, as in `av==18.1.0 numpy==2.4.6`.

    What these packages need themselves is not among them, nor what changes no result.

    Raises:
        VoicefaceError: one of them has no version in the lock file.
    """
    used = sorted(_normal(_NAMES.get(name, name)) for name in set(imported) - _CHANGES_NO_RESULT)
    if missing := [name for name in used if name not in pins]:
        raise VoicefaceError(f"{LOCK}: has no line with the version of {', '.join(missing)}")
    return " ".join(f"{name}=={pins[name]}" for name in used)


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
