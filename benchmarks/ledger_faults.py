"""What may go wrong while a curator marks: kills, a full disk, two servers, an import; the fold.

Each returns what was acknowledged and is not in the ledger (`lost`), and what stands in it more
than once (`doubled`): lines of one id, whatever the fold makes of them.
"""

import json
import random
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

from million import make_project
from server import Client, Server, new_mark

from voiceface.layout import REVIEWS
from voiceface.review.fold import standing_by_curator
from voiceface.review.ledger import read_ledger, uuid7

_BEFORE_KILL_S = (0.05, 0.5)
_DISK = "256k"


def killed(root: Path, kills: int) -> dict[str, Any]:
    """Mark at full speed while the server is killed again and again; each mark is sent until it is
    acknowledged, with the same id."""
    server = Server(root)
    samples = _samples(Client(server), 4_000)
    acknowledged: list[str] = []
    done = threading.Event()

    def curate() -> None:
        client = Client(server)
        for number in range(10**9):
            mark = new_mark(samples[number % len(samples)], number)
            while not client.mark(mark):
                if done.is_set():
                    return  # never acknowledged: it may be there or not
                time.sleep(0.01)
            acknowledged.append(mark["id"])
            if done.is_set():
                return

    curator = threading.Thread(target=curate)
    curator.start()
    draw = random.Random(0)
    for _ in range(kills):
        before = len(acknowledged)
        while len(acknowledged) == before:  # each kill hits a server that takes marks
            time.sleep(0.005)
        time.sleep(draw.uniform(*_BEFORE_KILL_S))
        server.kill()
        server.start()
    time.sleep(0.5)
    done.set()
    curator.join()
    server.kill()
    return {"kills": kills, **compared(root, acknowledged)}


def full_disk(root: Path) -> dict[str, Any]:
    """Mark on a tmpfs of 256 KiB until it is full, then free some space and go on."""
    ledger = root / REVIEWS
    ledger.mkdir(parents=True, exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={_DISK}", "tmpfs", str(ledger)]
    if subprocess.run(command, capture_output=True).returncode:
        return {"skipped": "no tmpfs can be mounted here"}
    try:
        ballast = ledger / "ballast"
        ballast.write_bytes(bytes(128 << 10))
        server = Server(root)
        client = Client(server)
        samples = _samples(client, 2_000)
        acknowledged = []
        for number, sample in enumerate(samples):
            mark = new_mark(sample, number)
            answer = client.post("/api/marks", {"marks": [mark]})
            if answer.status_code != 200:
                break
            acknowledged.append(mark["id"])
        whole = len(read_ledger(ledger))
        refused = client.post("/api/marks", {"marks": [mark]}).status_code
        ballast.unlink()
        taken = client.mark(mark)
        acknowledged.append(mark["id"])
        server.stop()
        found = compared(root, acknowledged)
        about = {"status": answer.status_code, "again": refused, "taken_after": taken}
        return {**about, "torn": whole - len(acknowledged) + 1, **found}
    finally:
        subprocess.run(["umount", str(ledger)], check=True)


def shared_ledger(root: Path, seconds: float) -> dict[str, Any]:
    """Two servers of one curator, a third one's, and a CSV import, all at once on one ledger."""
    servers = [Server(root), Server(root), Server(root, "review", "--curator=other")]
    samples = _samples(Client(servers[0]), 3_000)
    acknowledged: list[str] = []
    end = time.monotonic() + seconds

    def curate(server: Server, place: int) -> None:
        client = Client(server)
        for number in range(10**9):
            if time.monotonic() > end:
                return
            mark = new_mark(samples[(3 * number + place) % len(samples)], number)
            if client.mark(mark):
                acknowledged.append(mark["id"])

    threads = [
        threading.Thread(target=curate, args=pair) for pair in zip(servers, range(3), strict=True)
    ]
    for thread in threads:
        thread.start()
    imported = _import(root, 500)
    for thread in threads:
        thread.join()
    for server in servers:
        server.stop()
    events = read_ledger(root / REVIEWS)
    taken = sum(event.curator == "importer" for event in events)
    found = compared(root, acknowledged)
    merged = _merge_orders(root)
    return {"imported": taken, "imported_lost": imported - taken, **found, "merges_differ": merged}


def fold_time(events: int) -> dict[str, float]:
    """Seconds to read and to fold the events of three curators, in a process of its own."""
    code = (
        "import sys, time; from pathlib import Path\n"
        "from voiceface.review.fold import resolve, standing_by_curator\n"
        "from voiceface.review.ledger import read_ledger\n"
        "start = time.perf_counter(); events = read_ledger(Path(sys.argv[1]))\n"
        "middle = time.perf_counter(); standing = standing_by_curator(events)\n"
        "count = sum(bool(resolve(marks, '').review) for marks in standing.values())\n"
        "end = time.perf_counter(); assert len(events) == int(sys.argv[2]) and count\n"
        "print(middle - start, end - middle)"
    )
    root = Path("events")
    _write_events(root, events)
    command = [sys.executable, "-c", code, str(root), str(events)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    read_s, fold_s = (float(value) for value in output.split())
    shutil.rmtree(root)
    return {"read_s": round(read_s, 2), "fold_s": round(fold_s, 2)}


def compared(root: Path, acknowledged: list[str]) -> dict[str, int]:
    """The acknowledged marks against the ledger's lines."""
    lines = Counter(
        json.loads(line)["id"]
        for path in (root / REVIEWS).glob("*/*.jsonl")
        for line in path.read_bytes().split(b"\n")[:-1]
    )
    known = {event.id for event in read_ledger(root / REVIEWS)}
    return {
        "acknowledged": len(acknowledged),
        "lost": sum(name not in known for name in acknowledged),
        "doubled": sum(count - 1 for count in lines.values()),
    }


def small_project(name: str) -> Path:
    """A project of 5,000 samples in the current folder."""
    root = Path(name).absolute()
    root.mkdir()
    make_project(root, 5_000, must_hear=False, second_share=0.0)
    return root


def _samples(client: Client, count: int) -> list[dict[str, Any]]:
    samples: list[dict[str, Any]] = []
    for page in range(-(-count // 200)):
        found = client.get("/api/queue", queue="all", sort="manifest", size=200, page=page)
        samples += found["samples"]
    return samples


def _import(root: Path, count: int) -> int:
    """Decide on `count` further samples in a CSV file and import it; how many were imported."""
    run = [sys.executable, "-m", "voiceface", "marks"]
    subprocess.run([*run, "export", "marks.csv"], cwd=root, check=True, capture_output=True)
    path = root / "marks.csv"
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    names = lines[0].split(",")
    place = names.index("decision")
    changed = []
    for line in lines[-count:]:
        cells = line.split(",")
        changed.append(",".join([*cells[:place], "keep", *cells[place + 1 :]]))
    path.write_text("\n".join([lines[0], *changed, ""]), encoding="utf-8-sig")
    command = [*run, "import", "marks.csv", "--curator", "importer"]
    subprocess.run(command, cwd=root, check=True, capture_output=True)
    return count


def _merge_orders(root: Path) -> int:
    """How many of 20 random orders of copying the files together, some twice, fold otherwise."""
    paths = sorted((root / REVIEWS).glob("*/*.jsonl"))
    expected = standing_by_curator(read_ledger(root / REVIEWS))
    differ = 0
    for seed in range(20):
        order = paths * 2
        random.Random(seed).shuffle(order)
        merged = root / "merged"
        for path in order:
            target = merged / path.parent.name / path.name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
        differ += standing_by_curator(read_ledger(merged)) != expected
        shutil.rmtree(merged)
    return differ


def _write_events(root: Path, events: int) -> None:
    draw = random.Random(0)
    for curator in ("ann", "bo", "cy"):
        (root / curator).mkdir(parents=True)
        with open(root / curator / f"{uuid7()}.jsonl", "w") as file:
            for number in range(events // 3 + (curator == "ann") * (events % 3)):
                second, us = divmod(number * 50_000 + draw.randrange(50_000), 1_000_000)
                hour, rest = divmod(second, 3600)
                clock = f"{hour:02d}:{rest // 60:02d}:{rest % 60:02d}"
                event = {
                    "id": str(uuid7()),
                    "time": f"2026-11-20T{clock}.{us:06d}Z",
                    "curator": curator,
                    "sample": f"file-{draw.randrange(2_000):012x}_{draw.randrange(500):09d}",
                    "content": f"{draw.getrandbits(256):064x}",
                    "decision": "drop" if number % 3 else "keep",
                    "reason": "bad face" if number % 3 else "",
                }
                file.write(json.dumps(event) + "\n")
