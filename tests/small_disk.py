"""A small disk of its own: to be filled up, or made read-only."""

import os
import subprocess
from pathlib import Path


class SmallDisk:
    """A tmpfs; takes root."""

    def __init__(self, path: Path, size: str) -> None:
        """Mount it at `path`; `mounted` tells whether that is allowed here."""
        self.path = path
        path.mkdir()
        self.mounted = _mount("-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(path))

    def fill(self) -> None:
        """Take all room, to the last byte."""
        room = os.statvfs(self.path)
        with open(self._ballast, "wb") as file:
            os.posix_fallocate(file.fileno(), 0, room.f_bavail * room.f_frsize)

    def empty(self) -> None:
        """Give the room back."""
        self._ballast.unlink()

    def make_read_only(self, on: bool = True) -> None:
        """Let nothing be written, or everything again."""
        assert _mount("-o", "remount,ro" if on else "remount,rw", str(self.path))

    def unmount(self) -> None:
        """Take it away with all that is on it."""
        if self.mounted:
            # Lazily: what could not be written to it may still hold a file of it open.
            subprocess.run(["umount", "--lazy", str(self.path)], check=True)

    @property
    def _ballast(self) -> Path:
        return self.path / "ballast"


def _mount(*arguments: str) -> bool:
    return not subprocess.run(["mount", *arguments], capture_output=True, check=False).returncode
