"""What a build finds and puts in order before it begins: half files, and times in the future."""

import itertools
import os
import time
from pathlib import Path

from voiceface.files import files_below, is_temporary

_FOLDERS = ("data", "manifests", "models", "reports")
_SOURCES = Path("data/demo-world")  # may be at work, and is no part of a build


def tidy_up() -> None:
    """Remove the temporary files of killed jobs, and date no file later than now.

    To be called while the folder's lock is held, so that nobody writes there.
    """
    now_ns = time.time_ns()
    times = {}
    for path in itertools.chain.from_iterable(map(files_below, _FOLDERS)):
        if _SOURCES in path.parents or path.is_symlink():
            continue
        if is_temporary(path.name):
            path.unlink()
        else:
            times[str(path)] = path.stat().st_mtime_ns
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
