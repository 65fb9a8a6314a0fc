"""For each edit, exactly which jobs run: the table of docs/data-engineer.md, row by row.

The Snakefile, the rules, the settings and the package whose code is followed are the real ones, and
Snakemake really runs; only what a job starts is made of stages that write tiny files at once.
"""

import contextlib
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml
from touchstages import ROOT, make_project  # benchmarks/ is on the path, see pyproject.toml

import voiceface
from tests.tables_builder import write_media
from voiceface import tables
from voiceface.building.events import Event, Runner
from voiceface.config import Resolve
from voiceface.files import write_table
from voiceface.layout import OUTCOMES, SOURCES, VIDEO_LIST
from voiceface.outcome import Outcome, write_outcome
from voiceface.stages import resolve

Job = tuple[str, str]
"""Rule, and the video, split or model that it is about."""

ANN, BOB, NEW = "file-2d711642b726", "file-a1fce4363854", "file-594e519ae499"
"""Videos whose file holds x, y and z."""
MODELS = ("wav2pix", "tiny")

TINY = '''
class Tiny(ModelSection):
    """A model beside the real one."""


class Settings(Section):'''


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
        self.edit("requirements.lock", f"\n{package}==", f"\n{package}==99.")

    def build(self) -> set[Job]:
        """Resolve the sources if needed and run Snakemake; returns the jobs that ran."""
        events: list[Event] = []
        with contextlib.chdir(self.folder), pytest.MonkeyPatch.context() as patch:
            if resolve.is_stale(Resolve(), SOURCES, VIDEO_LIST):
                resolve.run(Resolve(), SOURCES, VIDEO_LIST)
            patch.setenv("PYTHONPATH", str(self.folder / "code"))
            runner = Runner(["--cores=1"], Path("logs/build.log"))
            while (new := runner.poll(60.0)) is not None:
                events += new
            assert runner.wait() == 0, Path("logs/build.log").read_text()
        started = {event["jobid"]: _job(event) for event in events if event["event"] == "job_info"}
        ended = [started[event["job_id"]] for event in events if event["event"] == "job_finished"]
        assert len(ended) == len(set(ended))
        return set(ended) - {("all", "")}


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
    _add_model(line)
    _write_known(folder / "known")
    for name, content in (("ann", "x"), ("bob", "y")):
        (folder / f"{name}.mp4").write_text(content)
    (folder / SOURCES).write_text("speaker,location\nann,ann.mp4\nbob,bob.mp4\n")
    expected = jobs(["download", "speech", "faces", "samples"], *BOTH) | jobs(["downloads"])
    assert line.build() == expected | MANIFEST
    assert line.build() == set()
    return folder


def _add_model(line: Line) -> None:
    config = "code/voiceface/config.py"
    line.edit(config, "\nclass Settings(Section):", TINY)
    line.edit(config, 'Literal["wav2pix"]]', 'Literal["wav2pix", "tiny"]]')
    line.edit(config, "    wav2pix: Wav2pix =", "    tiny: Tiny = Tiny()\n    wav2pix: Wav2pix =")
    (line.folder / "code/voiceface/models/tiny.py").write_text("LAYERS = 1\n")
    line.edit("config.yaml", "models:\n- wav2pix\n", "models:\n- wav2pix\n- tiny\n")
    with open(line.folder / "config.yaml", "a") as file:
        file.write("tiny: {}\n")


def _write_known(folder: Path) -> None:
    """What the tiny stages write: whole files of the right kind, so that `verify` takes them."""
    with contextlib.chdir(folder):
        for video in (*BOTH, NEW):
            lost = Outcome(video=video, status="unavailable", reason="a stand-in")
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


CODE = "code/voiceface"
PER_VIDEO = ("speech", "faces", "samples")
Edit = Callable[[Line], object]
TABLE: dict[str, tuple[Edit, set[Job]]] = {
    "a key of a stage's settings": (
        lambda line: line.configure("speech", vad_mode=3),
        jobs(PER_VIDEO, *BOTH) | MANIFEST,
    ),
    "a threshold": (
        lambda line: line.configure("samples", min_snr_db=12.0),
        jobs(["samples"], *BOTH) | MANIFEST,
    ),
    "a setting of `download`": (
        lambda line: line.configure("download", retries=3),
        set(),
    ),
    "a model's setting": (
        lambda line: line.configure("tiny", steps=7),
        jobs(["train", "evaluate"], "tiny") | REPORT,
    ),
}


@pytest.mark.parametrize("name", TABLE)
def test_an_edit_runs_what_it_made_stale_and_no_more(
    name: str, built: Path, tmp_path: Path
) -> None:
    edit, expected = TABLE[name]
    shutil.copytree(built, tmp_path / "line", symlinks=True)
    line = Line(tmp_path / "line")
    with contextlib.chdir(line.folder):
        edit(line)
    assert line.build() == expected
