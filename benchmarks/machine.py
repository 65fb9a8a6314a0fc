"""What the benchmarks share: the machine's description, writing a result, and a command line."""

import argparse
import json
import os
import platform
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any


def describe_machine() -> dict[str, Any]:
    """Processor, cores, memory and system, so that a figure says where it was measured."""
    facts = dict(
        line.split(":", 1)
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith(("model name", "cpu MHz"))
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processor": next((v.strip() for k, v in facts.items() if "model" in k), "unknown"),
        "cores": os.cpu_count(),
        "memory_gib": round(memory / 2**30),
        "system": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
    }


def result_path(name: str, *, quick: bool) -> Path:
    """Where a benchmark's result goes: a quick run replaces no full one."""
    return Path("benchmarks/results") / f"{name}{'-quick' * quick}.json"


def write_result(path: Path, result: dict[str, Any]) -> None:
    """Write a benchmark's result as JSON, the points of a curve on a line each."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(result, indent=2)
    text = re.sub(r"\[[^][{}]+\]", lambda numbers: " ".join(numbers[0].split()), text)
    path.write_text(text + "\n")


def earlier(path: Path, kind: dict[str, Any]) -> dict[str, Any]:
    """The figures of an earlier run, if it was a run like this on a machine like this.

    Args:
        kind: what must be in it: whether it was quick, and the machine.
    """
    if not path.exists():
        return {}
    found: dict[str, Any] = json.loads(path.read_text())
    return found if all(found.get(name) == value for name, value in kind.items()) else {}


def measure_sizes(
    name: str,
    about: str,
    things: str,
    sizes: tuple[int, ...],
    quick: tuple[int, ...],
    measure: Callable[[Path, tuple[int, ...]], dict[str, Any]],
    *,
    kept: bool = False,
) -> None:
    """The command line of a benchmark that measures one number of things after the other.

    Args:
        things: what there are so many of; the option that names other numbers is called so.
        measure: gives all figures, with what it needs made below a folder.
        kept: whether it can take what an earlier run made there.
    """
    parser = argparse.ArgumentParser(description=about)
    few = " and ".join(f"{size:,}" for size in quick)
    parser.add_argument("--quick", action="store_true", help=f"{few} {things}")
    parser.add_argument(f"--{things}", dest="sizes", help="how many, with commas between them")
    parser.add_argument("--json", type=Path, help="where to write, if not to results/")
    if kept:
        parser.add_argument("--world", type=Path, help="folder that keeps what is measured")
    options = parser.parse_args()
    chosen = quick if options.quick else sizes
    if options.sizes:
        chosen = tuple(int(number) for number in options.sizes.split(","))
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        result = measure((kept and options.world) or Path(folder), chosen)
    result["machine"] = describe_machine() | {"load_before": round(load, 1)}
    write_result(options.json or result_path(name, quick=options.quick), result)
    print(json.dumps(result, indent=2))
