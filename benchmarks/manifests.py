"""The manifests at a million rows and at ten: joined with the ledger, filtered, split, written.

    python benchmarks/manifests.py [--quick] [--rows 1000000] [--json PATH]

Synthetic tables of videos (sampletables.py) and a ledger with a mark on each tenth row; the real
stages, each in a process of its own. Written, each by the number of rows:

- `manifest_s`, `dataset_s`: the whole stage, from reading the videos' tables to the written files;
- `search_s`: of both, the part that compares everything with everything: whose face it is, what is
  there twice, and the proof that the splits share nothing;
- `join_s`: the rest, which reads, joins with sources and ledger, filters, splits and writes;
- `peak_rss_mb`: of the larger process, with the search;
- `join_s_per_million`, `search_s_per_million`, `rss_mb_per_million`: the same by million rows.

`cpu_s` has the seconds of processor time. `missed` names the goals that were not reached.
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

from line import measured
from machine import measure_sizes
from sampletables import make_tables

from voiceface.config import Dataset, Manifest
from voiceface.section import Section

SIZES = (1_000_000, 10_000_000)
QUICK = (20_000, 40_000)
GOALS = {"join_s_per_million": 5.0, "rss_mb_per_million": 2000.0}
"""At most, by million rows."""
_SMALL = 1_000_000
"""Of fewer rows the start of a process says more than they do: no goals."""

SEARCH = {"manifest": ("find_people", "repeats"), "dataset": ("find_groups", "prove_no_leak")}
"""The functions of each stage that compare everything with everything."""
_SECTIONS: dict[str, type[Section]] = {"manifest": Manifest, "dataset": Dataset}


def main() -> None:
    """Measure each number of rows, and write the JSON."""
    about = __doc__.splitlines()[0]
    measure_sizes("manifests", about, "rows", SIZES, QUICK, measure)


def measure(folder: Path, sizes: tuple[int, ...]) -> dict[str, Any]:
    """All figures, with projects made below `folder`; see the head of this file."""
    result: dict[str, Any] = defaultdict(dict)
    for rows in sizes:
        root = folder / f"{rows}-rows"
        make_tables(root, rows)
        for name, value in _measure(root, rows).items():
            result[name][str(rows)] = value
    result["missed"] = [
        f"{name} at {rows} rows"
        for name, most in GOALS.items()
        for rows in sizes
        if rows >= _SMALL and result[name][str(rows)] > most
    ]
    return dict(result)


def _measure(root: Path, rows: int) -> dict[str, Any]:
    found: dict[str, Any] = {"cpu_s": {}}
    rss_mb = search_s = 0.0
    for stage in SEARCH:
        cost, printed = measured([sys.executable, __file__, "--stage", stage, str(root)], root)
        times = json.loads(printed.splitlines()[-1])
        found[f"{stage}_s"] = times["stage_s"]
        found["cpu_s"][stage] = round(cost.cpu_s, 2)
        search_s += times["search_s"]
        rss_mb = max(rss_mb, cost.rss_mb)
    found["search_s"] = round(search_s, 2)
    found["join_s"] = round(found["manifest_s"] + found["dataset_s"] - search_s, 2)
    found["peak_rss_mb"] = round(rss_mb)
    million = rows / 1e6
    found["search_s_per_million"] = round(search_s / million, 2)
    found["join_s_per_million"] = round(found["join_s"] / million, 2)
    found["rss_mb_per_million"] = round(rss_mb / million)
    return found


def run_stage(name: str, root: Path) -> dict[str, float]:
    """Run a stage in this process; the seconds of all of it, and of its search."""
    os.chdir(root)
    stage = importlib.import_module(f"voiceface.stages.{name}")
    spent: list[float] = []
    for function in SEARCH[name]:
        setattr(stage, function, _timed(getattr(stage, function), spent))
    paths = {
        "manifest": ["manifests/videos.csv", "data/download", "data/timeline", "data/samples",
                     "manifests/reviews", "manifests/samples.parquet", "manifests/funnel.parquet",
                     "manifests/people.parquet"],
        "dataset": ["manifests/samples.parquet", "manifests/dataset.parquet",
                    "manifests/leakage.json"],
    }  # fmt: skip
    begun = time.perf_counter()
    stage.run(_SECTIONS[name](), *map(Path, paths[name]))
    return {"stage_s": round(time.perf_counter() - begun, 2), "search_s": round(sum(spent), 2)}


def _timed(function: Callable[..., Any], spent: list[float]) -> Callable[..., Any]:
    def timed(*args: Any) -> Any:
        begun = time.perf_counter()
        result = function(*args)
        spent.append(time.perf_counter() - begun)
        return result

    return timed


if __name__ == "__main__":
    if sys.argv[1:2] == ["--stage"]:
        print(json.dumps(run_stage(sys.argv[2], Path(sys.argv[3]))))
    else:
        main()
