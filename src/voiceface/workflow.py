"""What the Snakefile needs of the package: settings as text, code digests, the list of videos."""

import json
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from voiceface.building.code_record import record_code
from voiceface.codehash import code_digest, used_libraries
from voiceface.config import Settings, recogniser_sections
from voiceface.errors import VoicefaceError
from voiceface.experiments import Lab, Run
from voiceface.layout import MANIFEST, OUTCOMES, REPORT, VIDEO_LIST
from voiceface.libraries import LOCK, pinned, read_pins
from voiceface.model_config import EmbeddingSection
from voiceface.section import Section, parse_section
from voiceface.sources import built_videos, read_videos, with_licence
from voiceface.tables import SPLITS


def growing(amount: int) -> Callable[[Any, int], int]:
    """A resource in Snakemake's form: `amount`, and as much again for each new try of a job.

    So a job that a cluster killed for its memory or its time gets more of both.
    """
    return lambda wildcards, attempt: attempt * amount


def files_in(storage: Any) -> Callable[[Any], str]:
    """A rule's parameter in Snakemake's form: where a job finds `data/`, `models/` and `reports/`.

    Args:
        storage: Snakemake's settings of a default storage, such as S3, of which a job sees copies;
            without one they lie in the project's folder.
    """
    prefix = storage.default_storage_prefix
    folder = f"{storage.local_storage_prefix}/{prefix.replace('://', '/', 1)}" if prefix else "."
    return lambda wildcards: folder


class Plan:
    """The checked settings and the videos, as the rules use them.

    Raises:
        VoicefaceError: a setting is wrong, or there is no list of videos or of versions.
    """

    def __init__(self, config: dict[str, Any], words: Iterable[str] | None = ()) -> None:
        """Check them all.

        Args:
            config: config.yaml, as Snakemake read it.
            words: of Snakemake's command line, see `Lab`.
        """
        self.settings = parse_section(Settings, config, "config.yaml")
        self.pins = read_pins(LOCK)
        if not VIDEO_LIST.exists():
            raise VoicefaceError(f"{VIDEO_LIST}: no such file; make it with `voiceface resolve`")
        listed = read_videos(VIDEO_LIST)
        if with_licence(listed, self.settings.resolve.require_licence) != listed:
            raise VoicefaceError(
                f"{VIDEO_LIST}: was made with another resolve.require_licence; run"
                " `voiceface build` once, or `voiceface resolve`"
            )
        built = built_videos(VIDEO_LIST, OUTCOMES)
        self.videos = [row.video for row in built]
        self._clips = {row.video: row.clips for row in built if row.clips}
        self.models = self.settings.models
        begun_with = {getattr(self.settings, model).begins_with for model in self.models}
        wanted = begun_with.union(self.settings.recognisers)
        self.recognisers = [name for name in recogniser_sections() if name in wanted]
        own = (self.settings.evaluate.vgg_face_weights, self.settings.evaluate.inception_weights)
        self.metric_weights = [path for path in own if path and Path(path).exists()]
        self.launch = _launcher(self.settings.train.devices)
        self.lab = Lab(self.settings, words)

    def section(self, name: str | None = None) -> str:
        """A section of the settings, or all of them, as JSON: equal settings, equal text."""
        values = self.settings.model_dump(mode="json")
        return json.dumps(values if name is None else values[name], sort_keys=True)

    def stage(self, name: str) -> dict[str, str]:
        """What a stage's result depends on besides its input files: its code and its settings."""
        return {"code": self.code(name), "config": self.section(name)}

    def clips(self, wildcards: Any) -> str:
        """The stretches to use of the video that a job is for, as in sources.csv; empty: all."""
        return self._clips.get(wildcards.video, "")

    def missing(self, patterns: Iterable[str]) -> list[str]:
        """The files of all videos, splits, models and recognisers that a finished build lacks.

        Args:
            patterns: with one wildcard at most, as in `data/faces/{video}.parquet`.
        """
        if not (MANIFEST.exists() or REPORT.exists()):
            return []  # a first build makes them all without being asked
        values = {"video": self.videos, "split": SPLITS, "model": self.models}
        values["recogniser"] = self.recognisers
        values |= {"experiment": [], "variant": []}  # made when they are asked for, and only then
        there: dict[str, set[str]] = {}
        lacking = []
        for pattern in map(str, patterns):
            before, wildcard, after = _at_wildcard(pattern)
            for path in (f"{before}{value}{after}" for value in values.get(wildcard, [""])):
                folder, name = os.path.split(path)
                if folder not in there:
                    there[folder] = set(os.listdir(folder)) if os.path.isdir(folder) else set()
                if name not in there[folder]:
                    lacking.append(path)
        return lacking

    def section_of_run(self, name: str) -> Callable[[Any], str]:
        """A rule's parameter in Snakemake's form: a section of the settings of a job's run."""
        return lambda wildcards: _json(getattr(self._run(wildcards).settings, name))

    def model_section(self, wildcards: Any) -> str:
        """The settings of the model or the recogniser that a job is for.

        Raises:
            VoicefaceError: there is no such model.
        """
        run = self._run(wildcards)
        return _json(getattr(run.settings, run.model))

    def model_code(self, wildcards: Any) -> str:
        """As `code`, of the model or the recogniser that a job is for.

        Raises:
            VoicefaceError: there is no such model.
        """
        return self._code(f"voiceface.models.{self.model_name(wildcards)}")

    def model_name(self, wildcards: Any) -> str:
        """The model that a job is for."""
        return self._run(wildcards).model

    def weights(self, wildcards: Any) -> str:
        """The folder below models/ of the model that a job evaluates."""
        return self._run(wildcards).weights

    def trained(self, wildcards: Any) -> list[str]:
        """The files of the model that a job evaluates."""
        folder = f"models/{self.weights(wildcards)}"
        return [f"{folder}/generator.safetensors", f"{folder}/model.json"]

    def packed(self, wildcards: Any) -> str:
        """The folder of the packed splits that a job trains or evaluates on."""
        return str(self._run(wildcards).packed)

    def packed_parts(self, parts: Sequence[str]) -> Callable[[Any], list[str]]:
        """A rule's input in Snakemake's form: these parts of all splits of that folder."""
        return lambda wildcards: [
            f"{self.packed(wildcards)}/{split}/{part}" for split in SPLITS for part in parts
        ]

    def variant_section(self, wildcards: Any) -> str:
        """The settings of the dataset that an experiment takes in place of the project's own."""
        return _json(self.lab.variant(wildcards.variant).dataset)

    def experiment(self, wildcards: Any) -> str:
        """An experiment with its cells, as JSON."""
        cells = [cell for cell, _ in self.lab.cells(wildcards.experiment)]
        return _json(self.lab.experiments[wildcards.experiment].model_copy(update={"cells": cells}))

    def experiment_runs(self, wildcards: Any) -> str:
        """The names and seeds of the runs of each of its cells, as JSON."""
        cells = self.lab.cells(wildcards.experiment)
        return json.dumps([[[run.name, run.settings.train.seed] for run in of] for _, of in cells])

    def experiment_metrics(self, wildcards: Any) -> list[str]:
        """The metrics of all of its runs."""
        cells = self.lab.cells(wildcards.experiment)
        return sorted({f"reports/{run.name}/metrics.json" for _, runs in cells for run in runs})

    def begin_with(self, wildcards: Any) -> list[str]:
        """The weights that the model that a job is for takes as trained before."""
        run = self._run(wildcards)
        if run.before:
            return [f"models/{run.before.weights}/encoder.safetensors"]
        section = getattr(run.settings, run.model)
        own = section.embedding if isinstance(section, EmbeddingSection) else None
        return [own] if own else []

    def _run(self, wildcards: Any) -> Run:
        """What a job trains or evaluates: a model, or a recogniser.

        Raises:
            VoicefaceError: there is no such model.
        """
        return self.lab.run(wildcards.get("recogniser") or wildcards.model)

    def code(self, name: str) -> str:
        """Digest of the code of a stage, and the versions of the libraries that it uses."""
        return self._code(f"voiceface.stages.{name}")

    def _code(self, module: str) -> str:
        digest = code_digest(module)
        record_code(digest, module)
        return f"{digest} {pinned(used_libraries(module), self.pins)}".rstrip()

    def set_environment(self, root: Path) -> None:
        """Give the jobs what they take from the environment.

        Args:
            root: the folder of the workflow, with the package under `src`.
        """
        # Rules call `python`: the one that runs Snakemake, unless a conda environment is asked for.
        # In either, the package is found where the workflow lies.
        python = str(Path(sys.executable).parent)
        os.environ["PATH"] = os.pathsep.join([python, os.environ.get("PATH", "")])
        os.environ["PYTHONPATH"] = str(root.resolve() / "src")
        # How to download makes no video stale that is here: these settings take this way, which
        # Snakemake does not compare.
        os.environ["VOICEFACE_DOWNLOAD"] = self.section("download")
        os.environ["VOICEFACE_LOCAL_ROOTS"] = json.dumps(self.settings.resolve.local_roots)


def _at_wildcard(pattern: str) -> tuple[str, str, str]:
    """A pattern, which may have a constraint, as in `data/{video,[a-z]+}.csv`, at its wildcard."""
    before, _, rest = pattern.partition("{")
    wildcard, _, after = rest.partition("}")
    return before, wildcard.partition(",")[0], after


def _json(section: Section) -> str:
    return json.dumps(section.model_dump(mode="json"), sort_keys=True)


def _launcher(devices: int) -> str:
    """What starts the training: a process, or one for each device."""
    torchrun = f"torchrun --standalone --nproc-per-node={devices}"
    return "python" if devices == 1 else torchrun
