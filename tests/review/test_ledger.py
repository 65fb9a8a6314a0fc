import fcntl
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from voiceface.errors import VoicefaceError
from voiceface.review.fold import standing_by_curator
from voiceface.review.ledger import Event, Ledger, Mark, read_ledger, uuid7

KEEP = Mark("file-a_000000000", "c" * 64, "keep")


def segments(root: Path, curator: str = "ana") -> list[Path]:
    return sorted((root / curator).glob("*.jsonl"))


def test_what_was_marked_is_read_back_whole(tmp_path: Path) -> None:
    mark = Mark("file-a_000000000", "c" * 64, "drop", "música", 'tabs\t"quotes"\nlines', id="mine")
    with Ledger(tmp_path / "new" / "reviews", "ana") as ledger:
        [event] = ledger.append(mark)
    [read] = read_ledger(tmp_path / "new" / "reviews")
    assert read == event
    assert (read.id, read.curator, read.reason) == ("mine", "ana", "música")
    assert read.note == mark.note


def test_no_folder_is_an_empty_ledger_and_no_mark_makes_no_file(tmp_path: Path) -> None:
    with Ledger(tmp_path / "reviews", "ana") as ledger:
        assert ledger.append() == []
    assert not (tmp_path / "reviews").exists()
    assert read_ledger(tmp_path / "reviews") == []


@pytest.mark.parametrize("name", ["", "..", ".ana", "a/b", "a b", "-rf", "ana\n", "x" * 65])
def test_a_curator_is_safe_as_a_folder_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(VoicefaceError, match="curator"):
        Ledger(tmp_path, name)


@pytest.mark.parametrize(
    ("mark", "told"),
    [
        (Mark("s", "", "maybe"), "decision 'maybe'"),
        (Mark("s", "", "drop", " "), "a drop needs a reason"),
        (Mark("s", "", "undo"), "names no event"),
        (Mark("s", "", "drop", "bad \udc80"), "no text"),
    ],
)
def test_a_senseless_mark_is_refused_and_nothing_written(
    tmp_path: Path, mark: Mark, told: str
) -> None:
    with Ledger(tmp_path, "ana") as ledger:
        ledger.append(KEEP)
        with pytest.raises(VoicefaceError, match=told):
            ledger.append(KEEP, mark)
    assert len(read_ledger(tmp_path)) == 1


def test_a_torn_tail_is_tolerated_at_the_end_of_the_newest_file(tmp_path: Path) -> None:
    for _ in range(2):
        with Ledger(tmp_path, "ana") as ledger:
            ledger.append(KEEP)
    with open(segments(tmp_path)[-1], "ab") as segment:
        segment.write(b'{"id": "half')
    assert len(read_ledger(tmp_path)) == 2


def test_a_torn_tail_elsewhere_is_an_error_that_names_file_and_line(tmp_path: Path) -> None:
    for _ in range(2):
        with Ledger(tmp_path, "ana") as ledger:
            ledger.append(KEEP, KEEP)
    old = segments(tmp_path)[0]
    old.write_bytes(old.read_bytes()[:-1])  # whole but for its end: still loud
    with pytest.raises(VoicefaceError, match=f"{old.name}:2: "):
        read_ledger(tmp_path)


def test_a_torn_tail_of_another_curator_s_newest_file_is_tolerated(tmp_path: Path) -> None:
    for curator in ("ana", "bo"):
        with Ledger(tmp_path, curator) as ledger:
            ledger.append(KEEP)
        with open(segments(tmp_path, curator)[-1], "ab") as segment:
            segment.write(b"\0\0\0")
    assert len(read_ledger(tmp_path)) == 2


def test_the_next_writer_cuts_a_torn_tail_off_so_that_it_never_becomes_an_error(
    tmp_path: Path,
) -> None:
    with Ledger(tmp_path, "ana") as ledger:
        ledger.append(KEEP)
    with open(segments(tmp_path)[0], "ab") as segment:
        segment.write(b'{"id": "half')
    with Ledger(tmp_path, "ana") as ledger:
        ledger.append(KEEP)
    assert len(read_ledger(tmp_path)) == 2


def test_a_reader_at_the_same_moment_does_not_keep_a_torn_tail_from_being_cut_off(
    tmp_path: Path,
) -> None:
    with Ledger(tmp_path, "ana") as ledger:
        ledger.append(KEEP)
    with open(segments(tmp_path)[0], "ab") as segment:
        segment.write(b'{"id": "half')
    reader = os.open(segments(tmp_path)[0], os.O_RDONLY)
    fcntl.flock(reader, fcntl.LOCK_SH)
    threading.Timer(0.2, os.close, [reader]).start()
    with Ledger(tmp_path, "ana") as ledger:
        ledger.append(KEEP)
    assert len(read_ledger(tmp_path)) == 2


def test_a_line_under_way_in_an_older_file_is_no_error_while_its_writer_lives(
    tmp_path: Path,
) -> None:
    with Ledger(tmp_path, "ana") as first, Ledger(tmp_path, "ana") as second:
        first.append(KEEP)
        second.append(KEEP)
        with open(segments(tmp_path)[0], "ab") as half:
            half.write(b'{"id": "half')
        assert len(read_ledger(tmp_path)) == 2
    with pytest.raises(VoicefaceError, match=":2: "):
        read_ledger(tmp_path)


@pytest.mark.parametrize(
    "line",
    [
        "not json",
        "[]",
        "",
        '{"id": "x"}',
        '{"id":"x","time":"today","curator":"a","sample":"s","content":"","decision":"keep"}',
        '{"id":"x","time":"2026-13-01T00:00:00.000000Z","curator":"a","sample":"s","content":"",'
        '"decision":"keep"}',
        '{"id":"x","time":"2026-01-01T00:00:00.000000Z","curator":"a","sample":"s","content":"",'
        '"decision":"erase"}',
        '{"id":"x","time":"2026-01-01T00:00:00.000000Z","curator":"a","sample":7,"content":"",'
        '"decision":"keep"}',
    ],
)
@pytest.mark.parametrize("at_once", [1, 1024])
def test_a_damaged_line_in_the_middle_is_an_error_that_names_file_and_line(
    tmp_path: Path, line: str, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("voiceface.review.ledger._LINES", at_once)
    with Ledger(tmp_path, "ana") as ledger:
        ledger.append(KEEP, KEEP)
    [path] = segments(tmp_path)
    first, second = path.read_text().splitlines()
    path.write_text(f"{first}\n{line}\n{second}\n")
    with pytest.raises(VoicefaceError, match=rf"{path.name}:2: (?!.*\n)"):
        read_ledger(tmp_path)


def test_fields_of_a_later_version_are_left_aside(tmp_path: Path) -> None:
    with Ledger(tmp_path, "ana") as ledger:
        [event] = ledger.append(KEEP)
    [path] = segments(tmp_path)
    path.write_text(json.dumps({**json.loads(path.read_text()), "heard_ms": 4000}) + "\n")
    assert read_ledger(tmp_path) == [event]


def test_sending_a_mark_again_changes_nothing(tmp_path: Path) -> None:
    mark = Mark("s", "c", "keep", id="sent-twice")
    with Ledger(tmp_path, "ana") as ledger:
        first, again = ledger.append(mark)[0], ledger.append(mark)[0]
    assert first.time < again.time
    assert read_ledger(tmp_path) == [first]


def test_a_clock_that_was_set_back_does_not_make_a_new_mark_the_older_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Ledger(tmp_path, "ana") as ledger:
        ledger.append(Mark("s", "c", "drop", "blurred", after="2999-01-01T00:00:00.000000Z"))
    monkeypatch.setattr(time, "time_ns", lambda: 1_000_000_000)
    with Ledger(tmp_path, "ana") as ledger:
        ledger.append(Mark("s", "c", "keep"))
    assert standing_by_curator(read_ledger(tmp_path))["s"]["ana"].decision == "keep"
    times = [json.loads(path.read_text())["time"] for path in segments(tmp_path)]
    assert times == sorted(times), "the newer file must also sort last"


def test_copying_folders_together_is_a_merge_in_any_order_any_number_of_times(
    tmp_path: Path,
) -> None:
    draw = random.Random(5)
    roots = [tmp_path / f"machine{number}" for number in range(3)]
    events: list[Event] = []
    for _ in range(40):
        root, curator = draw.choice(roots), draw.choice(["ana", "bo"])
        with Ledger(root, curator) as ledger:
            for _ in range(draw.randint(1, 4)):
                if events and draw.random() < 0.3:
                    undone = draw.choice(events)
                    mark = Mark(undone.sample, "", "undo", undoes=undone.id)
                elif events and draw.random() < 0.2:
                    sent = draw.choice(events)  # again, by way of another machine
                    mark = Mark(sent.sample, sent.content, "keep", id=sent.id)
                else:
                    decision = draw.choice(["keep", "drop", "unsure"])
                    mark = Mark(f"s{draw.randint(0, 9)}", "c", decision, "why")
                events += ledger.append(mark)
    results = []
    for number in range(10):
        merged = tmp_path / f"merged{number}"
        for root in draw.choices(roots, k=5) + draw.sample(roots, 3):
            shutil.copytree(root, merged, dirs_exist_ok=True)
        found = read_ledger(merged)
        results.append(standing_by_curator(found))
        draw.shuffle(found)
        assert standing_by_curator(found) == results[0]
    assert all(result == results[0] for result in results)
    assert len({one.decision for marks in results[0].values() for one in marks.values()}) > 1


APPENDER = """
import sys
from pathlib import Path
from voiceface.review.ledger import Ledger, Mark
ledger = Ledger(Path(sys.argv[1]), "ana")
for number in range(100_000):
    [event] = ledger.append(Mark(f"s{number}", "c" * 64, "drop", "x" * 3000))
    print(event.id, flush=True)
"""


def test_sigkill_loses_no_acknowledged_mark(tmp_path: Path) -> None:
    acknowledged: set[str] = set()
    draw = random.Random(1)
    for _ in range(4):
        process = subprocess.Popen(
            [sys.executable, "-c", APPENDER, str(tmp_path)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        acknowledged.add(process.stdout.readline().strip())
        time.sleep(draw.uniform(0.02, 0.2))
        process.send_signal(signal.SIGKILL)
        # A last line cut off by the kill is an id that was not acknowledged whole.
        acknowledged |= {line[:-1] for line in process.stdout if line.endswith("\n")}
        process.wait()
        process.stdout.close()
    assert len(acknowledged) > 20
    assert acknowledged <= {event.id for event in read_ledger(tmp_path)}


def test_a_full_disk_is_an_error_and_leaves_nothing_torn(tmp_path: Path) -> None:
    """The limit on a file's size cuts a write off half-way, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with Ledger(tmp_path, "ana") as ledger:
        [first] = ledger.append(KEEP)
        [path] = segments(tmp_path)
        before = path.read_bytes()
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 100, hard))
        try:
            with pytest.raises(OSError, match="too large"):
                ledger.append(Mark("s", "c", "drop", "x" * 300))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert path.read_bytes() == before
        [second] = ledger.append(Mark("s", "c", "keep"))
    assert read_ledger(tmp_path) == [first, second]


def test_a_full_small_disk_is_an_error_and_leaves_nothing_torn(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = (
        os.geteuid() == 0
        and not subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)], check=False
        ).returncode
    )
    if not mounted:
        pytest.skip("mounting a small disk needs root; the limit on a file's size is tested above")
    try:
        with Ledger(disk / "reviews", "ana") as ledger:
            number = 0
            while shutil.disk_usage(disk).free >= 4096:
                ledger.append(Mark(f"s{number}", "c", "drop", "x" * 900))
                number += 1
            with pytest.raises(OSError, match="No space left"):
                ledger.append(*[KEEP] * 50)
            events = read_ledger(disk / "reviews")
            [path] = segments(disk / "reviews")
            assert path.read_bytes().endswith(b"}\n")
            assert [event.sample for event in events] == [f"s{n}" for n in range(number)]
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_uuid7_sorts_by_time_and_has_its_version() -> None:
    first = uuid7()
    later = [uuid7(first) for _ in range(50)]
    assert all(first < one for one in later)
    assert len(set(later)) == 50
    assert first[14] == "7"
    assert first[19] in "89ab"
