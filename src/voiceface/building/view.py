"""The live view of a build: a table that is redrawn on a terminal, lines where there is none."""

import time
from typing import Protocol

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from voiceface.building.progress import Job, Progress, Stage, last_line

_QUIET_S = 10.0
"""Without a terminal there is a line at least this often."""
_REDRAW_S = 0.1
_MOST_FAILED = 6


class View(Protocol):
    """Shows how far a build is."""

    def start(self) -> None:
        """Before the first event."""

    def update(self, progress: Progress) -> None:
        """After events, and a few times a second without any."""

    def stop(self) -> None:
        """After the last event."""


def view_for(console: Console) -> View:
    """The view that suits the output: redrawn on a terminal, else plain lines."""
    return Screen(console) if console.is_terminal else Lines(console)


class Screen:
    """A line per stage and one per running job, redrawn in place."""

    def __init__(self, console: Console) -> None:
        self._live = Live(console=console, auto_refresh=False, transient=False)
        self._last = 0.0

    def start(self) -> None:
        """Take the terminal."""
        self._live.start()
        self._live.update(Text("planning …", style="dim"), refresh=True)

    def update(self, progress: Progress) -> None:
        """Redraw."""
        now = time.monotonic()
        if progress.stages and (now - self._last > _REDRAW_S or not progress.running):
            self._last = now
            self._live.update(Group(_table(progress, now), *_running(progress, now)), refresh=True)

    def stop(self) -> None:
        """Leave the last state on the screen."""
        self._live.stop()


def _table(progress: Progress, now: float) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("stage")
    table.add_column("", width=20)
    for title in ("done", "speed", "to go"):
        table.add_column(title, justify="right")
    for stage in progress.stages.values():
        finished = stage.done == stage.total
        table.add_row(
            Text(stage.name, style="green" if finished else "bold" if stage.started else "dim"),
            ProgressBar(total=stage.total, completed=stage.done, width=20),
            f"{stage.done}/{stage.total}",
            _speed(progress.throughput(stage, now)),
            "" if finished else span(progress.to_go_s(stage, now)),
        )
    total = sum(stage.total for stage in progress.stages.values())
    done = sum(stage.done for stage in progress.stages.values())
    table.add_row("all", ProgressBar(total=total, completed=done, width=20), f"{done}/{total}", "",
                  _whole_span(progress, now))  # fmt: skip
    return table


def _running(progress: Progress, now: float) -> list[Text]:
    jobs = sorted(progress.running.values(), key=lambda job: job.started)
    lines = [Text(_job_line(job, now), no_wrap=True, overflow="ellipsis") for job in jobs]
    failed = [f"{job.name} failed" for job in progress.failed.values()]
    if len(failed) > _MOST_FAILED:
        failed = [f"{len(failed) - _MOST_FAILED + 1} failed", *failed[1 - _MOST_FAILED :]]
    return [*lines, *(Text(f"  ✗ {text}", style="red", no_wrap=True) for text in failed)]


def _job_line(job: Job, now: float) -> str:
    said = last_line(job.log)
    return f"  ▸ {job.name} ({now - job.started:.0f} s)" + (f": {said}" if said else "")


class Lines:
    """A line when a stage is complete, and one at least every ten seconds."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._start = time.monotonic()
        self._last = self._start
        self._complete: set[str] = set()
        self._planned = False

    def start(self) -> None:
        """Say that something has begun."""
        self._say("planning …")

    def update(self, progress: Progress) -> None:
        """Print what is new, if anything."""
        now = time.monotonic()
        if progress.stages and not self._planned:
            self._planned = True
            plan = ", ".join(f"{s.name} {s.total}" for s in progress.stages.values())
            self._say(f"to do: {plan}")
        for stage in progress.stages.values():
            if stage.done == stage.total and stage.name not in self._complete:
                self._complete.add(stage.name)
                self._say(_stage_line(stage, progress, now))
        if now - self._last >= _QUIET_S:
            self._say(_moment_line(progress, now))

    def stop(self) -> None:
        """Nothing to leave behind."""

    def _say(self, text: str) -> None:
        self._last = time.monotonic()
        line = f"[{self._last - self._start:5.0f} s] {text}"
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)


def _stage_line(stage: Stage, progress: Progress, now: float) -> str:
    speed = _speed(progress.throughput(stage, now))
    took = (stage.ended or now) - (stage.started or now)
    return f"{stage.name}: done {stage.done}/{stage.total} in {span(took)}" + (
        f", {speed}" if speed else ""
    )


def _moment_line(progress: Progress, now: float) -> str:
    if not progress.stages:
        return "planning …"
    parts = []
    for stage in progress.stages.values():
        if any(job.rule == stage.name for job in progress.running.values()):
            parts.append(f"{stage.name} {stage.done}/{stage.total}")
    jobs = sorted(progress.running.values(), key=lambda job: job.started)
    said = last_line(jobs[0].log) if jobs else ""
    failed = f" · {len(progress.failed)} failed" if progress.failed else ""
    return f"{', '.join(parts) or 'waiting'} · {_whole_span(progress, now)} to go{failed}" + (
        f" · {jobs[0].name}: {said}" if said else ""
    )


def _whole_span(progress: Progress, now: float) -> str:
    seconds, whole = progress.all_to_go_s(now)
    return span(seconds) if whole else f"> {span(seconds)}"


def _speed(speed: float | None) -> str:
    return "" if speed is None else f"{speed:.0f}× real time"


def span(seconds: float | None) -> str:
    """A length of time in words: `7 s`, `3 min 20 s`, `2 h 5 min`; `…` when unknown."""
    if seconds is None:
        return "…"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
