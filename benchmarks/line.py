"""The dataset stages over some videos, each process run and measured as its rule runs it.

The command lines are those that Snakemake prints in a dry run of the real workflow, so that they
are what a build does, whatever the rules become.
"""

import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from voiceface.tables import SPLITS

ROOT = Path(__file__).parents[1]
_SHELL = re.compile(r"^Shell command: (.*voiceface\.stages\.(\w+) .*)$", re.MULTILINE)
_LOG = re.compile(r"&> (\S+)$")
ONE_THREAD = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL", "NUMEXPR")}
"""What Snakemake adds to the environment of a job of one thread."""


@dataclass(frozen=True)
class Cost:
    """What a process used, with all its children.

    Attributes:
        cpu_s: seconds of processor time, user and system.
        wall_s: seconds.
        rss_mb: greatest resident memory of one of them, in 10^6 bytes.
    """

    cpu_s: float
    wall_s: float
    rss_mb: float


@dataclass(frozen=True)
class Run:
    """A process of a stage and what it used."""

    stage: str
    cost: Cost


def measured(
    command: list[str], folder: Path, environment: dict[str, str] | None = None
) -> tuple[Cost, str]:
    """Run a process to its end; returns what it used and what it printed.

    Raises:
        SystemExit: it failed.
    """
    printed = folder / ".printed"
    with printed.open("wb") as out:
        start = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out
        )
        _, status, used = os.wait4(process.pid, 0)
        wall_s = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    text = printed.read_text(errors="replace")
    if process.returncode:
        log = _LOG.search(command[-1])
        text += (folder / log[1]).read_text() if log and (folder / log[1]).exists() else ""
        sys.exit(f"{command[-1][:300]}: failed: {text.strip()[-800:]}")
    return Cost(used.ru_utime + used.ru_stime, wall_s, used.ru_maxrss * 1024 / 1e6), text


def lay_out(folder: Path, videos: dict[str, list[Path]], settings: dict[str, Any]) -> None:
    """Make a project folder of these videos, with the real workflow, and resolve them.

    Args:
        videos: the files of each speaker, on the same disk: they are linked.
        settings: laid over the shipped config.yaml, section by section.
    """
    (folder / "manifests").mkdir(parents=True)
    for name in ("Snakefile", "workflow", "profiles", "envs"):
        (folder / name).symlink_to(ROOT / name)
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    for name, section in settings.items():
        config[name] = config[name] | section if isinstance(section, dict) else section
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    lines = ["speaker,gender,language,location,licence,consent,note"]
    for speaker, files in videos.items():
        own = folder / "videos" / speaker
        own.mkdir(parents=True)
        for path in files:
            os.link(path, own / path.name)
        lines.append(f"{speaker},,,videos/{speaker},,synthetic,")
    (folder / "manifests" / "sources.csv").write_text("\n".join([*lines, ""]))
    measured([sys.executable, "-m", "voiceface", "resolve"], folder)


def commands(folder: Path) -> list[tuple[str, str]]:
    """Stage and shell command of each job from `download` to `pack`, in an order that works."""
    targets = [f"data/packed/{split}/pack.json" for split in SPLITS]
    dry = ["-n", "-p", "--cores=1", "--quiet", "progress", "reason"]
    _, printed = measured([sys.executable, "-m", "snakemake", *targets, *dry], folder)
    return [(match[2], match[1]) for match in _SHELL.finditer(printed)]


def environment(folder: Path) -> dict[str, str]:
    """The environment that the workflow gives its jobs."""
    code = (
        "import json, os, sys, yaml; from pathlib import Path; from voiceface.workflow import Plan;"
        "Plan(yaml.safe_load(Path('config.yaml').read_text())).set_environment(Path(sys.argv[1]));"
        "print(json.dumps(dict(os.environ)))"
    )
    _, printed = measured([sys.executable, "-c", code, str(ROOT)], folder)
    return yaml.safe_load(printed) | ONE_THREAD


def run_line(
    folder: Path, videos: dict[str, list[Path]], settings: dict[str, Any] | None = None
) -> list[Run]:
    """Run all dataset stages over videos in a new folder, one process after the other."""
    lay_out(folder, videos, settings or {})
    variables = environment(folder)
    runs = []
    for stage, shell in commands(folder):
        log = _LOG.search(shell)
        if log:
            (folder / log[1]).parent.mkdir(parents=True, exist_ok=True)
        strict = f"set -euo pipefail; {shell}"
        cost, _ = measured(["bash", "-c", strict], folder, variables)
        runs.append(Run(stage, cost))
    return runs


def cpu_s(runs: list[Run]) -> float:
    """Seconds of processor time of all of them."""
    return sum(run.cost.cpu_s for run in runs)


def peak_rss_mb(runs: list[Run]) -> float:
    """Resident memory of the largest process, in 10^6 bytes."""
    return max(run.cost.rss_mb for run in runs)
