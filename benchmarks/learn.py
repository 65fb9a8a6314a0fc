"""Whether the models learn: what they reach within a budget, beside the same on shuffled voices.

    python benchmarks/learn.py [--quick] [--parts PARTS] [--models NAMES] [--world FOLDER]
        [--seeds N] [--at-once N] [--share X] [--without-control] [--shared FOLDER]
        [--pictures FOLDER] [--json PATH]

Each model is trained by the stages that the rules run, with the settings of `LEARNERS`, on as many
seeds as are asked for, and once more on shuffled voices: what it then reaches is chance, or else
the metric would not measure what it says. All models see as many pairs. The parts:

demo    the demo world's people, who hide in their voices what their faces show (learnworld.py says
        how their pairs are made). Here Wav2Pix has goals.
crowd   many more of them, with fewer pairs of each: who is to draw people that no model has heard
        learns from many, as the AC-GAN's authors do from 924. Here the AC-GAN has goals.
compare the same people and a third of the steps, for all models beside one another, without
        controls.
real    some 20 minutes of real people (learnreal.py) that lie in `--shared`: far too little to
        compare with the papers, and no goal; a third of the steps.
sample  the two speakers of Wav2Pix's sample, in its own splits, which overlap; as many.

Trained on a GPU where there is one, as the trainer does: on a CPU so many steps take half an hour
and more for each model, and as long for its control; `--share` takes a share of them. `--quick`
takes a tiny world and a few steps: it shows that all runs, and reaches nothing.
`--without-control` trains nothing on shuffled voices: the control's figures stay those of an
earlier run, if there was one, and `control_steps` says of how many steps.
Writes `benchmarks/results/learn.json`: of each part and model its `budget` (steps and pairs in
each, seconds of time and of CPU in all trainings, of which so many ran at once, and beside these
one recogniser's, where the model begins with it), and of each
figure, as in `identity_test`, the mean over the seeds with its 95 % interval (over seeds; of one
seed, over speakers), the value of each seed, what real faces get, chance, the control's value with
its interval over speakers and whether chance is within that, the goal and whether it is met.
`told_traits`, of the matching of unseen drawn people, is what one gets who hears no voice but is
told all that voices and faces share there: about as much as can be.
`--pictures` takes true and drawn faces; those of real people are not to be passed on.
"""

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import torch
from learnreal import pack_sample, pack_videos
from learnworld import World, matching_told, pack_world, shuffle_voices
from line import Cost, measured
from machine import describe_machine, earlier, result_path, write_result

from voiceface import files
from voiceface.config import Evaluate
from voiceface.evaluation.intervals import of_seeds
from voiceface.model_config import (
    Acgan,
    Fegan,
    Mapping,
    ModelSection,
    Modern,
    RecogniserSection,
    Sincnet,
    Speech2face,
    Train,
    Vnet,
    Voice,
    Wav2pix,
)

Result = dict[str, Any]
Goals = dict[tuple[str, str], float]
"""What is to be reached at least, in percent, by metric and split."""
SHARED = Path(__file__).parents[2] / "shared"

FULL, CROWD, QUICK = World(24, 20, 6, 6), World(160, 20, 2, 6), World(4, 3, 2, 2)
QUICK_SHARE = 1 / 2500
"""Of the steps."""
EVALUATE = Evaluate(voices_per_split=160, seconds=(), classifier_steps=600)
TRAIN = Train(precision="bf16", ema=0.999, log_every=100, grid_every=2000)
"""bf16 halves the time where the processor knows it."""
PAIRS = {"steps": 4500, "batch": 16}
"""What every model sees."""


@dataclass(frozen=True)
class Learner:
    """A model, how it is trained on the demo world, and what it must reach, by part."""

    section: ModelSection
    goals: dict[str, Goals] = field(default_factory=dict)


LEARNERS = {
    "wav2pix": Learner(
        Wav2pix(**PAIRS, lr_generator=3e-4),
        {"demo": {("identity", "train"): 95, ("identity", "test"): 80, ("landmarks", "test"): 95}},
    ),
    "acgan": Learner(
        Acgan(**PAIRS),
        {"crowd": {("gender", "test"): 95, ("gender", "unseen"): 95, ("matching", "unseen"): 85}},
    ),
    "fegan": Learner(Fegan(**PAIRS)),
    "speech2face": Learner(Speech2face(**PAIRS)),
    "mapping": Learner(Mapping(**PAIRS)),
    "modern": Learner(Modern(**PAIRS)),
}
RECOGNISERS: dict[str, RecogniserSection] = {
    "voice": Voice(steps=800),
    "vnet": Vnet(steps=400),
    "sincnet": Sincnet(steps=1500, hop_s=0.1),  # by 10 ms it would be told slowly
}
"""What models begin with, and how that is trained."""

SHOWN = [
    ("identity", "train"), ("identity", "test"), ("landmarks", "test"), ("gender", "test"),
    ("gender", "unseen"), ("matching", "test"), ("matching", "unseen"),
    ("matching_gender", "unseen"), ("frechet_dlib", "test"), ("frechet_dlib", "unseen"),
]  # fmt: skip
"""What is told of every model: a metric, and the split that it is told of."""


@dataclass(frozen=True)
class Training:
    """One training of a model or of a recogniser, and where it is done."""

    name: str
    section: Any
    packed: Path
    folder: Path
    """Of all trainings on these splits."""
    seed: int = 0
    quick: bool = False
    threads: int = 1

    @property
    def output(self) -> Path:
        """Its own folder."""
        return self.folder / f"{self.name}-{self.seed}"

    def recognise(self) -> float:
        """Train a recogniser, and tell how well it does; returns the seconds of CPU."""
        flags = [_flag("recogniser-config", self.section), f"--recogniser={self.name}"]
        flags += [_flag("config", TRAIN), f"--output={self.output}"]
        return self._stage("voice", flags).cpu_s

    def learn(self) -> Result:
        """Train and evaluate a model; returns its metrics, with what the training took."""
        begins, evaluate = self.section.begins_with, EVALUATE
        if self.quick:
            evaluate = evaluate.model_copy(update={"voices_per_split": 6, "classifier_steps": 10})
        weights = self.folder / f"{begins}-0" / "encoder.safetensors" if begins else ""
        train = TRAIN.model_copy(update={"seed": self.seed})
        flags = [_flag("model-config", self.section), _flag("config", train)]
        flags += [f"--begin-with={weights}", f"--output={self.output / self.name}"]
        cost = self._stage("train", [*flags, f"--model={self.name}"])
        flags = [_flag("config", evaluate), f"--models={self.output}", f"--model={self.name}"]
        self._stage("evaluate", [*flags, f"--output={self.output / 'report'}"])
        shutil.rmtree(self.output / self.name)  # its checkpoint takes 200 MB
        metrics: Result = files.read_json(self.output / "report" / "metrics.json")
        return metrics | {"cpu_s": cost.cpu_s, "wall_s": cost.wall_s}

    def _stage(self, stage: str, flags: list[str]) -> Cost:
        self.output.mkdir(parents=True, exist_ok=True)
        print(f"{stage} in {self.output}", flush=True)
        command = [sys.executable, "-m", f"voiceface.stages.{stage}", f"--packed={self.packed}"]
        variables = os.environ | {"OMP_NUM_THREADS": str(self.threads)}
        cost, _ = measured([*command, *flags], self.output, variables)
        return cost


def beside(goals: Goals, true: list[Result], control: Result | None, before: Result) -> Result:
    """Figures of a model, of each seed, beside those of the control, or of the one before."""
    result: Result = {}
    for metric, split in dict.fromkeys([*goals, *SHOWN]):
        values = [of["metrics"][metric]["values"][split] for of in true]
        drawn = [value["generated"] for value in values]
        mean = sum(drawn) / len(drawn) if None not in drawn else None
        many = len(drawn) > 1 and mean is not None
        figure = {
            "value": mean,
            "interval": of_seeds(drawn) if many else values[0].get("interval"),
            "seeds": drawn,
            "real": values[0]["real"],
            "chance": values[0].get("chance"),
        }
        if control:
            shuffled = control["metrics"][metric]["values"][split]
            figure["shuffled"] = shuffled["generated"]
            figure["shuffled_interval"] = shuffled.get("interval")
        else:
            told = before.get(f"{metric}_{split}", {})
            kept = ("shuffled", "shuffled_interval")
            figure |= {key: told[key] for key in kept if key in told}
        if figure["chance"] is not None and (spread := figure.get("shuffled_interval")):
            figure["control_at_chance"] = spread[0] <= figure["chance"] <= spread[1]
        goal = goals.get((metric, split))
        if goal is not None:
            figure |= {"goal": goal, "met": mean is not None and mean >= goal}
        result[f"{metric}_{split}"] = figure
    return result


def drawn(world: World, folder: Path, options: argparse.Namespace) -> Path:
    """Some drawn people's packed splits."""
    return pack_world(options.world or folder, QUICK if options.quick else world)


def real(folder: Path, options: argparse.Namespace) -> Path:
    """Those of real people."""
    return pack_videos(folder, options.shared)


def sample(folder: Path, options: argparse.Namespace) -> Path:
    """Those of Wav2Pix's sample."""
    return pack_sample(folder, options.shared)


@dataclass(frozen=True)
class Part:
    """People, and how models are trained on them."""

    pack: Callable[[Path, argparse.Namespace], Path]
    share: float = 1.0
    """Of the steps."""
    control: bool = True
    is_drawn: bool = True


PARTS = {
    "demo": Part(partial(drawn, FULL)),
    "crowd": Part(partial(drawn, CROWD)),
    "compare": Part(partial(drawn, CROWD), 1 / 3, control=False),
    "real": Part(real, 1 / 3, is_drawn=False),
    "sample": Part(sample, 1 / 3, is_drawn=False),
}


def main() -> None:
    """Train, evaluate, print tables, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a tiny world, and a few steps")
    parser.add_argument("--parts", help=f"of {', '.join(PARTS)}, separated by commas")
    parser.add_argument("--models", help=f"of {', '.join(LEARNERS)}, separated by commas")
    parser.add_argument("--world", type=Path, help="keep the packed world there for a next run")
    parser.add_argument("--seeds", type=int, default=1, help="trainings of each model")
    parser.add_argument("--at-once", type=int, default=1, help="trainings at a time")
    parser.add_argument("--share", type=float, default=1.0, help="so large a share of the steps")
    parser.add_argument("--without-control", action="store_true", help="on no shuffled voices")
    parser.add_argument("--shared", type=Path, default=SHARED, help="where the real people lie")
    parser.add_argument("--pictures", type=Path, help="put true and drawn faces there")
    parser.add_argument("--json", type=Path, help="where to write, if not to results/")
    options = parser.parse_args()
    target = options.json or result_path("learn", quick=options.quick)
    kind = {"quick": options.quick, "machine": describe_machine()}
    kind["device"] = torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"
    result = earlier(target, kind)
    parts = options.parts or ("demo" if options.quick else ",".join(PARTS))
    with tempfile.TemporaryDirectory() as temporary:
        for part in parts.split(","):
            of_part = result.setdefault(part, {})
            for name, figures in learn(PARTS[part], Path(temporary) / part, options, dict(of_part)):
                _print(f"{part}, {name}", figures)
                of_part[name] = figures
                write_result(target, result | kind)
    print(f"\nwritten: {target}")


def learn(
    part: Part, folder: Path, options: argparse.Namespace, before: Result
) -> Iterable[tuple[str, dict[str, Result]]]:
    """Each model's figures beside those of the same on shuffled voices.

    Args:
        before: each model's figures of an earlier run.
    """
    data = {"true": part.pack(folder / "true", options)}
    if part.control and not options.without_control:
        data["shuffled"] = shuffle_voices(data["true"], folder / "shuffled")
    chosen = (options.models or ",".join(LEARNERS)).split(",")
    told = matching_told(data["true"]) if part.is_drawn else None
    begins = {LEARNERS[name].section.begins_with for name in chosen} - {None}
    share = part.share * options.share * (QUICK_SHARE if options.quick else 1)

    def training(name: str, kind: str, seed: int = 0) -> Training:
        section: Any = RECOGNISERS[name] if name in RECOGNISERS else LEARNERS[name].section
        fewer = {"steps": max(2, round(share * section.steps))}
        less = section.model_copy(update=fewer | ({"batch": 8} if options.quick else {}))
        threads = max(1, (os.cpu_count() or 1) // options.at_once)
        at = folder / f"at-{kind}"
        return Training(name, less, data[kind], at, seed, options.quick, threads)

    with ThreadPoolExecutor(options.at_once) as pool:
        recognisers = [training(name, kind) for name in begins for kind in data]
        began = zip(recognisers, pool.map(Training.recognise, recognisers), strict=True)
        began_s = {each.name: cpu_s for each, cpu_s in began if each.packed == data["true"]}
        seeds = [("true", seed) for seed in range(options.seeds)]
        seeds += [("shuffled", 0)] * (len(data) - 1)
        planned = {name: [training(name, *each) for each in seeds] for name in chosen}
        running = {
            name: [pool.submit(each.learn) for each in trainings]
            for name, trainings in planned.items()
        }
        for name, trainings in planned.items():
            done = [each.result() for each in running[name]]
            true, controls = done[: options.seeds], done[options.seeds :]
            if options.pictures:
                _keep_pictures(options.pictures, folder.name, trainings)
            goals = LEARNERS[name].goals.get(folder.name, {})
            earlier_run, control = before.get(name, {}), controls[0] if controls else None
            figures = beside(goals, true, control, earlier_run)
            budget = _budget(trainings[0].section, done, options.at_once, began_s)
            if control is None and (ran := earlier_run.get("budget")):
                budget["control_steps"] = ran.get("control_steps", ran["steps"])
            if told is not None:
                figures["matching_unseen"]["told_traits"] = told
            yield name, {"budget": budget, **figures}


def _budget(section: Any, done: list[Result], at_once: int, began_s: dict[str, float]) -> Result:
    budget = {"steps": section.steps, "batch": section.batch, "at_once": at_once}
    budget |= {key: round(sum(of[key] for of in done), 1) for key in ("cpu_s", "wall_s")}
    if section.begins_with:
        budget["recogniser_cpu_s"] = round(began_s[section.begins_with], 1)
    return budget


def _keep_pictures(target: Path, part: str, trainings: list[Training]) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for each in trainings:
        kind = each.folder.name.removeprefix("at-")
        name = f"{part}-{each.name}-{kind}-{each.seed}.png"
        shutil.copyfile(each.output / "report" / "generated.png", target / name)


def _flag(name: str, section: Any) -> str:
    return f"--{name}={section.model_dump_json()}"


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
