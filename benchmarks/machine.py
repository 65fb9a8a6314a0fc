"""What the benchmarks share: the machine's description, and writing a result."""

import json
import os
import platform
import re
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
