"""What each digest of code was taken over, so that it can be told later what an edit changed."""

from collections.abc import Collection
from pathlib import Path

from voiceface.codehash import code_parts
from voiceface.errors import VoicefaceError
from voiceface.files import read_json, write_json

_FOLDER = Path("logs/code")


def record_code(digest: str, module: str) -> None:
    """Remember the parts of the code of `module`, once for each digest."""
    path = _FOLDER / f"{digest}.json"
    if not path.exists():
        write_json(path, {"module": module, "parts": code_parts(module)})


def changed_code(before: Collection[str], now: str) -> list[str]:
    """Names of the functions and the like that changed, as in `media.vad.segments`; sorted.

    Args:
        before: digests, one of which is an earlier one of the same module.
        now: its digest now.

    Returns: nothing where it is not remembered.
    """
    new = _read(now)
    for old in map(_read, before):
        if old.get("module") == new.get("module") is not None:
            parts, others = new["parts"], old["parts"]
            names = {name for name in parts.keys() | others if parts.get(name) != others.get(name)}
            return sorted(name.removeprefix("voiceface.") for name in names)
    return []


def _read(digest: str) -> dict:
    try:
        return dict(read_json(_FOLDER / f"{digest}.json"))
    except (VoicefaceError, TypeError, ValueError):
        return {}  # logs may be deleted at any time
