"""Why jobs failed, in one line each."""

import signal
from pathlib import Path

from voiceface.building.progress import Progress, last_line, reason
from voiceface.errors import DISK_FULL, ONE_AT_A_TIME, OUT_OF_MEMORY, disk_is_full, hardship_words

_CRASHES = (signal.SIGABRT, signal.SIGBUS, signal.SIGSEGV)


def failure_lines(progress: Progress, text: Path) -> list[str]:
    """A line for each failed job, with its log, or with `text`, what Snakemake said, without one.

    Jobs that were sent to a cluster together all count as failed when one of them did. Those are
    told that say why, or else the first, with the cluster's log.
    """
    lines: list[str] = []
    told: set[Path] = set()
    for job in sorted(progress.failed.values(), key=lambda job: not reason(job.log)):
        if job.sent is None or reason(job.log):
            lines.append(f"{job.name}: {_why(job.log, progress)} ({job.log or text})")
        elif job.sent not in told:
            lines.append(
                f"{job.name}, or a job sent with it: {_why(job.sent, progress)} ({job.sent})"
            )
        if job.sent is not None:
            told.add(job.sent)
    return lines


def killed_words(number: int) -> str:
    """What a process that a signal ended could not say itself."""
    name = signal.Signals(number).name
    if number == signal.SIGKILL:
        return f"killed ({name}), as the system does when memory runs out; {ONE_AT_A_TIME}"
    return f"stopped by {name}" + f", maybe {OUT_OF_MEMORY}" * (number in _CRASHES)


def _why(log: Path | None, progress: Progress) -> str:
    if told := reason(log):
        return told
    last = last_line(log)
    if words := hardship_words(last):
        return f"{words} ({last})"
    if log in progress.signals:
        return killed_words(progress.signals[log])
    return last or (DISK_FULL if disk_is_full() else "no message")
