"""For each edit, exactly which jobs run: the table of docs/data-engineer.md, row by row.

Snakemake really runs, in a project whose stages write tiny files at once.
"""

import fnmatch
import itertools
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.workflow.project import ROOT
from tests.workflow.tiny_line import ANN, BOB, CODE, MODELS, NEW, Job, Line, jobs, lay_out
from voiceface import tables, verify
from voiceface.building.progress import STAGES
from voiceface.errors import VoicefaceError
from voiceface.ids import sample_id
from voiceface.layout import OUTCOMES, REVIEWS
from voiceface.repair import repair
from voiceface.review.ledger import Ledger, Mark
from voiceface.stages import downloads
from voiceface.why import why

REPORT = jobs(["report"])
EVALUATION = jobs(["evaluate"], *MODELS) | REPORT
TRAINING = jobs(["train"], *MODELS) | EVALUATION
PACKING = jobs(["pack"], *tables.SPLITS) | TRAINING
DATASET = jobs(["dataset"]) | PACKING
MANIFEST = jobs(["manifest"]) | DATASET
GATHER = jobs(["gather"]) | MANIFEST
BOTH = (ANN, BOB)
PER_VIDEO = ("speech", "faces", "samples")
OF_BOTH = f"of {ANN}, {BOB}"
VAD = "2.0.14.post1"
DELETED = "deleted since it was built, or its job was killed"
NEVER_BUILT = [
    f"download of {NEW}: never built: data/download/<video>.json, data/media/<video>.mkv",
    f"speech of {NEW}: never built: data/chunks/<video>.parquet, data/speech/<video>.parquet,"
    " data/timeline/<video>.parquet",
    f"faces of {NEW}: never built: data/faces/<video>.parquet",
    f"samples of {NEW}: never built: data/samples/<video>.parquet",
]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project, built."""
    line = lay_out(tmp_path_factory.mktemp("stale") / "built")
    everything = jobs(["download", *PER_VIDEO], *BOTH) | jobs(["downloads"]) | GATHER
    assert line.build() == everything
    assert line.build() == set()
    return line.folder


def _mark() -> None:
    with Ledger(REVIEWS, "ann") as ledger:
        ledger.append(Mark(sample_id(ANN, 0), "0" * 64, "keep", ""))


def _damage_and_repair() -> None:
    path = Path(f"data/faces/{ANN}.parquet")
    path.write_bytes(path.read_bytes().replace(b"PAR1", b"PAR2"))
    found = verify.verify()
    assert [one.path for one in found if "data" in one.path.parts[:2]]
    repair([one for one in found if one.path == path])


@dataclass(frozen=True)
class Row:
    """An edit, the jobs that it makes stale, and what `voiceface why` says of it."""

    edit: Callable[[Line], object]
    runs: set[Job]
    why: list[str] = field(default_factory=list)


TABLE = {
    "a stage's setting: `speech.vad_mode`": Row(
        lambda line: line.configure("speech", vad_mode=3),
        jobs(PER_VIDEO, *BOTH) | GATHER,
        [f"speech {OF_BOTH}: speech.vad_mode is 3, was 2"],
    ),
    "a threshold: `samples.min_snr_db`": Row(
        lambda line: line.configure("samples", min_snr_db=12.0, max_other_mouth=2.0),
        jobs(["samples"], *BOTH) | GATHER,
        [
            f"samples {OF_BOTH}: samples.max_other_mouth is 2.0, was 1.0",
            f"samples {OF_BOTH}: samples.min_snr_db is 12.0, was 10.5",
        ],
    ),
    "a model's setting: `steps`": Row(
        lambda line: line.configure("tiny", steps=7),
        jobs(["train", "evaluate"], "tiny") | REPORT,
        ["train of tiny: steps is 7, was 900"],  # of a section that only the copy has
    ),
    "a video added": Row(
        lambda line: (
            Path("carl.mp4").write_text("z"),
            line.edit("manifests/sources.csv", "bob,bob.mp4", "bob,bob.mp4\ncarl,carl.mp4"),
        ),
        jobs(["download", *PER_VIDEO], NEW) | jobs(["downloads"]) | GATHER,
        ["downloads: manifests/videos.csv changed", *NEVER_BUILT],
    ),
    "a source removed": Row(
        lambda line: line.edit("manifests/sources.csv", "bob,bob.mp4\n", ""),
        jobs(["downloads"]) | GATHER,
        ["downloads: manifests/videos.csv changed"],
    ),
    "a video's file replaced by another": Row(
        lambda line: (Path("new.mp4").write_text("z"), os.replace("new.mp4", "ann.mp4")),
        jobs(["download", *PER_VIDEO], NEW) | jobs(["downloads"]) | GATHER,
        ["downloads: manifests/videos.csv changed", *NEVER_BUILT],
    ),
    "a mark": Row(
        lambda line: _mark(),
        MANIFEST,
        ["manifest: manifests/reviews/ann/*.jsonl changed"],
    ),
    "the curators' rules: `manifests/rubric.md`": Row(
        lambda line: Path("manifests/rubric.md").write_text("Drop laughter.\n"),
        REPORT,
        ["report: manifests/rubric.md changed"],
    ),
    "a stage's code: `stages/manifest.py`": Row(
        lambda line: line.edit(f"{CODE}stages/manifest.py", "now = time.time_ns()", "now = 1"),
        MANIFEST,
        ["manifest: its code changed: stages.manifest.run"],
    ),
    "what is compared in all videos: `gather.duplicate_face_bits`": Row(
        lambda line: line.configure("gather", duplicate_face_bits=2),
        GATHER,
        ["gather: gather.duplicate_face_bits is 2, was 3"],
    ),
    "code that a stage imports: `media/vad.py`": Row(
        lambda line: line.edit(f"{CODE}media/vad.py", "np.flatnonzero(good)", "np.where(good)[0]"),
        jobs(PER_VIDEO, *BOTH) | GATHER,
        [f"speech {OF_BOTH}: its code changed: media.vad.segment_starts"],
    ),
    "a model's code": Row(
        lambda line: line.edit(f"{CODE}models/tiny.py", "1", "2"),
        jobs(["train", "evaluate"], "tiny") | REPORT,
        ["train of tiny: its code changed: models.tiny.LAYERS"],
    ),
    "a model that is new in the code": Row(
        lambda line: line.add_model("other"),
        REPORT,
        [
            "report: its code changed: config.Other, config.Settings",
            'report: other is new: {"batch": 8, "flip": true, "pairing": "paired", "px": 64, '
            '"steps": 900}',
        ],
    ),
    "the report's template": Row(
        lambda line: line.edit(f"{CODE}reporting/page.html", "</html>", "</html> "),
        REPORT,
        ["report: code/voiceface/reporting/page.html changed"],
    ),
    "a library of one stage: `webrtcvad-wheels`": Row(
        lambda line: line.upgrade("webrtcvad-wheels"),
        jobs(PER_VIDEO, *BOTH) | GATHER,
        [f"speech {OF_BOTH}: webrtcvad-wheels is 99 in requirements.lock, was {VAD}"],
    ),
    "a library of the models: `safetensors`": Row(
        lambda line: line.upgrade("safetensors"),
        TRAINING,
        ["train of tiny, wav2pix: safetensors is 99 in requirements.lock, was 0.8.0"],
    ),
    "a deleted output": Row(
        lambda line: os.unlink(f"data/samples/{BOB}.parquet"),
        jobs(["samples"], BOB) | GATHER,
        [f"samples of {BOB}: {DELETED}: data/samples/<video>.parquet"],
    ),
    "a lost download, after `retry`": Row(
        lambda line: downloads.retry(OUTCOMES, "ann is not there"),
        jobs(["download", *PER_VIDEO], ANN) | jobs(["downloads"]) | GATHER,
        [f"download of {ANN}: {DELETED}: data/download/<video>.json"],
    ),
    "a damaged output, after `verify --repair`": Row(
        lambda line: _damage_and_repair(),
        jobs(["faces", "samples"], ANN) | GATHER,
        [f"faces of {ANN}: {DELETED}: data/faces/<video>.parquet"],
    ),
}
NOTHING: dict[str, Callable[[Line], object]] = {
    "a video's file touched": lambda line: os.utime("ann.mp4"),
    "how to download: `download.retries`": lambda line: line.configure("download", retries=3),
    "a comment, a docstring, or the layout of code": lambda line: line.edit(
        f"{CODE}media/vad.py", '"""Voiced', '# one\n\n"""Spoken'
    ),
    "code of a recogniser that no model begins with: `models/voice.py`": lambda line: line.edit(
        f"{CODE}models/voice.py", "argsort(1, ", "argsort(-1, "
    ),
    "a library of no stage: `pytest`": lambda line: line.upgrade("pytest"),
}


@pytest.fixture
def line(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Line:
    """A copy of the built project, in its folder."""
    shutil.copytree(built, tmp_path / "line", symlinks=True)
    monkeypatch.chdir(tmp_path / "line")
    return Line(tmp_path / "line")


@pytest.mark.parametrize("name", TABLE)
def test_an_edit_runs_what_it_made_stale_and_no_other(name: str, line: Line) -> None:
    row = TABLE[name]
    row.edit(line)
    assert line.build() == row.runs
    after = [words for words in line.why if words.startswith("what follows from that: ")]
    told = [*row.why, *after]
    assert len(line.why) == len(told)
    assert [words for words in told if not fnmatch.filter(line.why, words)] == []


def test_what_changes_no_result_runs_nothing(line: Line) -> None:
    for edit in NOTHING.values():
        edit(line)
    assert line.build() == set()


CONDA = """#!/bin/sh
echo '{"platform": "linux-64", "conda_version": "24.9.0", "conda_prefix": "/opt/conda",
       "get": {"channel_priority": "strict"}}'
"""
"""What Snakemake asks of conda before it plans: nothing is installed."""


def test_conda_asked_for_later_fetches_no_video_again(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("bin").mkdir()
    Path("bin/conda").write_text(CONDA)
    Path("bin/conda").chmod(0o755)
    monkeypatch.setenv("PATH", "bin", prepend=os.pathsep)
    monkeypatch.setenv("PYTHONPATH", str(line.folder / "code"))
    plan = [sys.executable, "-m", "snakemake", "all", "--dry-run", "--sdm", "conda"]
    done = subprocess.run(plan, capture_output=True, text=True, check=False)
    assert "Nothing to be done" in done.stdout + done.stderr


SIZES = {
    "sizes": {
        "title": "Sizes",
        "cells": [
            {"label": "as it is", "model": "wav2pix"},
            {"label": "large", "model": "wav2pix", "settings": {"wav2pix.px": 128}},
            {"label": "noisy", "model": "wav2pix", "settings": {"dataset.noisy_train": True}},
        ],
    }
}
LARGE, NOISY = "wav2pix-px.128-d4efea-seed0", "wav2pix-noisy_train.true-68fab5-seed0"


def test_an_experiment_makes_what_is_not_there_and_only_when_it_is_asked_for(line: Line) -> None:
    line.configure("experiments", file="mine.yaml", seeds=[0])
    Path("mine.yaml").write_text(yaml.safe_dump({"experiments": SIZES}))
    runs = jobs(["train", "evaluate"], LARGE, NOISY)
    data = NOISY.removeprefix("wav2pix-").removesuffix("-seed0")
    packed = jobs(["pack_variant"], *(f"{data} {split}" for split in tables.SPLITS))
    ending = jobs(["experiment"], "sizes") | REPORT
    assert line.build("sizes") == jobs(["dataset_variant"], data) | packed | runs | ending
    assert line.build("sizes") == set()
    line.configure("wav2pix", steps=7)
    usual = jobs(["train", "evaluate"], "wav2pix") | REPORT
    assert line.build() == usual
    assert line.build("reports/experiments/sizes/table.csv") == runs | jobs(["experiment"], "sizes")
    line.edit("mine.yaml", "large", "larger")
    assert line.build("experiments") == ending


def test_the_table_of_the_docs_says_the_same() -> None:
    lines = (ROOT / "docs/data-engineer.md").read_text().splitlines()
    start = lines.index("| edit | what runs |")
    told = itertools.takewhile(lambda line: line.startswith("|"), lines[start + 2 :])
    rows = {name: _words(row.runs) for name, row in TABLE.items()}
    rows |= dict.fromkeys(NOTHING, "nothing")
    assert list(told) == [f"| {edit} | {runs} |" for edit, runs in rows.items()]


def _words(runs: set[Job]) -> str:
    """What runs, as the docs say it: what runs in part, then what runs wholly."""
    all_jobs = jobs(["download", *PER_VIDEO], *BOTH) | jobs(["downloads"]) | GATHER
    order = [rule for rule in STAGES if rule in dict(all_jobs)]
    wholly = [rule for rule in order if {job for job in all_jobs if job[0] == rule} <= runs]
    partly = [rule for rule in order if rule not in wholly and any(job[0] == rule for job in runs)]
    of = "model" if "train" in partly else "video"
    words = [", ".join(f"`{rule}`" for rule in partly) + f" of that {of}"] if partly else []
    after = next(n for n in range(len(order)) if list(order[n:]) == wholly[n - len(order) :])
    words += [f"`{rule}`" for rule in wholly if rule not in order[after + 1 :]]
    return ", ".join(words) + (" and what follows" if after < len(order) - 1 else "")


def test_why_is_asked_of_a_file_a_stage_or_a_video(line: Line, monkeypatch: Any) -> None:
    monkeypatch.setenv("PYTHONPATH", "code")
    config = Path("config.yaml").read_text().replace("- tiny\n", "").replace("tiny: {}\n", "")
    Path("config.yaml").write_text(config)  # as the package of this process knows it
    assert why(f"data/samples/{ANN}.parquet") == [f"data/samples/{ANN}.parquet: up to date"]
    line.configure("samples", min_snr_db=12.0)
    cause = "samples.min_snr_db is 12.0, was 10.5"
    assert why(ANN) == [f"{ANN}: stale", f"  samples of {ANN}: {cause}"]
    follows = "  what follows from that: gather, manifest"
    assert why("manifest") == ["manifest: stale", f"  samples {OF_BOTH}: {cause}", follows]
    with pytest.raises(VoicefaceError, match="no video file-0; run"):
        why("file-0")
    with pytest.raises(VoicefaceError, match="data/nothing"):
        why("data/nothing")
