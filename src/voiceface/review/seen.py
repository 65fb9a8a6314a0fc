"""What a curator saw: small copies of face, sound and scores, kept when a sample is marked.

A rebuild may change a sample; then the page shows what was marked beside what is there now. These
copies decide nothing: where one is missing, only the picture of the past is.
"""

import io
import json
import os
import threading
import zipfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

FACE, SOUND = "before.webp", "before.ogg"
"""Names of the copies, as the page asks for them."""

VALUES = "values.json"
"""Name of what the manifest said of it."""

_QUALITY = 90
_NICE = 10
_MOST_WAITING = 200


class Seen:
    """Copies by content, in a folder that may be deleted at any time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._thread = ThreadPoolExecutor(1, "seen", initializer=_step_back)
        self._waiting = threading.BoundedSemaphore(_MOST_WAITING)

    def keep(self, content: str, face: bytes, sound: bytes, values: Mapping[str, Any]) -> None:
        """Keep a copy, some time soon; when too many wait, it is left out.

        Args:
            face: PNG.
            sound: FLAC.
            values: of the manifest's columns.
        """
        path = self._path(content)
        if path is None or path.exists() or not self._waiting.acquire(blocking=False):
            return
        future = self._thread.submit(_write, path, face, sound, dict(values))
        future.add_done_callback(lambda _: self._waiting.release())

    def part(self, content: str, name: str) -> bytes | None:
        """The copy's face or sound; None when there is no copy."""
        path = self._path(content)
        if path is None or not path.exists():
            return None
        try:
            with zipfile.ZipFile(path) as copy:
                return copy.read(name)
        except (zipfile.BadZipFile, KeyError):  # a power cut before it was on the disk
            return None

    def values(self, content: str) -> dict[str, Any] | None:
        """The manifest's values as they were; None when there is no copy."""
        data = self.part(content, VALUES)
        return None if data is None else json.loads(data)

    def close(self) -> None:
        """Write what waits."""
        self._thread.shutdown()

    def _path(self, content: str) -> Path | None:
        try:
            name = bytes.fromhex(content).hex()  # letters and digits alone, whatever was asked for
        except ValueError:
            return None
        return self._folder / name[:2] / f"{name}.zip" if len(name) == 64 else None


def _step_back() -> None:
    """Let the page's own work go first (Linux: of this thread alone)."""
    if hasattr(os, "setpriority"):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)


def _write(path: Path, face: bytes, sound: bytes, values: dict[str, Any]) -> None:
    """Atomic, but not synced: the ledger's writes go first, and a lost copy is no loss."""
    import soundfile
    from PIL import Image

    webp = io.BytesIO()
    Image.open(io.BytesIO(face)).save(webp, "WEBP", quality=_QUALITY)
    pcm, rate_hz = soundfile.read(io.BytesIO(sound), dtype="int16")
    ogg = io.BytesIO()
    soundfile.write(ogg, pcm, rate_hz, format="OGG", subtype="VORBIS")
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{os.getpid()}.part")
    with zipfile.ZipFile(temporary, "w") as copy:
        copy.writestr(FACE, webp.getvalue())
        copy.writestr(SOUND, ogg.getvalue())
        copy.writestr(VALUES, json.dumps(values))
    os.replace(temporary, path)
