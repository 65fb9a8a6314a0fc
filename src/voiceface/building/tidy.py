"""What a build finds and puts in order before it begins: half files, and times in the future."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

from voiceface.files import is_temporary

_FOLDERS = ("data", "manifests", "models", "reports")
_SOURCES = Path("data/demo-world")  # may be at work, and is no part of a build


def tidy_up() -> None:
    """Remove the temporary files of killed jobs, and date no file later than now.

    To be called while the folder's lock is held, so that nobody writes there.
    """
    now_ns = time.time_ns()
    times = {}
    for entry in _files():
        if is_temporary(entry.name):
            os.unlink(entry.path)
        else:
            times[entry.path] = entry.stat(follow_symlinks=False).st_mtime_ns
    late = {path for path, written_ns in times.items() if written_ns > now_ns}
    if late:
        _date_back(times, late, now_ns)


def _date_back(times: dict[str, int], late: set[str], now_ns: int) -> None:
    """Date the late files before all others, in the order that they have.

    They were written before the clock was set back, and whether before or after the others can't be
    told. An input that is newer than an output makes Snakemake compare its content with what the
    output was made of, so that is the safe order: it costs reading, and reruns what is stale alone.
    """
    others = (written_ns for path, written_ns in times.items() if path not in late)
    back_ns = max(times.values()) - min(others, default=now_ns) + 1_000_000_000
    for path in late:
        os.utime(path, ns=(now_ns, times[path] - back_ns))


def _files() -> Iterator[os.DirEntry[str]]:
    folders = [name for name in _FOLDERS if Path(name).is_dir()]
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders += [entry.path] * (Path(entry.path) != _SOURCES)
                elif entry.is_file(follow_symlinks=False):
                    yield entry
