"""A built project whose stages write tiny files at once, to see what an edit makes Snakemake run.

The Snakefile, the rules, the settings and the package whose code is followed are the real ones;
only what a job starts is another, see benchmarks/touchstages.py.
"""

import contextlib
import re
import shutil
from collections.abc import Iterable
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
from voiceface.why import explain

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

    def add_model(self, name: str) -> None:
        """Put a model into the code, with its section."""
        config, kind = f"{CODE}config.py", name.capitalize()
        self.edit(config, "\nclass Settings(Section):", MODEL.format(kind=kind))
        self.edit(config, 'Literal["acgan", ', f'Literal["{name}", "acgan", ')
        field = "    wav2pix: Wav2pix ="
        self.edit(config, field, f"    {name}: {kind} = {kind}()\n{field}")
        (self.folder / f"{CODE}models/{name}.py").write_text("LAYERS = 1\n")

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


def lay_out(folder: Path) -> Line:
    """A project of two people with a video each, and two models; nothing of it is built yet."""
    make_project(folder, 0)
    shutil.copy(ROOT / "requirements.lock", folder)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(Path(voiceface.__file__).parent, folder / CODE, ignore=ignored)
    line = Line(folder)
    line.add_model("tiny")
    line.edit("config.yaml", "models:\n- wav2pix\n", "models:\n- wav2pix\n- tiny\n")
    with open(folder / "config.yaml", "a") as file:
        file.write("tiny: {}\n")
    _write_known(folder / "known")
    for name, content in (("ann", "x"), ("bob", "y")):
        (folder / f"{name}.mp4").write_text(content)
    (folder / SOURCES).write_text("speaker,location\nann,ann.mp4\nbob,bob.mp4\n")
    return line


def _write_known(folder: Path) -> None:
    """What the tiny stages write: whole files of the right kind, so that `verify` takes them."""
    with contextlib.chdir(folder):
        for video, person in ((ANN, "ann"), (BOB, "bob"), (NEW, "carl")):
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
