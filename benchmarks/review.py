"""The review page and its server at a million samples: how fast, how large, and nothing lost.

    python benchmarks/review.py [--quick] [--json PATH]

Synthetic samples (million.py), the real server in a process of its own, the real page in a headless
Chromium on the same machine. Written:

- `key_to_paint_p95_ms`: from the key's event to the frame with the next sample drawn; also p50,
  p99 and the greatest (`key_to_paint_ms`);
- `ack_p95_ms`: from the mark to the server's word that it is on disk (`ack_ms`);
- `page_p95_ms`: a page of 24 samples through the API, over filters and orders of several kinds, the
  first time each is asked for included (`page_ms`);
- `first_sample_s`: opening the page, whose files are in the browser's cache, until the first
  sample's name and face are there; `server_start_s`: starting the server until it listens;
- `js_heap_mb`, `server_rss_mb`: the greatest that was seen while the robot marked and after;
- `marks_per_min`: of the robot curator, over `seconds`; it presses a key every 90 ms;
- `fold`: seconds to read and fold a million events;
- `killed`: a curator marks without a pause while the server is killed (SIGKILL) `kills` times;
  `full_disk`: on a full tmpfs: the server's `status`, `torn` lines; `shared`: two servers of one
  curator, a server of another one, and a CSV import on one ledger, and the fold after merging the
  files in 20 orders; `closed_tabs`: a key, and the tab is closed at once;
- `lost`: acknowledged marks (keys pressed, for the page) that are not in the ledger, and `doubled`:
  marks that stand in it twice, of all these together.

`missed` names the goals that were not reached; `load_before` tells what else the machine was busy
with (processes that want a core, when the run began). Keeps need no hearing here: the robot has no
time to listen.
"""

import argparse
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ledger_faults
import robot
from machine import describe_machine, result_path, write_result
from million import make_project
from server import Client, Server

FULL = {"samples": 1_000_000, "seconds": 300.0, "kills": 100, "tabs": 20, "events": 1_000_000}
QUICK = {"samples": 50_000, "seconds": 20.0, "kills": 5, "tabs": 4, "events": 100_000}
_PER_MINUTE = 667.0
_SHARED_S = 10.0
_TIMES = 3
_PARTS = ("page_marks", "killed", "full_disk", "shared", "closed_tabs")
GOALS = {
    "key_to_paint_p95_ms": 50,
    "key_to_paint_p99_ms": 100,
    "ack_p95_ms": 100,
    "page_p95_ms": 50,
    "first_sample_s": 3,
    "js_heap_mb": 150,
    "server_rss_mb": 600,
    "fold_s": 10,
    "lost": 0,
    "doubled": 0,
}
"""At most; and `marks_per_min` at least 600."""

QUERIES: list[dict[str, Any]] = [
    {"queue": "pending"},
    {"queue": "pending", "sort": "-snr_db"},
    {"queue": "pending", "sort": "sharpness", "page": 5},
    {"queue": "pending", "sort": "uncertain"},
    {"queue": "flagged", "filter": "flags=dark", "sort": "brightness"},
    {"queue": "pending", "filter": "speaker=speaker-0003", "sort": "worst"},
    {"queue": "pending", "filter": ["snr_db>1", "yaw_deg<0.5"], "sort": "-lip_sync"},
    {"queue": "all", "filter": "video=file-000000000003", "sort": "manifest"},
    {"queue": "all", "filter": "review=keep", "sort": "-reviewed_at"},
    {"queue": "all", "sort": "sample", "page": 100},
    {"queue": "audit"},
    {"queue": "unsure", "sort": "-face_px"},
]


def main() -> None:
    """Make the project, drive the page, break things, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a twentieth of it, in two minutes")
    parser.add_argument("--json", type=Path, help="where to write, if not to results/")
    options = parser.parse_args()
    json_path = (options.json or result_path("review", quick=options.quick)).absolute()
    size = QUICK if options.quick else FULL
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        result = _at_the_page(size) | _broken(size)
        os.chdir("/")
    parts = [
        result[name] for name in ("page_marks", "killed", "full_disk", "shared", "closed_tabs")
    ]
    for name in ("lost", "doubled"):
        result[name] = sum(part.get(name, 0) for part in parts)
    result["missed"] = _missed(result)
    result |= {"size": size, "machine": describe_machine() | {"load_before": round(load, 1)}}
    write_result(json_path, result)
    print({name: value for name, value in result.items() if not isinstance(value, dict)})


def _at_the_page(size: dict[str, Any]) -> dict[str, Any]:
    root = Path("million").absolute()
    root.mkdir()
    make_project(root, size["samples"], must_hear=False, second_share=0.0)
    server = Server(root)
    found = robot.at_the_page(server, size["seconds"], _PER_MINUTE)
    marks = robot.compared(root, found.pop("pressed"))
    pages = list(_page_times(Client(server)))
    server.stop()
    shutil.rmtree(root)
    page_ms = robot.percentiles(pages)
    return {
        "key_to_paint_p95_ms": found["key_to_paint_ms"]["p95"],
        "key_to_paint_p99_ms": found["key_to_paint_ms"]["p99"],
        "ack_p95_ms": found["ack_ms"]["p95"],
        "page_p95_ms": page_ms["p95"],
        **found,
        "page_ms": page_ms,
        "server_start_s": round(server.start_s, 2),
        "server_rss_mb": round(server.peak_rss / 1e6, 1),
        "page_marks": marks,
    }


def _page_times(client: Client) -> Iterator[float]:
    """Milliseconds of each query, the first time and again."""
    client.get("/api/state")
    for _ in range(_TIMES):
        for query in QUERIES:
            begun = time.perf_counter()
            client.get("/api/queue", size=24, **query)
            yield 1000 * (time.perf_counter() - begun)


def _broken(size: dict[str, Any]) -> dict[str, Any]:
    fold = ledger_faults.fold_time(size["events"])
    small = ledger_faults.small_project("small")
    found: dict[str, Any] = {"fold": fold, "fold_s": round(sum(fold.values()), 2)}
    found["killed"] = ledger_faults.killed(_copy(small, "killed"), size["kills"])
    found["full_disk"] = ledger_faults.full_disk(_copy(small, "full"))
    found["shared"] = ledger_faults.shared_ledger(_copy(small, "shared"), _SHARED_S)
    root = _copy(small, "tabs")
    server = Server(root)
    found["closed_tabs"] = robot.compared(root, robot.closed_tabs(server, size["tabs"]))
    server.stop()
    return found


def _copy(project: Path, name: str) -> Path:
    return Path(shutil.copytree(project, Path(name).absolute()))


def _missed(result: dict[str, Any]) -> list[str]:
    missed = [name for name, most in GOALS.items() if result[name] > most]
    return missed + ["marks_per_min"] * (result["marks_per_min"] < 600)


if __name__ == "__main__":
    main()
