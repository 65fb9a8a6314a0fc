"""Whether the models learn: what they reach within a budget, beside the same on shuffled voices.

    python benchmarks/learn.py [--quick] [--parts PARTS] [--models NAMES] [--world FOLDER]
        [--pictures FOLDER] [--json PATH]

Each model is trained by the stages that the rules run, with the settings of `LEARNERS`, and once
more on shuffled voices: what it then reaches is chance, or else the metric would not measure what
it says. The parts:

demo    the demo world's people, who hide in their voices what their faces show (learnworld.py says
        how their pairs are made). Here a model has goals.
real    some 20 minutes of real people (learnreal.py), of `../shared`: far too little to compare
        with the papers, and no goal.
sample  the two speakers of Wav2Pix's sample, in its own splits, which overlap.

`--quick` takes a tiny world and a few steps: it shows that all runs, and reaches nothing.
Writes `benchmarks/results/learn.json`: of each part and model its `budget` (steps, CPU seconds)
with that of the control, and of each figure, as in `identity_test`, the value with its 95 %
interval over speakers, what real faces get, chance, the control's value with its interval, the goal
and whether it is met. `--pictures` takes true and drawn faces; those of real people are not to be
passed on.
"""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from learnreal import pack_sample, pack_videos
from learnworld import World, pack_world, shuffle_voices
from line import measured
from machine import describe_machine, earlier, result_path, write_result

from voiceface import files
from voiceface.config import Evaluate
from voiceface.model_config import Acgan, ModelSection, RecogniserSection, Train, Voice, Wav2pix

Result = dict[str, Any]
Goals = dict[tuple[str, str], float]
"""What is to be reached at least, in percent, by metric and split."""
SHARED = Path(__file__).parents[2] / "shared"

FULL, QUICK = World(32, 20, 4, 6), World(4, 3, 2, 2)
EVALUATE = Evaluate(voices_per_split=160, seconds=(), classifier_steps=600)


@dataclass(frozen=True)
class Learner:
    """A model, how it is trained here, and what it must reach."""

    section: ModelSection
    goals: Goals
    begins: dict[str, RecogniserSection] = field(default_factory=dict)
    """The recogniser that it begins with, if any, and how that is trained."""
    train: Train = field(default_factory=Train)


LEARNERS = {
    "wav2pix": Learner(
        Wav2pix(steps=1500, batch=16),
        {("identity", "train"): 95, ("identity", "test"): 80, ("landmarks", "test"): 95},
    ),
    "acgan": Learner(
        Acgan(steps=1500, batch=32),
        {("gender", "test"): 95, ("gender", "unseen"): 95, ("matching", "unseen"): 85},
        {"voice": Voice(steps=600)},
    ),
}

SHOWN = [
    ("identity", "train"), ("identity", "test"), ("landmarks", "test"), ("gender", "test"),
    ("gender", "unseen"), ("matching", "test"), ("matching", "unseen"),
    ("matching_gender", "unseen"),
]  # fmt: skip
"""What is told of every model: a metric, and the split that it is told of."""


def learn(name: str, learner: Learner, packed: Path, folder: Path, quick: bool) -> Result:
    """Train and evaluate one model; returns its metrics, with its budget."""
    section, evaluate, few = learner.section, EVALUATE, {"steps": 4, "batch": 4}
    if quick:
        section = section.model_copy(update=few)
        evaluate = evaluate.model_copy(update={"voices_per_split": 6, "classifier_steps": 10})
    budget: Result = {"steps": section.steps, "cpu_s": 0.0}
    train, begin_with = _flag("config", learner.train), ""
    for recogniser, own in learner.begins.items():
        own = own.model_copy(update=few) if quick else own
        output = folder / recogniser
        begin_with = str(output / "encoder.safetensors")
        flags = [train, _flag("recogniser-config", own), f"--recogniser={recogniser}"]
        flags += [f"--packed={packed}", f"--output={output}"]
        budget[f"{recogniser}_steps"] = own.steps
        budget["cpu_s"] += _stage("voice", flags, folder)
    flags = [train, _flag("model-config", section), f"--model={name}", f"--packed={packed}"]
    flags += [f"--begin-with={begin_with}", f"--output={folder / name}"]
    budget["cpu_s"] = round(budget["cpu_s"] + _stage("train", flags, folder), 1)
    flags = [_flag("config", evaluate), f"--model={name}", f"--packed={packed}"]
    _stage("evaluate", [*flags, f"--models={folder}", f"--output={folder / 'report'}"], folder)
    return files.read_json(folder / "report" / "metrics.json") | {"budget": budget}


def beside(goals: Goals, true: Result, shuffled: Result) -> Result:
    """Figures of a model beside those of the control."""
    budget = true["budget"] | {"shuffled_cpu_s": shuffled["budget"]["cpu_s"]}
    result: Result = {"budget": budget}
    for metric, split in dict.fromkeys([*goals, *SHOWN]):
        value, control = (of["metrics"][metric]["values"][split] for of in (true, shuffled))
        figure = {
            "value": value["generated"],
            "interval": value.get("interval"),
            "real": value["real"],
            "chance": value.get("chance"),
            "shuffled": control["generated"],
            "shuffled_interval": control.get("interval"),
        }
        goal = goals.get((metric, split))
        if goal is not None:
            met = value["generated"] is not None and value["generated"] >= goal
            figure |= {"goal": goal, "met": met}
        result[f"{metric}_{split}"] = figure
    return result


def demo(folder: Path, options: argparse.Namespace) -> Path:
    """The demo world's packed splits."""
    return pack_world(options.world or folder, QUICK if options.quick else FULL)


def real(folder: Path, options: argparse.Namespace) -> Path:
    """Those of real people."""
    return pack_videos(folder, SHARED)


def sample(folder: Path, options: argparse.Namespace) -> Path:
    """Those of Wav2Pix's sample."""
    return pack_sample(folder, SHARED)


PARTS: dict[str, Callable[[Path, argparse.Namespace], Path]] = {
    "demo": demo,
    "real": real,
    "sample": sample,
}


def main() -> None:
    """Train, evaluate, print tables, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a tiny world, and a few steps")
    parser.add_argument("--parts", help=f"of {', '.join(PARTS)}, separated by commas")
    parser.add_argument("--models", help=f"of {', '.join(LEARNERS)}, separated by commas")
    parser.add_argument("--world", type=Path, help="keep the packed world there for a next run")
    parser.add_argument("--pictures", type=Path, help="put true and drawn faces there")
    parser.add_argument("--json", type=Path, help="where to write, if not to results/")
    options = parser.parse_args()
    target = options.json or result_path("learn", quick=options.quick)
    kind = {"quick": options.quick, "machine": describe_machine()}
    result = earlier(target, kind)
    parts = options.parts or ("demo" if options.quick else ",".join(PARTS))
    with tempfile.TemporaryDirectory() as temporary:
        for part in parts.split(","):
            folder = Path(temporary) / part
            packed = PARTS[part](folder / "true", options)
            for name in (options.models or ",".join(LEARNERS)).split(","):
                figures = beside_control(name, packed, folder, options)
                _print(f"{part}, {name}", figures)
                result.setdefault(part, {})[name] = figures
                write_result(target, result | kind)
    print(f"\nwritten: {target}")


def beside_control(
    name: str, packed: Path, folder: Path, options: argparse.Namespace
) -> dict[str, Result]:
    """A model's figures beside those of the same on shuffled voices."""
    learner, made = LEARNERS[name], {}
    data = {"true": packed, "shuffled": shuffle_voices(packed, folder / "shuffled")}
    for kind, splits in data.items():
        at = folder / f"{name}-{kind}"
        made[kind] = learn(name, learner, splits, at, options.quick)
        if options.pictures:
            options.pictures.mkdir(parents=True, exist_ok=True)
            picture = options.pictures / f"{folder.name}-{at.name}.png"
            shutil.copyfile(at / "report" / "generated.png", picture)
    goals = learner.goals if folder.name == "demo" else {}
    return beside(goals, made["true"], made["shuffled"])


def _flag(name: str, section: Any) -> str:
    return f"--{name}={section.model_dump_json()}"


def _stage(stage: str, flags: list[str], folder: Path) -> float:
    """Run a stage; returns its CPU seconds."""
    folder.mkdir(parents=True, exist_ok=True)
    print(f"{stage} in {folder}", flush=True)
    cost, _ = measured([sys.executable, "-m", f"voiceface.stages.{stage}", *flags], folder)
    return cost.cpu_s


def _print(name: str, result: Result) -> None:
    print(f"\n{name}: {result['budget']}")
    columns = ("value", "interval", "real", "chance", "shuffled", "shuffled_interval", "goal")
    print("".join(f"{column:>18}" for column in ("", *columns)))
    for key, figure in result.items():
        if key != "budget":
            shown = [_shown(figure.get(column)) for column in columns]
            missed = "" if figure.get("met", True) else "  missed"
            print("".join(f"{text:>18}" for text in (key, *shown)) + missed)


def _shown(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, list | tuple):
        return " to ".join(f"{end:.1f}" for end in value)
    return f"{value:.1f}"


if __name__ == "__main__":
    main()
