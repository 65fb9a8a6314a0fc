"""The one command: resolve the sources when they changed, then run Snakemake with a live view."""

import contextlib
import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from rich.console import Console

from voiceface.building.events import Runner
from voiceface.building.failures import failure_lines, killed_words
from voiceface.building.lock import only_build
from voiceface.building.progress import Progress
from voiceface.building.tidy import tidy_up
from voiceface.building.view import view_for
from voiceface.config import Settings, load_settings
from voiceface.errors import DISK_FULL, VoicefaceError, disk_is_full
from voiceface.files import write_json
from voiceface.layout import CONFIG, REPORT, SOURCES, TAKEDOWNS, VIDEO_LIST
from voiceface.section import parse_section
from voiceface.sources import read_videos

_TEXT = Path("logs/build.log")
_SPEEDS = Path("logs/speeds.json")
_MOST_ERRORS = 20
_REFRESH_S = 0.25


def build(
    settings_path: Path = CONFIG,
    targets: list[str] | None = None,
    cores: int | None = None,
    resolve: bool = False,
    profiles: Sequence[str] = (),
) -> int:
    """Build the targets in the current folder, which holds the `Snakefile`.

    Args:
        settings_path: the config; another one than `config.yaml` is laid over it.
        targets: Snakemake's targets; none is the default one, everything.
        cores: at most this many at once; None is all, or what the profiles say.
        resolve: ask the sources for their videos even when nothing of them changed.
        profiles: Snakemake's profiles, which say where jobs run and on how many cores; a later one
            is laid over the earlier.

    Returns: the exit status: 0, 1 when something failed, 130 when it was interrupted.

    Raises:
        VoicefaceError: the config is wrong, or another build is running here.
    """
    settings = read_settings(settings_path)
    console = Console(file=sys.stdout)
    count = cores or os.cpu_count() or 1
    options = [f"--profile={profile}" for profile in profiles]
    if cores or not profiles:
        options.append(f"--cores={count}")
    if settings_path != CONFIG:
        options.append(f"--configfile={settings_path}")
    if targets:
        options += ["--", *targets]
    with only_build() as lock:
        tidy_up()
        finish_takedowns(console)
        _resolve(settings, resolve, console)
        progress = Progress(_durations(), count, _speeds(), targets or [])
        try:
            status = _follow(Runner(options, _TEXT, (lock,)), progress, console)
        except KeyboardInterrupt:
            console.print("stopped; `voiceface build` goes on from here", highlight=False)
            return 130
        finally:
            with contextlib.suppress(OSError):  # they only serve the estimates
                write_json(_SPEEDS, progress.measured())
    if status:
        for line in _failures(progress, status):
            print(f"voiceface: {line}", file=sys.stderr)
        return 1
    _sum_up(progress, settings, console)
    return 0


def read_settings(path: Path) -> Settings:
    """The settings in `config.yaml`, with those of `path` laid over them if it is another file.

    Raises:
        VoicefaceError: a file is missing or wrong, or this is not the project's folder.
    """
    base = load_settings(CONFIG)
    check_project()
    if path == CONFIG:
        return base
    values = base.model_dump(mode="json")
    for key, value in load_settings(path).model_dump(mode="json", exclude_unset=True).items():
        values[key] = {**values[key], **value} if isinstance(value, dict) else value
    return parse_section(Settings, values, str(path))


def check_project() -> None:
    """Raise VoicefaceError where the current folder is no project."""
    if not Path("Snakefile").is_file():
        raise VoicefaceError("Snakefile: no such file; run this in the project's folder")


def _resolve(settings: Settings, asked: bool, console: Console) -> None:
    from voiceface.stages import resolve

    if VIDEO_LIST.exists():
        resolve.relicense(settings.resolve, VIDEO_LIST)
    if not SOURCES.exists() and VIDEO_LIST.exists() and not asked:
        return  # a list of videos that came from elsewhere is taken as it is
    why = "as asked" if asked else resolve.is_stale(settings.resolve, SOURCES, VIDEO_LIST)
    if why:
        console.print(f"resolving the sources ({why}) …", highlight=False, markup=False)
        resolve.run(settings.resolve, SOURCES, VIDEO_LIST)


def finish_takedowns(console: Console) -> None:
    """Carry out what was written into `manifests/takedowns.csv` and is not done yet.

    Raises:
        VoicefaceError: that list is wrong, or the ledger is in use.
    """
    if not TAKEDOWNS.exists():
        return
    from voiceface.removal import finish, is_pending  # pyarrow takes a while to load

    if is_pending():
        for line in finish().words():
            console.print(line, highlight=False, markup=False)


def _durations() -> dict[str, float]:
    return {video.video: video.duration_s or 0.0 for video in read_videos(VIDEO_LIST)}


def _speeds() -> dict[str, float]:
    """Seconds per job of earlier builds: they only serve the estimates, so damage is no error."""
    try:
        values = json.loads(_SPEEDS.read_text(encoding="utf-8"))
        return {str(name): float(value) for name, value in values.items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


def _follow(runner: Runner, progress: Progress, console: Console) -> int:
    """Show the events until Snakemake ends; an interrupt or a termination stops it first."""
    before = signal.signal(signal.SIGTERM, _interrupt)
    view = view_for(console)
    try:
        view.start()
        while (events := runner.poll(_REFRESH_S)) is not None:
            for event in events:
                progress.apply(event)
            view.update(progress)
        return runner.wait()
    except KeyboardInterrupt:
        view.stop()
        console.print("stopping; Ctrl-C once more kills the running jobs …", highlight=False)
        runner.stop()
        raise
    finally:
        view.stop()
        signal.signal(signal.SIGTERM, before)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _failures(progress: Progress, status: int) -> list[str]:
    """One line for each failed job, from its log; without one, what Snakemake found wrong."""
    if status < 0:
        return [f"Snakemake was {killed_words(-status)}"]
    lines = failure_lines(progress, _TEXT)
    if len(lines) > _MOST_ERRORS:
        rest = len(lines) - _MOST_ERRORS
        lines = [*lines[:_MOST_ERRORS], f"and {rest} more failed; see {_TEXT}"]
    unknown = DISK_FULL if disk_is_full() else f"Snakemake failed; what it said is in {_TEXT}"
    return lines or [*progress.errors[:1], unknown][:1]


def _sum_up(progress: Progress, settings: Settings, console: Console) -> None:
    if not progress.stages:
        console.print("nothing is to be done: all is up to date", highlight=False)
    if REPORT.exists():
        from voiceface.status import print_summary

        print_summary(console, settings)
        console.print(f"report: {REPORT}", highlight=False, soft_wrap=True)
