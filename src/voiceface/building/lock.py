"""One build at a time in a folder, and no lock that outlives its build."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # Snakemake brings it

from voiceface.errors import VoicefaceError

_LOCK = Path(".snakemake/voiceface.lock")
_SNAKEMAKE_LOCKS = Path(".snakemake/locks")
# A build that was killed leaves Snakemake behind for the moment that it needs to stop its jobs.
_PATIENCE_S = 3.0


@contextmanager
def only_build() -> Iterator[int]:
    """Hold the current folder's lock; yields its descriptor, to be inherited by Snakemake.

    The system frees the lock with the last process that holds it, so it is never left over.

    Raises:
        VoicefaceError: another build is running here.
    """
    _LOCK.parent.mkdir(exist_ok=True)
    handle = os.open(_LOCK, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        _take(handle)
        os.ftruncate(handle, 0)
        os.pwrite(handle, str(os.getpid()).encode(), 0)
        yield handle
    finally:
        os.close(handle)


def _take(handle: int) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > deadline:
                owner = os.pread(handle, 20, 0).decode() or "unknown"
                raise VoicefaceError(
                    f"another build is running in this folder (process {owner}); "
                    "wait for its end, or stop it with Ctrl-C"
                ) from None
            time.sleep(0.1)


def is_left_over() -> bool:
    """Whether Snakemake's own lock is there although no Snakemake runs in this folder.

    To be asked while `only_build` is held: then only a bare `snakemake` could be running.

    Raises:
        VoicefaceError: a bare `snakemake` is running here.
    """
    if not _SNAKEMAKE_LOCKS.is_dir() or not any(_SNAKEMAKE_LOCKS.iterdir()):
        return False
    here = os.getcwd()
    ours = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    for process in psutil.process_iter(["pid", "cmdline", "cwd"]):
        if process.info["cwd"] != here or process.info["pid"] in ours:
            continue
        if _is_snakemake(process.info["cmdline"] or []):
            raise VoicefaceError(
                f"snakemake is running in this folder (process {process.info['pid']}); "
                "wait for its end, or stop it"
            )
    return True


def _is_snakemake(command: list[str]) -> bool:
    """Whether a command line is that of `snakemake` or `python -m snakemake`, whatever it reads."""
    names = [Path(word).name for word in command]
    if names and names[0].lower().startswith("python"):  # a script's command line: python script …
        names = names[1:]
        while names and names[0].startswith("-") and names[0] != "-m":
            names = names[1:]
        names = names[1:] if names[:1] == ["-m"] else names
    return names[:1] == ["snakemake"]
