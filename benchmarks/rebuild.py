"""What the workflow itself costs, by the number of videos: nothing to do, one more, a first build.

    python benchmarks/rebuild.py [--quick] [--videos 100,1000] [--json PATH]

The real Snakefile, rules, profile and settings with stages that write tiny files at once
(touchstages.py). Written, each by the number of videos:

- `noop_s`: `voiceface build` where all is up to date, from start to end;
- `add_one_s`: the same after a file was put into a speaker's folder: it is resolved, goes through
  its stages, and what follows is made anew; `add_one_jobs` are the jobs that ran;
- `first_dag_s`: `snakemake --dry-run` where nothing is built yet;
- `first_run_s`: the first `voiceface build`, of up to 1,000 videos. More are built by
  `snakemake --touch` on files that were put there (`touch_s`), and `same_state` tells whether that
  leaves, at the smallest number, what the build left: the same files, and the same records in
  `.snakemake` but for their times;
- `snakemake_noop_s`, `snakemake_add_one_s`: with bare `snakemake`, which resolves nothing;
- `peak_rss_mb`: of the largest process of all these;
- `snakemake_mb`: size of `.snakemake` when built, and `snakemake_files` in it.

`cpu_s` has the seconds of processor time of the same runs, which other work on the machine changes
less. `missed` names the goals that were not reached.
"""

import json
import re
import shutil
import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from line import Cost, measured
from machine import measure_sizes
from touchstages import add_video, make_outputs, make_project, outputs

SIZES = (100, 1_000, 10_000)
QUICK = (20, 40)
GOALS_S = {"1000": 10.0, "10000": 90.0}
"""A build with nothing to do, at most; by the number of videos."""

_MOST_RUN = 1_000
_BUILD = [sys.executable, "-m", "voiceface", "build"]
_RESOLVE = [sys.executable, "-m", "voiceface", "resolve"]
_SNAKEMAKE = [sys.executable, "-m", "snakemake", "--quiet", "all"]
# Snakemake waits 0.1 s for each job that it touches, and goes through all that are ready for every
# two of them on two cores: either would take an hour here.
_TOUCH = [
    sys.executable,
    "-c",
    "from snakemake import cli; from snakemake.executors.touch import Executor; "
    "Executor.SLEEPING_TIME = 0; cli.main()",
    *_SNAKEMAKE[3:],
    "--touch",
    "--forceall",
    "--cores=10000",
    "--resources=mem_mb=1000000000",
]


def main() -> None:
    """Measure each number of videos, and write the JSON."""
    about = __doc__.splitlines()[0]
    measure_sizes("rebuild", about, "videos", SIZES, QUICK, measure)


def measure(folder: Path, sizes: tuple[int, ...]) -> dict[str, Any]:
    """All figures, in projects made below `folder`; see the head of this file.

    Args:
        sizes: numbers of videos, ascending; the smallest of them is built for real.
    """
    like = folder / "built"
    result: dict[str, Any] = defaultdict(dict)
    for videos in sizes:
        root = folder / f"{videos}-videos"
        make_project(root, videos)
        costs = {
            "resolve": _run(root, _RESOLVE),
            "first_dag": _run(root, [*_SNAKEMAKE, "--dry-run"]),
        }
        if videos > _MOST_RUN:
            costs["touch"] = touch(root, like)
        else:
            costs["first_run"] = _run(root, _BUILD)
        if not like.exists():
            shutil.copytree(root, like, symlinks=True)
        for name, value in _measure(root, videos, costs).items():
            result[name][str(videos)] = value
    make_project(folder / "touched", sizes[0])
    _run(folder / "touched", _RESOLVE)
    touch(folder / "touched", like)
    result["same_state"] = state(like) == state(folder / "touched")
    result["missed"] = [
        f"noop_s at {videos} videos"
        for videos, most in GOALS_S.items()
        if result["noop_s"].get(videos, 0) > most
    ]
    return dict(result)


def touch(root: Path, like: Path) -> Cost:
    """Make a resolved project a built one without running its stages; what it cost.

    Args:
        like: a project that was built.
    """
    make_outputs(root, like)
    return _run(root, _TOUCH)


def state(root: Path) -> dict[str, Any]:
    """What a build left: its files, and Snakemake's records of them without their times."""
    found: dict[str, Any] = {str(path): (root / path).read_bytes() for path in outputs(root)}
    for path in (root / ".snakemake/metadata").rglob("*"):
        if path.is_file():
            record = json.loads(path.read_text())
            del record["starttime"], record["endtime"], record["job_hash"]
            found[str(path.relative_to(root))] = record
    return found


def _measure(root: Path, videos: int, costs: dict[str, Cost]) -> dict[str, Any]:
    """The figures of a built project.

    Args:
        costs: what it took so far.
    """
    costs["noop"] = _run(root, _BUILD)
    costs["snakemake_noop"] = _run(root, _SNAKEMAKE)
    sizes = [path.stat().st_size for path in (root / ".snakemake").rglob("*") if path.is_file()]
    add_video(root, videos)
    costs["add_one"] = _run(root, _BUILD)
    jobs = Counter(re.findall(r"^localrule (\w+):$", (root / "logs/build.log").read_text(), re.M))
    add_video(root, videos + 1)
    _run(root, _RESOLVE)
    costs["snakemake_add_one"] = _run(root, _SNAKEMAKE)
    return {
        **{f"{name}_s": round(cost.wall_s, 2) for name, cost in costs.items()},
        "cpu_s": {name: round(cost.cpu_s, 2) for name, cost in costs.items()},
        "peak_rss_mb": round(max(cost.rss_mb for cost in costs.values())),
        "snakemake_mb": round(sum(sizes) / 1e6, 1),
        "snakemake_files": len(sizes),
        "add_one_jobs": dict(jobs),
    }


def _run(root: Path, command: list[str]) -> Cost:
    return measured(command, root)[0]


if __name__ == "__main__":
    main()
