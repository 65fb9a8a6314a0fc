"""Experiments: what is compared with what, and the trainings and evaluations that it takes.

An experiment is data: an entry of `workflow/experiments.yaml`. Each of its cells is a model with
settings that differ from config.yaml, and is trained and evaluated once for each seed: a run. Runs
are named by what differs, so that equal ones of several experiments are one, and a run that is the
one of config.yaml is that.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from voiceface.config import Settings, model_sections, recogniser_sections
from voiceface.errors import VoicefaceError
from voiceface.layout import PACKED, RESULTS
from voiceface.model_config import ModelSection
from voiceface.section import Section, Seed, parse_section, read_yaml
from voiceface.tables import SPLITS

_TRAINING = "train"
_EVALUATION = "evaluate"
_DATA = "dataset"
_LONGEST_NAME = 40

ALL = "experiments"
"""The target that asks for all experiments."""

Named = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]


def _a_metric(name: str) -> str:
    metric, _, split = name.partition("/")
    if not metric or split not in SPLITS:
        raise ValueError(f"must be a metric and a split, as in identity/test, not {name!r}")
    return name


MetricOfSplit = Annotated[str, AfterValidator(_a_metric)]


class Cell(Section):
    """One of the things that are compared."""

    label: Annotated[str, Field(min_length=1)]
    """What it is called in the table and in the figure."""
    model: str
    """Name of the model."""
    settings: dict[str, Any] = {}
    """What differs from config.yaml, as in `wav2pix.px: 128`."""
    heard: Annotated[str, Field(pattern=r"^([0-9.]+ (s|dB))?$")] = ""
    """What the faces are drawn from: so much speech, as in `3 s`; speech in babble, as in `5 dB`;
    empty: the whole samples."""
    paper: dict[str, float] = {}
    """The paper's own figures of it, on the paper's data, as in `identity/test: 50.1`."""


class Experiment(Section):
    """What is compared, by which metrics."""

    title: Annotated[str, Field(min_length=1)]
    """Its heading in the report."""
    source: str = ""
    """The paper that made it first, and where in it."""
    about: str = ""
    """What to know of it, in a sentence or two."""
    axis: str = ""
    """What the labels are a measure of, as in `px`: then the figure joins the points."""
    metrics: list[MetricOfSplit] = []
    """The metrics shown, each with its split, as in `identity/test`; empty: all."""
    figures: list[str] = []
    """Names of the metrics to draw; empty: the first six."""
    seeds: Annotated[list[Seed], Field(min_length=1)] | None = None
    """Seeds to train with; null: experiments.seeds of config.yaml."""
    settings: dict[str, Any] = {}
    """What differs from config.yaml in all of its cells."""
    cells: list[Cell] = []
    """What is compared; empty: every model, as it is set."""


class ExperimentList(Section):
    """All experiments, by name."""

    experiments: dict[Named, Experiment] = {}
    """Snakemake's target of each is its name."""


@dataclass(frozen=True)
class Run:
    """A model, or a recogniser of speakers, trained with certain settings and a certain seed."""

    name: str
    """Its folder below reports/."""
    weights: str
    """Its folder below models/: runs that differ in their evaluation alone share it."""
    packed: Path
    """The folder of the packed splits that it is trained and evaluated on."""
    model: str
    settings: Settings
    """All settings, with the seed as `train.seed`."""
    before: "Run | None" = None
    """The training of the recogniser of speakers that the model begins with."""


def table_of(experiment: str) -> Path:
    """What an experiment ends in."""
    return RESULTS / experiment / "table.parquet"


def _asks_for(experiment: str, words: Iterable[str]) -> bool:
    folder = RESULTS / experiment
    return any(word in (experiment, ALL) or folder in Path(word).parents for word in words)


def read_experiments(path: Path) -> dict[str, Experiment]:
    """Read and check `workflow/experiments.yaml`; none where there is no such file.

    Raises:
        VoicefaceError: it is not YAML, or holds a wrong key or value.
    """
    if not path.exists():
        return {}
    found = parse_section(ExperimentList, read_yaml(path), str(path)).experiments
    for name, experiment in found.items():
        labels = [cell.label for cell in experiment.cells]
        if twice := sorted({label for label in labels if labels.count(label) > 1}):
            raise VoicefaceError(f"{path}: {name}: two cells are called {twice[0]}")
    return found


def cells_of(experiment: Experiment) -> list[Cell]:
    """Its cells; without any, one for each model that there is."""
    return experiment.cells or [Cell(label=name, model=name) for name in model_sections()]


def runs_of(cell: Cell, experiment: Experiment, settings: Settings, where: str) -> list[Run]:
    """The runs of a cell, one for each seed.

    Args:
        settings: of config.yaml.
        where: the experiment's name, for what is said of a mistake.

    Raises:
        VoicefaceError: there is no such model, or it can't be run with these settings.
    """
    where = f"{where}, {cell.label}"
    if cell.model not in model_sections():
        raise VoicefaceError(f"{where}: {cell.model}: no such model; `voiceface models` lists them")
    changed = _changed({**experiment.settings, **cell.settings}, settings, where)
    seeds = settings.experiments.seeds if experiment.seeds is None else experiment.seeds
    runs = [_run(cell.model, changed, seed, settings, where) for seed in seeds]
    if cell.heard:
        number, _, unit = cell.heard.partition(" ")
        key = "seconds" if unit == "s" else "babble_snr_db"
        if float(number) not in getattr(runs[0].settings.evaluate, key):
            raise VoicefaceError(
                f"{where}: heard: {cell.heard} is not among evaluate.{key}; add it to `settings`"
            )
    return runs


def main_run(name: str, settings: Settings) -> Run:
    """The run of config.yaml itself: of a model, or of a recogniser."""
    return _run(name, {}, settings.train.seed, settings, name)


def _run(model: str, changed: dict[str, Any], seed: int, settings: Settings, where: str) -> Run:
    own = _with(settings, changed, where)
    section = getattr(own, model)
    recogniser = section.begins_with if isinstance(section, ModelSection) else None
    changed = _of(changed, model, recogniser, _TRAINING, _EVALUATION, _DATA)
    trained = _of(changed, model, recogniser, _TRAINING, _DATA)
    data = _of(changed, _DATA)
    before = None
    if recogniser:
        if wrong := own.wrong_embedding(model):
            raise VoicefaceError(f"{where}: {wrong}")
        # The same one for all seeds: how it was trained before is no part of the comparison.
        theirs = _of(changed, recogniser, _TRAINING, _DATA)
        before = _run(recogniser, theirs, settings.train.seed, settings, where)
    usual = seed == settings.train.seed
    return Run(
        _name(model, changed, None if usual and not changed else seed),
        _name(model, trained, None if usual and not trained else seed),
        PACKED / _name("", data, None) if data else PACKED,
        model,
        _with(settings, {**changed, "train.seed": seed}, where),
        before,
    )


def _of(changed: Mapping[str, Any], *sections: str | None) -> dict[str, Any]:
    """Those of the settings that are of certain sections."""
    return {key: value for key, value in changed.items() if key.partition(".")[0] in sections}


def _changed(wanted: Mapping[str, Any], settings: Settings, where: str) -> dict[str, Any]:
    """What of the wanted settings differs from config.yaml."""
    usual = settings.model_dump(mode="json")
    may = [*model_sections(), *recogniser_sections(), _TRAINING, _EVALUATION, _DATA]
    for key in wanted:
        section, _, name = key.partition(".")
        if section not in may or name not in usual[section]:
            raise VoicefaceError(
                f"{where}: {key}: no setting that an experiment can change; it can change keys of"
                f" {', '.join(may)}, as in `train.ema`"
            )
        if key == "train.seed":
            raise VoicefaceError(f"{where}: {key}: name the `seeds` of the experiment instead")
    now = _with(settings, wanted, where).model_dump(mode="json")
    return {key: _at(now, key) for key in sorted(wanted) if _at(now, key) != _at(usual, key)}


def _with(settings: Settings, changed: Mapping[str, Any], where: str) -> Settings:
    values = settings.model_dump(mode="json")
    for key, value in changed.items():
        section, _, name = key.partition(".")
        values[section][name] = value
    return parse_section(Settings, values, where)


def _at(values: Mapping[str, Any], key: str) -> Any:
    section, _, name = key.partition(".")
    return values[section][name]


def _name(model: str, changed: Mapping[str, Any], seed: int | None) -> str:
    """A folder's name that tells what differs, as in `wav2pix-px.128-3fa92c-seed1`."""
    parts = [model] if model else []
    if changed:
        told = "-".join(f"{key.partition('.')[2]}.{value}" for key, value in changed.items())
        parts.append(re.sub(r"[^a-z0-9._-]+", "_", told.lower())[:_LONGEST_NAME].strip("._-"))
        text = json.dumps(changed, sort_keys=True)
        parts.append(hashlib.sha256(text.encode()).hexdigest()[:6])
    if seed is not None:
        parts.append(f"seed{seed}")
    return "-".join(parts)


class Lab:
    """The experiments of a project, and the runs that they and config.yaml take."""

    def __init__(self, settings: Settings, words: Iterable[str] | None = ()) -> None:
        """Read them.

        Args:
            words: of Snakemake's command line, by which an experiment is asked for: its name, a
                file of its, or all of them. None in a job's own process, where nobody asks.

        Raises:
            VoicefaceError: as `read_experiments`.
        """
        self.settings = settings
        self.experiments = read_experiments(Path(settings.experiments.file))
        asked = [name for name in self.experiments if _asks_for(name, words or ())]
        self.made = list(self.experiments) if words is None else asked
        """Those that may be made. The others stay as they are, whatever they were made from:
        nobody waits for days of training because a setting changed."""
        self.shown = [name for name in self.experiments if name in asked or table_of(name).exists()]
        """Those for the report: asked for, or finished before."""

    def cells(self, name: str) -> list[tuple[Cell, list[Run]]]:
        """An experiment's cells, each with its runs.

        Raises:
            VoicefaceError: as `runs_of`.
        """
        experiment = self.experiments[name]
        where = f"{self.settings.experiments.file}: {name}"
        return [
            (cell, runs_of(cell, experiment, self.settings, where)) for cell in cells_of(experiment)
        ]

    def run(self, name: str) -> Run:
        """The run whose folder below reports/ or models/ has that name.

        Raises:
            VoicefaceError: there is none.
        """
        if name in model_sections() or name in recogniser_sections():
            return main_run(name, self.settings)
        if name not in self._runs:
            raise VoicefaceError(f"{name}: no such model; `voiceface models` lists them")
        return self._runs[name]

    def variant(self, name: str) -> Settings:
        """The settings of the packed data that lies in a folder of that name.

        Raises:
            VoicefaceError: no run takes it.
        """
        for run in self._runs.values():
            if run.packed == PACKED / name:
                return run.settings
        raise VoicefaceError(f"{name}: no experiment takes such data")

    @cached_property
    def _runs(self) -> dict[str, Run]:
        names = self.made or self.experiments  # a mistake in one is no matter to the others
        runs = [run for name in names for _, of in self.cells(name) for run in of]
        before = [run.before for run in runs if run.before]
        # Its own evaluation before any other of the same weights.
        return {run.weights: run for run in runs} | {run.name: run for run in [*before, *runs]}


def experiment_schema() -> str:
    """JSON Schema of the experiments: `workflow/schemas/experiments.schema.json`."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return json.dumps({**schema, **ExperimentList.model_json_schema()}, indent=2) + "\n"
