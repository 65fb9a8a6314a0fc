"""Why jobs failed, in one line each."""

from collections.abc import Iterable
from pathlib import Path

from voiceface.building.progress import Job, error_line, reason


def failure_lines(failed: Iterable[Job]) -> list[str]:
    """A line for each failed job, with its log.

    Jobs that were sent to a cluster together all count as failed when one of them did. Those are
    told that say why, or else the first, with the cluster's log.
    """
    lines: list[str] = []
    told: set[Path] = set()
    for job in sorted(failed, key=lambda job: not reason(job.log)):
        if job.sent is None or reason(job.log):
            lines.append(f"{job.name}: {error_line(job.log)} ({job.log or 'it has no log'})")
        elif job.sent not in told:
            lines.append(f"{job.name}, or a job sent with it: {error_line(job.sent)} ({job.sent})")
        if job.sent is not None:
            told.add(job.sent)
    return lines
