"""For each edit, exactly which jobs run: the table of docs/data-engineer.md, row by row.

The Snakefile, the rules, the settings and the package whose code is followed are the real ones, and
Snakemake really runs; only what a job starts is made of stages that write tiny files at once.
"""

import contextlib
import fnmatch
import itertools
import os
import re
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from touchstages import ROOT, make_project  # benchmarks/ is on the path, see pyproject.toml

import voiceface
from tests.tables_builder import write_media
from voiceface import tables, verify
from voiceface.building.events import Event, Runner
from voiceface.building.progress import STAGES
from voiceface.config import Resolve
from voiceface.errors import VoicefaceError
from voiceface.files import write_table
from voiceface.ids import sample_id
from voiceface.layout import OUTCOMES, REVIEWS, SOURCES, VIDEO_LIST
from voiceface.outcome import Outcome, write_outcome
from voiceface.review.ledger import Ledger, Mark
from voiceface.stages import downloads, resolve
from voiceface.why import explain, why

Job = tuple[str, str]
"""Rule, and the video, split or model that it is about."""

ANN, BOB, NEW = "file-2d711642b726", "file-a1fce4363854", "file-594e519ae499"
"""Videos whose file holds x, y and z."""
MODELS = ("wav2pix", "tiny")
CODE = "code/voiceface/"
"""Of the package whose code the digests are taken of."""

MODEL = """
class {kind}(ModelSection):
    pass


class Settings(Section):"""


def jobs(rules: Iterable[str], *about: str) -> set[Job]:
    """Each of the rules for each of the names, or for none."""
    return {(rule, name) for rule in rules for name in about or [""]}


REPORT = jobs(["report"])
EVALUATION = jobs(["evaluate"], *MODELS) | REPORT
TRAINING = jobs(["train"], *MODELS) | EVALUATION
PACKING = jobs(["pack"], *tables.SPLITS) | TRAINING
DATASET = jobs(["dataset"]) | PACKING
MANIFEST = jobs(["manifest"]) | DATASET
BOTH = (ANN, BOB)


class Line:
    """A built project, and a copy of the package whose code its digests are taken of."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.why: list[str] = []
        """the causes of the last build"""

    def edit(self, name: str, old: str, new: str) -> None:
        """Put `new` in place of `old` in a file."""
        path = self.folder / name
        text = path.read_text()
        assert text.count(old) == 1, f"{old!r} in {name}"
        path.write_text(text.replace(old, new))

    def configure(self, section: str, **values: Any) -> None:
        """Change keys of a section of config.yaml."""
        path = self.folder / "config.yaml"
        config = yaml.safe_load(path.read_text())
        config[section] |= values
        path.write_text(yaml.safe_dump(config))

    def upgrade(self, package: str) -> None:
        """Pin another version in the lock file."""
        path = self.folder / "requirements.lock"
        path.write_text(re.sub(rf"(?m)^{package}==.*$", f"{package}==99", path.read_text()))

    def build(self) -> set[Job]:
        """Resolve the sources if needed and run Snakemake; returns the jobs that ran."""
        events: list[Event] = []
        logs = {path.relative_to(self.folder) for path in self.folder.glob("logs/**/*.log")}
        with contextlib.chdir(self.folder), pytest.MonkeyPatch.context() as patch:
            if resolve.is_stale(Resolve(), SOURCES, VIDEO_LIST):
                resolve.run(Resolve(), SOURCES, VIDEO_LIST)
            patch.setenv("PYTHONPATH", str(self.folder / "code"))
            runner = Runner(["--cores=1"], Path("logs/build.log"))
            while (new := runner.poll(60.0)) is not None:
                events += new
            assert runner.wait() == 0, Path("logs/build.log").read_text()
            planned = [_as_before(job, logs) for job in _infos(events)]
            self.why = [words.strip() for words in explain(planned)]
        started = {event["jobid"]: _job(event) for event in _infos(events)}
        ended = [started[event["job_id"]] for event in events if event["event"] == "job_finished"]
        assert len(ended) == len(set(ended))
        return set(ended) - {("all", "")}


def _infos(events: list[Event]) -> list[Event]:
    return [event for event in events if event["event"] == "job_info"]


def _as_before(job: Event, logs: set[Path]) -> Event:
    """The job as a dry run would have told it: without a log that this run made first."""
    return job | {"log": [log for log in job["log"] if Path(log) in logs]}


def _job(event: Event) -> Job:
    return event["rule_name"], " ".join(event["wildcards"].values())


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of two people with a video each, and two models."""
    folder = tmp_path_factory.mktemp("stale") / "built"
    make_project(folder, 0)
    for name in ("Snakefile", "requirements.lock"):
        (folder / name).unlink(missing_ok=True)
        shutil.copy(ROOT / name, folder / name)
    package = folder / "code/voiceface"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(Path(voiceface.__file__).parent, package, ignore=ignored)
    line = Line(folder)
    _add_model(line, "tiny")
    line.edit("config.yaml", "models:\n- wav2pix\n", "models:\n- wav2pix\n- tiny\n")
    with open(folder / "config.yaml", "a") as file:
        file.write("tiny: {}\n")
    _write_known(folder / "known")
    for name, content in (("ann", "x"), ("bob", "y")):
        (folder / f"{name}.mp4").write_text(content)
    (folder / SOURCES).write_text("speaker,location\nann,ann.mp4\nbob,bob.mp4\n")
    expected = jobs(["download", "speech", "faces", "samples"], *BOTH) | jobs(["downloads"])
    assert line.build() == expected | MANIFEST
    assert line.build() == set()
    return folder


def _add_model(line: Line, name: str) -> None:
    """Put a model into the code, with its section."""
    config, kind = f"{CODE}config.py", name.capitalize()
    line.edit(config, "\nclass Settings(Section):", MODEL.format(kind=kind))
    line.edit(config, "    models: list[Literal[", f'    models: list[Literal["{name}", ')
    line.edit(
        config, "    wav2pix: Wav2pix =", f"    {name}: {kind} = {kind}()\n    wav2pix: Wav2pix ="
    )
    (line.folder / f"{CODE}models/{name}.py").write_text("LAYERS = 1\n")


def _write_known(folder: Path) -> None:
    """What the tiny stages write: whole files of the right kind, so that `verify` takes them."""
    with contextlib.chdir(folder):
        for video in (*BOTH, NEW):
            person = {ANN: "ann", BOB: "bob", NEW: "carl"}[video]
            lost = Outcome(video=video, status="failed", reason=f"{person} is not there")
            write_outcome(OUTCOMES / f"{video}.json", lost)
            media = Path(f"data/media/{video}.mkv")
            media.parent.mkdir(exist_ok=True)
            media.touch()
            for name in ("speech", "faces"):
                schema = getattr(tables, name.upper())
                write_media(Path(f"data/{name}/{video}.parquet"), [], schema)
            for name in ("chunks", "timeline", "samples"):
                schema = getattr(tables, name.upper())
                write_table(Path(f"data/{name}/{video}.parquet"), schema.empty_table())


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


def _mark() -> None:
    with Ledger(REVIEWS, "ann") as ledger:
        ledger.append(Mark(sample_id(ANN, 0), "0" * 64, "keep", ""))


def _damage_and_repair() -> None:
    path = Path(f"data/faces/{ANN}.parquet")
    path.write_bytes(path.read_bytes().replace(b"PAR1", b"PAR2"))
    found = verify.verify()
    assert [one.path for one in found if "data" in one.path.parts[:2]]
    verify.repair([one for one in found if one.path == path])


@dataclass(frozen=True)
class Row:
    """An edit, the jobs that it makes stale, and what `voiceface why` says of it."""

    edit: Callable[[Line], object]
    runs: set[Job]
    why: list[str] = field(default_factory=list)


TABLE = {
    "a stage's setting: `speech.vad_mode`": Row(
        lambda line: line.configure("speech", vad_mode=3),
        jobs(PER_VIDEO, *BOTH) | MANIFEST,
        [f"speech {OF_BOTH}: speech.vad_mode is 3, was 2"],
    ),
    "a threshold: `samples.min_snr_db`": Row(
        lambda line: line.configure("samples", min_snr_db=12.0),
        jobs(["samples"], *BOTH) | MANIFEST,
        [f"samples {OF_BOTH}: samples.min_snr_db is 12.0, was 10.5"],
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
        jobs(["download", *PER_VIDEO], NEW) | jobs(["downloads"]) | MANIFEST,
        ["downloads: manifests/videos.csv changed", *NEVER_BUILT],
    ),
    "a source removed": Row(
        lambda line: line.edit("manifests/sources.csv", "bob,bob.mp4\n", ""),
        jobs(["downloads"]) | MANIFEST,
        ["downloads: manifests/videos.csv changed"],
    ),
    "a video's file replaced by another": Row(
        lambda line: (Path("new.mp4").write_text("z"), os.replace("new.mp4", "ann.mp4")),
        jobs(["download", *PER_VIDEO], NEW) | jobs(["downloads"]) | MANIFEST,
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
    "code that a stage imports: `media/vad.py`": Row(
        lambda line: line.edit(f"{CODE}media/vad.py", "np.flatnonzero(good)", "np.where(good)[0]"),
        jobs(PER_VIDEO, *BOTH) | MANIFEST,
        [f"speech {OF_BOTH}: its code changed: media.vad.segment_starts"],
    ),
    "a model's code": Row(
        lambda line: line.edit(f"{CODE}models/tiny.py", "1", "2"),
        jobs(["train", "evaluate"], "tiny") | REPORT,
        ["train of tiny: its code changed: models.tiny.LAYERS"],
    ),
    "a model that is new in the code": Row(
        lambda line: _add_model(line, "other"),
        REPORT,
        [
            "report: its code changed: config.Other, config.Settings",
            'report: other is new: {"batch": 8, "flip": true, "px": 64, "steps": 900}',
        ],
    ),
    "the report's template": Row(
        lambda line: line.edit(f"{CODE}reporting/page.html", "</html>", "</html> "),
        REPORT,
        ["report: code/voiceface/reporting/page.html changed"],
    ),
    "a library of one stage: `webrtcvad-wheels`": Row(
        lambda line: line.upgrade("webrtcvad-wheels"),
        jobs(PER_VIDEO, *BOTH) | MANIFEST,
        [f"speech {OF_BOTH}: webrtcvad-wheels is 99 in requirements.lock, was {VAD}"],
    ),
    "a library of the models: `safetensors`": Row(
        lambda line: line.upgrade("safetensors"),
        TRAINING,
        ["train of tiny, wav2pix: safetensors is 99 in requirements.lock, was 0.8.0"],
    ),
    "a deleted output": Row(
        lambda line: os.unlink(f"data/samples/{BOB}.parquet"),
        jobs(["samples"], BOB) | MANIFEST,
        [f"samples of {BOB}: {DELETED}: data/samples/<video>.parquet"],
    ),
    "a lost download, after `retry`": Row(
        lambda line: downloads.retry(OUTCOMES, "ann is not there"),
        jobs(["download", *PER_VIDEO], ANN) | jobs(["downloads"]) | MANIFEST,
        [f"download of {ANN}: {DELETED}: data/download/<video>.json"],
    ),
    "a damaged output, after `verify --repair`": Row(
        lambda line: _damage_and_repair(),
        jobs(["faces", "samples"], ANN) | MANIFEST,
        [f"faces of {ANN}: {DELETED}: data/faces/<video>.parquet"],
    ),
}
NOTHING: dict[str, Callable[[Line], object]] = {
    "a video's file touched": lambda line: os.utime("ann.mp4"),
    "how to download: `download.retries`": lambda line: line.configure("download", retries=3),
    "a comment, a docstring, or the layout of code": lambda line: line.edit(
        f"{CODE}media/vad.py", '"""Voiced', '# one\n\n"""Spoken'
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


def test_the_table_of_the_docs_says_the_same() -> None:
    lines = (ROOT / "docs/data-engineer.md").read_text().splitlines()
    start = lines.index("| edit | what runs |")
    told = itertools.takewhile(lambda line: line.startswith("|"), lines[start + 2 :])
    rows = {name: _words(row.runs) for name, row in TABLE.items()}
    rows |= dict.fromkeys(NOTHING, "nothing")
    assert list(told) == [f"| {edit} | {runs} |" for edit, runs in rows.items()]


def _words(runs: set[Job]) -> str:
    """What runs, as the docs say it: what runs in part, then what runs wholly."""
    order = STAGES[1:]
    all_jobs = jobs(["download", *PER_VIDEO], *BOTH) | jobs(["downloads"]) | MANIFEST
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
    follows = "  what follows from that: manifest"
    assert why("manifest") == ["manifest: stale", f"  samples {OF_BOTH}: {cause}", follows]
    with pytest.raises(VoicefaceError, match="no video file-0; run"):
        why("file-0")
    with pytest.raises(VoicefaceError, match="data/nothing"):
        why("data/nothing")
