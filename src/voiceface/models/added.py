"""The file of the speakers that were added to a recogniser, without torch: who, and to forget them.

`added.safetensors` lies beside the recogniser's own files and holds the whole layer of the speakers
anew and labelled vectors of those added; see `models.known`.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from voiceface import files
from voiceface.errors import VoicefaceError

ADDED = "added.safetensors"
_OF_SPEAKERS = ("weight", "bias")
"""Tensors with a row for each speaker; the others have one for each window."""


def added_files(models: Path) -> Iterator[tuple[Path, list[str] | None]]:
    """Each recogniser's file with the names of those added; None for those of a damaged one."""
    for path in sorted(models.glob(f"*/{ADDED}")):
        names = None
        with suppress(VoicefaceError), reading_added(path):
            names = list(_read(path)[0]["added"])
        yield path, names


def forget(name: str, path: Path) -> None:
    """Take an added speaker out of a file, with their vectors; the file is replaced atomically.

    It need not fit the recogniser that is there now.

    Raises:
        VoicefaceError: no such speaker was added, or the file is damaged.
    """
    import numpy as np
    import safetensors.numpy

    about, tensors = _read(path, whole=True) if path.exists() else ({"added": {}}, {})
    if name not in about["added"]:
        raise VoicefaceError(
            f"{name}: was not added to {path.parent}; `voiceface speakers list` lists who was"
        )
    place = about["speakers"].index(name)
    others = np.arange(len(about["speakers"])) != place
    windows = tensors["labels"] != place
    kept = {
        key: value[others if key in _OF_SPEAKERS else windows] for key, value in tensors.items()
    }
    kept["labels"] = kept["labels"] - (kept["labels"] > place)
    about["speakers"].remove(name)
    del about["added"][name]
    files.write_bytes(path, safetensors.numpy.save(kept, {"about": json.dumps(about)}))


@contextmanager
def reading_added(path: Path) -> Iterator[None]:
    """Tell in one line that a file can't be read.

    Raises:
        VoicefaceError: the file is damaged.
    """
    from safetensors import SafetensorError

    try:
        yield
    except (SafetensorError, LookupError, TypeError, ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise VoicefaceError(
            f"{path}: damaged ({reason}); delete it, and add the speakers again"
        ) from None


def _read(path: Path, *, whole: bool = False) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a file says of itself and, if it is to be read whole, its arrays by name."""
    import safetensors

    with reading_added(path), safetensors.safe_open(path, "numpy") as opened:
        about = json.loads(opened.metadata()["about"])
        names = opened.keys() if whole else ()
        return about, {name: opened.get_tensor(name) for name in names}
