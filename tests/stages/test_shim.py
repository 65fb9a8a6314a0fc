"""A stage as a process: what it says and how it ends."""

import subprocess
import sys
from pathlib import Path

import pytest

STAGE = """
import sys
import threading
import time
from pathlib import Path
from voiceface.errors import VoicefaceError
from voiceface.stages.shim import stage_main

def run(mode: str, output: Path) -> None:
    "A stage."
    print("at work", end="")
    if mode == "fails":
        raise VoicefaceError("no sound in it")
    if mode == "threads":
        threading.Thread(target=lambda: (time.sleep(0.2), output.write_text("later"))).start()
    else:
        output.write_text("done")

sys.exit(stage_main(run))
"""


@pytest.mark.parametrize(
    ("mode", "status", "error", "written"),
    [
        ("works", 0, "", "done"),
        ("fails", 1, "voiceface: no sound in it\n", None),
        ("threads", 0, "", "later"),
    ],
)
def test_a_stage_ends_with_its_status_and_loses_nothing_of_what_it_wrote(
    mode: str, status: int, error: str, written: str | None, tmp_path: Path
) -> None:
    output = tmp_path / "output"
    ended = subprocess.run(
        [sys.executable, "-c", STAGE, f"--mode={mode}", f"--output={output}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (status, "at work", error)
    assert (output.read_text() if output.exists() else None) == written


SLOW_IMPORTS = """
import sys
from pathlib import Path
import pyarrow as pa
from voiceface.files import read_table, write_table, writing_media
from voiceface.stages.shim import stage_main

def run(folder: Path) -> None:
    "A stage."
    schema = pa.schema([("video", pa.string()), ("marks", pa.list_(pa.int32()))])
    rows = [{"video": "a", "marks": [1, 2]}, {"video": "b", "marks": None}]
    write_table(folder / "one", pa.Table.from_pylist(rows, schema))
    with writing_media(folder / "other", schema) as add:
        for row in read_table(folder / "one", schema).to_pylist():
            add(row)
    slow = {"pandas", "pyarrow.compute", "pyarrow.dataset", "torch"}
    print(len(read_table(folder / "other", schema, ["video"])), sorted(slow & set(sys.modules)))

sys.exit(stage_main(run))
"""


def test_a_stage_reads_and_writes_tables_without_importing_what_starts_slowly(
    tmp_path: Path,
) -> None:
    command = [sys.executable, "-c", SLOW_IMPORTS, f"--folder={tmp_path}"]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    assert ended.stdout == "2 []\n"
