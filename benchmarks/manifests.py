"""The manifests at a million rows and at ten: joined with the ledger, filtered, split, written.

    python benchmarks/manifests.py [--quick] [--rows N,N] [--world FOLDER] [--json PATH]

Synthetic tables of videos (sampletables.py) and a ledger with a mark on each tenth row; the real
stages, each in a process of its own with one thread, as a rule runs it. Ten million rows take 20 GB
of disk; `--world` keeps the tables. Written, each by the number of rows:

- `gather_s`, `manifest_s`, `dataset_s`: all of the stage, from what it reads to what it writes;
- `search_s`: of `gather` and `dataset`, the part that compares everything with everything, with the
  reading of the fingerprints: whose face it is, what is there twice, what splits have to share, and
  the proof that they share nothing;
- `collect_s`: the rest of `gather`, which reads the tables of all videos and writes one;
- `join_s`: all of `manifest` and the rest of `dataset`, which join with the ledger, filter, split
  and write;
- `peak_rss_mb`: of the largest process, the search and all;
- `join_s_per_million`, `search_s_per_million`, `collect_s_per_million`, `rss_mb_per_million`: the
  same by million rows.

`cpu_s` has the seconds of processor time of each stage and part, `rss_mb` the memory of each stage,
`growth` how many times as long a row takes among the most rows as among the fewest. `missed` names
the goals that were not reached.
"""

import importlib
import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from line import ONE_THREAD, measured
from machine import measure_sizes
from sampletables import make_tables

from voiceface.config import Dataset, Gather, Manifest
from voiceface.layout import (
    DATASET,
    FUNNEL,
    GATHERED,
    MANIFEST,
    OUTCOMES,
    OUTSIDE,
    PEOPLE,
    REVIEWS,
    SAMPLES,
    VIDEO_LIST,
)
from voiceface.section import Section
from voiceface.stages.shim import NoPandas

SIZES = (1_000_000, 10_000_000)
QUICK = (20_000, 40_000)
GOALS = {"join_s_per_million": 5.0, "rss_mb_per_million": 2000.0}
"""At most, by million rows."""
_SMALL = 1_000_000
"""Of fewer rows the start of a process says more than they do: no goals."""

SEARCH = {
    "gather": ("find_people", "fingerprints", "repeats"),
    "manifest": (),
    "dataset": ("with_fingerprints", "find_groups", "prove_no_leak"),
}
"""The functions of each stage that compare everything with everything."""
_SECTIONS: dict[str, type[Section]] = {"gather": Gather, "manifest": Manifest, "dataset": Dataset}
_FILES = {
    "gather": (VIDEO_LIST, OUTCOMES, Path("data/timeline"), SAMPLES, GATHERED, OUTSIDE, PEOPLE),
    "manifest": (VIDEO_LIST, GATHERED, OUTSIDE, REVIEWS, MANIFEST, FUNNEL),
    "dataset": (MANIFEST, SAMPLES, PEOPLE, DATASET, Path("manifests/leakage.json")),
}


def main() -> None:
    """Measure each number of rows, and write the JSON."""
    about = __doc__.splitlines()[0]
    measure_sizes("manifests", about, "rows", SIZES, QUICK, measure, kept=True)


def measure(folder: Path, sizes: tuple[int, ...]) -> dict[str, Any]:
    """All figures, with projects made below `folder`; see the head of this file."""
    result: dict[str, Any] = defaultdict(dict)
    for rows in sizes:
        root = folder / f"{rows}-rows"
        if not root.exists():
            begun = root.with_suffix(".part")
            make_tables(begun, rows)
            begun.rename(root)
        for name, value in _measure(root, rows).items():
            result[name][str(rows)] = value
    few, many = str(min(sizes)), str(max(sizes))
    result["growth"] = {
        name: round(result[f"{name}_s_per_million"][many] / result[f"{name}_s_per_million"][few], 2)
        for name in ("collect", "search", "join")
    }
    result["missed"] = [
        f"{name} at {rows} rows"
        for name, most in GOALS.items()
        for rows in sizes
        if rows >= _SMALL and result[name][str(rows)] > most
    ]
    return dict(result)


def _measure(root: Path, rows: int) -> dict[str, Any]:
    found: dict[str, Any] = {"cpu_s": {}, "rss_mb": {}}
    wall: dict[str, float] = {}
    cpu: dict[str, float] = {}
    for stage in SEARCH:
        command = [sys.executable, __file__, "--stage", stage, str(root)]
        cost, printed = measured(command, root, os.environ | ONE_THREAD)
        times = json.loads(printed.splitlines()[-1])
        wall[stage], cpu[stage] = times["stage_s"], cost.cpu_s
        found["rss_mb"][stage] = round(cost.rss_mb)
        rest = "collect" if stage == "gather" else "join"
        for parts, whole, search in (
            (wall, times["stage_s"], times["search_s"]),
            (cpu, cost.cpu_s, times["search_cpu_s"]),
        ):
            parts["search"] = parts.get("search", 0.0) + search
            parts[rest] = parts.get(rest, 0.0) + whole - search
    million = rows / 1e6
    for name, seconds in wall.items():
        found[f"{name}_s"] = round(seconds, 2)
        found["cpu_s"][name] = round(cpu[name], 2)
    for name in ("join", "search", "collect"):
        found[f"{name}_s_per_million"] = round(wall[name] / million, 2)
    found["peak_rss_mb"] = max(found["rss_mb"].values())
    found["rss_mb_per_million"] = round(found["peak_rss_mb"] / million)
    return found


def run_stage(name: str, root: Path) -> dict[str, float]:
    """Run a stage in this process; the seconds of all of it, and of its search."""
    os.chdir(root)
    sys.meta_path.insert(0, NoPandas())
    stage = importlib.import_module(f"voiceface.stages.{name}")
    spent = [(0.0, 0.0)]
    for function in SEARCH[name]:
        setattr(stage, function, _timed(getattr(stage, function), spent))
    begun = time.perf_counter()
    stage.run(_SECTIONS[name](), *_FILES[name])
    whole = time.perf_counter() - begun
    search, search_cpu = (round(sum(parts), 2) for parts in zip(*spent, strict=True))
    return {"stage_s": round(whole, 2), "search_s": search, "search_cpu_s": search_cpu}


def _timed(function: Callable[..., Any], spent: list[tuple[float, float]]) -> Callable[..., Any]:
    """The function, which adds its seconds by the clock and of the processor to a list."""

    def timed(*args: Any) -> Any:
        begun = time.perf_counter(), time.process_time()
        result = function(*args)
        spent.append((time.perf_counter() - begun[0], time.process_time() - begun[1]))
        return result

    return timed


if __name__ == "__main__":
    if sys.argv[1:2] == ["--stage"]:
        print(json.dumps(run_stage(sys.argv[2], Path(sys.argv[3]))))
    else:
        main()
