"""A build that is killed again and again, at any moment, against one that is left alone.

    python benchmarks/faults.py [--kills N] [--world FOLDER] [--json PATH]

A demo world of 6 short videos goes through the whole line, from the sources to the report, with a
recogniser and two small models trained and evaluated. It is built once in peace. Then it is built
anew and killed (SIGKILL) while it is: in each stage at a random moment, and at random moments of
any; each time it is just started again, until it is through. That several times over. Written:

- `kills`: how many there were; `by_stage`: how often each stage was at work then; `by_way`: what
  was killed: `build`, the process group of `voiceface build`, which leaves Snakemake to stop by
  itself; `all`, the group of Snakemake and its jobs too; `one`, a single process of all these;
  `bare`, the group of a bare `snakemake` and its jobs;
- `different`: how many files of the killed builds are not, byte by byte, those of the one in peace;
  `compared`: how many there are of each top folder; `NOT_COMPARED` tells what is left out and why;
- `stuck`: starts that did not go on by themselves, or said more than a line of what is wrong;
  `undone`: killed builds that had something left to do when they were through; `left_over`: files
  that were begun and are still there then;
- `builds`: seconds of the one in peace, and of each killed one, with its kills.
"""

import argparse
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import psutil
from clips import render
from line import lay_out
from machine import describe_machine, result_path, write_result

from voiceface.building.progress import STAGES
from voiceface.files import sha256_file
from voiceface.traces import OUTPUTS

SETTINGS: dict[str, Any] = {
    "models": ["wav2pix", "acgan"],
    "voice": {"steps": 30, "batch": 4},
    "wav2pix": {"steps": 30, "batch": 4},
    "acgan": {"steps": 30, "batch": 4},
    "train": {"checkpoint_every_s": 0.0, "log_every": 3},
    "evaluate": {"classifier_steps": 10, "voices_per_split": 4},
}
"""Trainings of seconds, with a checkpoint every third step."""

NOT_COMPARED = {
    "logs/*": "they tell how long it took",
    "data/resolve.json": "holds the times of the source's files",
    "models/*/tensorboard/*": "holds the time of each point",
    "models/*/checkpoint/last.pt": "pickles equal words once, or twice where some were read from an"
    " earlier one; the values are the same, and the weights that come of them are compared",
}
"""What of a build's files is not, and need not be, the same in another one, and why."""

ORDER = (STAGES[0], "planning", *STAGES[1:])
"""What a build does, in order; `planning`: Snakemake is there and has no job."""

WAYS = ("build", "all", "one", "bare")
_BUILD = ("voiceface", "build")
_SNAKEMAKE = ("snakemake", "--quiet", "all", "--cores=all")  # its talk would fill the pipe
_POLL_S = 0.01
_START_S = 0.5  # about what the sources and the plan take
_LONGEST_S = 3600.0


@dataclass(frozen=True)
class Aim:
    """When to kill, and what.

    Attributes:
        stage: of `ORDER`; from when it, or a later one, is at work.
        delay_s: how long after that.
        way: one of `WAYS`.
        pick: which process `one` is, 0 to 1.
    """

    stage: str
    delay_s: float
    way: str
    pick: float


@dataclass
class Found:
    """What came of the builds of one project.

    Attributes:
        kills: the stages at work and the way of each kill.
        stuck: what a start said that did not go on by itself.
    """

    kills: list[tuple[list[str], str]] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)


def build(folder: Path, targets: Iterable[str] = ()) -> tuple[int, str]:
    """Build in peace; returns the exit status and what was printed."""
    return _ended(_start(folder, _BUILD, targets))


def build_killed(folder: Path, aims: Iterable[Aim], targets: Iterable[str] = ()) -> Found:
    """Build, killed at each aim and started again, and then to the end."""
    found = Found()
    for aim in aims:
        process = _start(folder, _SNAKEMAKE if aim.way == "bare" else _BUILD, targets)
        stages = _kill_at(process, aim)
        status, text = _ended(process)
        if stages:
            found.kills.append((stages, aim.way))
        if "Traceback" in text or (status and not stages):
            found.stuck.append(text[-800:])
        if not status:
            break  # it was through before it could be killed
    status, text = build(folder, targets)
    if status:
        found.stuck.append(text[-800:])
    return found


def at_work(process: subprocess.Popen[str]) -> list[str]:
    """What of `ORDER` the build does; [] when it has ended."""
    tree = _tree(process)
    words = [word for one in tree for word in _words(one)]
    found = {word.rpartition(".")[2] for word in words if word.startswith("voiceface.stages.")}
    if found:
        return sorted(found, key=ORDER.index)
    planning = "voiceface.building.events" in words or "snakemake" in words
    return [ORDER[planning]] if tree else []


def draw_aims(draw: random.Random, seconds: dict[str, float]) -> Iterator[Aim]:
    """One within a job of each of `ORDER`, and after some of them one for any moment.

    Args:
        seconds: that a job takes, by stage.
    """
    for number, stage in enumerate(ORDER):
        ways = WAYS if number > 1 else WAYS[:-1]  # bare only with a list of videos
        delay_s = draw.uniform(0, seconds.get(stage, _START_S))
        yield Aim(stage, delay_s, draw.choice(ways), draw.random())
        if draw.random() < 1 / 3:
            delay_s = draw.uniform(0, sum(seconds.values()))
            yield Aim(ORDER[0], delay_s, draw.choice(ways), draw.random())


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of each file that a build has written and that is to be compared, by its path."""
    paths = (path for top in OUTPUTS for path in (folder / top).rglob("*") if path.is_file())
    names = {path.relative_to(folder): path for path in paths}
    return {
        str(name): sha256_file(path)
        for name, path in sorted(names.items())
        if not any(fnmatch(str(name), pattern) for pattern in NOT_COMPARED)
    }


def different(one: dict[str, str], other: dict[str, str]) -> list[str]:
    """The files that only one has, or that are not the same in both."""
    names = one.keys() | other.keys()
    return sorted(name for name in names if one.get(name) != other.get(name))


def left_over(folder: Path) -> list[str]:
    """Files that were begun, and are neither finished nor removed."""
    found = (path for top in OUTPUTS for path in (folder / top).rglob(".*.part"))
    return sorted(str(path.relative_to(folder)) for path in found)


def _start(folder: Path, command: tuple[str, ...], targets: Iterable[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", *command, *targets],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def _ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    text = process.communicate(timeout=_LONGEST_S)[0]
    return process.returncode, text


def _kill_at(process: subprocess.Popen[str], aim: Aim) -> list[str]:
    """Kill as it is aimed; returns what was at work, [] if the build had ended before."""
    place = ORDER.index(aim.stage)
    while stages := at_work(process):
        if ORDER.index(stages[-1]) >= place:
            break
        time.sleep(_POLL_S)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(aim.delay_s)
    stages, tree = at_work(process), _tree(process)
    if not tree:
        return []
    if aim.way == "one":
        victim = tree[int(aim.pick * len(tree))]
        try:
            victim.kill()
        except psutil.NoSuchProcess:
            return []
        return stages
    groups = [process.pid]
    if aim.way == "all":
        with contextlib.suppress(ProcessLookupError):
            groups += [os.getpgid(one.pid) for one in tree[1:]]
    for group in dict.fromkeys(groups):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)
    return stages


def _tree(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """The build with all that it has started, Snakemake and its jobs; [] when it has ended."""
    if process.poll() is not None:
        return []
    root = psutil.Process(process.pid)
    return [root, *root.children(recursive=True)]


def _words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []  # it has ended


def main() -> None:
    """Render the world, build it in peace and not in peace, and write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=60, help="at least so many")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--world", type=Path, help="where to keep the rendered videos")
    parser.add_argument("--json", type=Path, help="where to write, if not to results/")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        videos = render(options.world or folder / "world", 3, 9.0, videos=2)
        result = measure(folder, videos, options.kills, options.seed)
    result["not_compared"] = NOT_COMPARED
    result["machine"] = describe_machine()
    write_result(options.json or result_path("faults", quick=options.kills < 50), result)
    print({name: value for name, value in result.items() if not isinstance(value, dict | list)})


def measure(folder: Path, videos: dict[str, list[Path]], kills: int, seed: int) -> dict[str, Any]:
    """One build in peace, and as many killed ones as it takes for `kills` kills."""
    draw = random.Random(seed)
    peace = folder / "peace"
    lay_out(peace, videos, SETTINGS)
    _forget_list(peace)
    begun = time.monotonic()
    status, text = build(peace)
    if status:
        sys.exit(f"the build in peace failed: {text[-800:]}")
    seconds = time.monotonic() - begun
    wanted = digests(peace)
    speeds = json.loads((peace / "logs/speeds.json").read_text())
    builds: list[dict[str, Any]] = [{"seconds": round(seconds, 1), "kills": 0}]
    whole = Found()
    differ, undone, begun_files = [], 0, []
    while len(whole.kills) < kills:
        project = folder / f"killed-{len(builds)}"
        lay_out(project, videos, SETTINGS)
        _forget_list(project)
        begun = time.monotonic()
        found = build_killed(project, draw_aims(draw, speeds))
        builds.append({"seconds": round(time.monotonic() - begun, 1), "kills": len(found.kills)})
        print(builds[-1], found.stuck, flush=True)
        differ += different(wanted, digests(project))
        undone += "nothing is to be done" not in build(project)[1]
        begun_files += left_over(project)
        whole.kills += found.kills
        whole.stuck += found.stuck
    return {
        "kills": len(whole.kills),
        "different": len(differ),
        "different_files": differ,
        "stuck": len(whole.stuck),
        "stuck_words": whole.stuck,
        "undone": undone,
        "left_over": len(begun_files),
        "by_stage": dict(Counter(stage for stages, _ in whole.kills for stage in stages)),
        "by_way": dict(Counter(way for _, way in whole.kills)),
        "compared": dict(Counter(Path(name).parts[0] for name in wanted)),
        "builds": builds,
    }


def _forget_list(project: Path) -> None:
    """So that the build begins with resolving the sources."""
    for name in ("manifests/videos.csv", "data/resolve.json"):
        (project / name).unlink()


if __name__ == "__main__":
    main()
