"""One build at a time in a folder, and no lock that outlives its build."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from voiceface.errors import VoicefaceError

_LOCK = Path(".snakemake/voiceface.lock")
_PATIENCE_S = 3.0
# A build that was killed leaves Snakemake behind for the time that it needs to stop its jobs.
_PATIENCE_WITH_THE_DEAD_S = 45.0


@contextmanager
def only_build() -> Iterator[int]:
    """Hold the current folder's lock; yields its descriptor, to be inherited by Snakemake.

    The system frees the lock with the last process that holds it, so it is never left over; that
    is why Snakemake's own lock, which is a file, is switched off in the profile.

    Raises:
        VoicefaceError: another build is running here.
    """
    handle = _open()
    try:
        _take(handle)
        yield handle
    finally:
        os.close(handle)


def hold_folder() -> bool:
    """Hold the current folder's lock as long as this process lives: for a bare `snakemake`.

    Returns: whether it is held from now on; False if the build that started this process holds it.

    Raises:
        VoicefaceError: another build is running here.
    """
    handle = _open()
    held = _take(handle, but_for=os.getppid())
    if not held:
        os.close(handle)
    return held


def _open() -> int:
    _LOCK.parent.mkdir(exist_ok=True)
    return os.open(_LOCK, os.O_RDWR | os.O_CREAT, 0o666)


def _take(handle: int, but_for: int = 0) -> bool:
    """Take the lock; False if the process `but_for` has it."""
    begun = time.monotonic()
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            owner = _owner(handle)
            if owner and owner == but_for:
                return False
            patience = _PATIENCE_S if _lives(owner) else _PATIENCE_WITH_THE_DEAD_S
            if time.monotonic() > begun + patience:
                raise VoicefaceError(
                    f"another build is running in this folder (process {owner or 'unknown'}); "
                    "wait for its end, or stop it with Ctrl-C"
                ) from None
            time.sleep(0.1)
    os.ftruncate(handle, 0)
    os.pwrite(handle, str(os.getpid()).encode(), 0)
    return True


def _owner(handle: int) -> int:
    """Process that took the lock last; 0 if there is none."""
    text = os.pread(handle, 20, 0)
    return int(text) if text.isdigit() else 0


def _lives(process: int) -> bool:
    return process > 0 and Path("/proc", str(process)).exists()
