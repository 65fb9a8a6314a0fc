"""How fast the trainer trains and its models draw: samples a second, beside the published loops.

Each case is trained on synthetic pairs by the trainer's own code, and beside it the same networks,
losses and optimisers in the loop of the published repository (published.py), on the same threads.
The data's reading and decoding, which the published loops do for each sample, is left out of them.
`--quick` takes two steps of each instead of five, and the 64 px cases alone.

Writes `benchmarks/results/train.json`: `<model>_<px>_b<batch>_<dtype>_samples_per_s`, the same
with `_published_samples_per_s` and `_times_published` (by CPU seconds), `_cpu_s_per_sample`;
`data_share`, the greatest share of a step that its batch takes; `generate_ms_b1`, of the slowest
model, and `generate_per_s`, faces a second of the slowest, drawn many at a time from 4 s of sound
each; the same in bf16, `generate_bf16_per_s`; and `<model>_…` of each.
"""

import argparse
import copy
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from machine import describe_machine, result_path, write_result
from published import acgan_step, wav2pix_step

from voiceface.data.packed import Packed
from voiceface.model_config import Acgan, ModelSection, Train, Wav2pix
from voiceface.models import registry
from voiceface.models.drawing import draw_faces
from voiceface.models.registry import Model
from voiceface.training.device import keep_memory
from voiceface.training.distributed import Workers
from voiceface.training.run import Run

RATE_HZ = 16_000
ROWS = 512


class Case(NamedTuple):
    """A model as it is trained."""

    name: str
    section: ModelSection
    precision: str

    @property
    def key(self) -> str:
        """The head of its figures' names."""
        return f"{self.name}_{self.section.px}_b{self.section.batch}_{self.precision}"


def cases(quick: bool) -> list[Case]:
    """What is measured: the originals' sizes, in fp32 and in bf16."""
    code = {"variant": "code", "feature_matching_weight": 100.0, "dropout": 0.5}
    sizes = [Wav2pix(batch=64, **code), Acgan(batch=128, variant="code")]
    if not quick:
        sizes += [Wav2pix(px=128, batch=64, **code), Acgan(batch=128)]
    named = [("acgan" if isinstance(size, Acgan) else "wav2pix", size) for size in sizes]
    return [Case(*one, precision) for one in named for precision in ("fp32", "bf16")]


def synthetic(seed: int = 0) -> Packed:
    """Pairs of noise: what they show changes no speed."""
    rng = np.random.default_rng(seed)
    faces = rng.integers(0, 256, (ROWS, 128, 128, 3), np.uint8)
    audio = rng.integers(-3000, 3000, (ROWS, 4 * RATE_HZ), np.int16)
    labels = np.arange(ROWS) // (ROWS // 8)
    people = [f"speaker{label}" for label in labels]
    return Packed(
        "train", faces, audio, labels, people, people, sorted(set(people)), [], RATE_HZ, "",
        np.zeros((ROWS, 128), np.float32),
    )  # fmt: skip


def measure(case: Case, packed: Packed, steps: int) -> dict[str, float]:
    """Figures of one case, its name not yet before them."""
    config = Train(device="cpu", precision=case.precision)
    build = partial(registry.build, case.name, case.section)
    run = Run(config, case.section, packed, Workers(torch.device("cpu")), build)
    other = partial(_published(case, run), run.batches.next())
    theirs = timed(other, steps)
    keep_memory()  # as the train stage does
    ours, data = timed(run.advance, steps), timed(run.batches.next, steps)
    batch_size = case.section.batch
    return {
        "samples_per_s": batch_size / ours.wall_s,
        "cpu_s_per_sample": ours.cpu_s / batch_size,
        "published_samples_per_s": batch_size / theirs.wall_s,
        "times_published": theirs.cpu_s / ours.cpu_s,
        "data_share": data.cpu_s / ours.cpu_s,
    }


class Time(NamedTuple):
    """The median time of a call, in seconds."""

    wall_s: float
    cpu_s: float
    """On all threads."""


def timed(call: Callable[[], Any], times: int) -> Time:
    """Call it once to warm up, and then so many times."""
    call()
    spans = []
    for _ in range(times):
        wall, cpu = time.perf_counter(), time.process_time()
        call()
        spans.append((time.perf_counter() - wall, time.process_time() - cpu))
    return Time(*np.median(spans, 0).tolist())


def _published(case: Case, run: Run) -> Callable[[Any], None]:
    model: Any = copy.copy(run.model)
    model.networks = {
        name: copy.deepcopy(network).to(memory_format=torch.contiguous_format)
        for name, network in run.model.networks.items()
    }
    return wav2pix_step(model) if case.name == "wav2pix" else acgan_step(model)


def drawing(packed: Packed, repeats: int) -> dict[str, float]:
    """How fast each model draws, from 4 s of sound: one face, and many at a time."""
    cpu, figures = torch.device("cpu"), {}
    for name, section in (("wav2pix", Wav2pix()), ("acgan", Acgan())):
        model = registry.build(name, section, 8)
        assert isinstance(model, Model)
        one = timed(partial(draw_faces, model, packed.audio[:1], cpu), repeats)
        figures[f"{name}_generate_ms_b1"] = 1000 * one.wall_s
        for kind, precision in (("", "fp32"), ("bf16_", "bf16")):
            many = partial(draw_faces, model, packed.audio[:256], cpu, precision=precision)
            figures[f"{name}_generate_{kind}per_s"] = 256 / timed(many, repeats).wall_s
    return figures


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="two steps of each, and few cases")
    parser.add_argument("--json", type=Path, help="where to write the result")
    options = parser.parse_args()
    packed, result = synthetic(), {}
    shares = []
    for case in cases(options.quick):
        with ProcessPoolExecutor(1, get_context("spawn")) as own:  # none keeps memory for the next
            figures = own.submit(measure, case, packed, 2 if options.quick else 5).result()
        shares.append(figures.pop("data_share"))
        result |= {f"{case.key}_{name}": value for name, value in figures.items()}
        print(case.key, {name: round(value, 3) for name, value in figures.items()}, flush=True)
    drawn = drawing(packed, 3 if options.quick else 10)
    result |= drawn
    result["data_share"] = max(shares)
    result["generate_ms_b1"] = max(v for k, v in drawn.items() if k.endswith("_ms_b1"))
    for name in ("generate_per_s", "generate_bf16_per_s"):
        result[name] = min(v for k, v in drawn.items() if k.endswith(name))
    for name in ("data_share", "generate_ms_b1", "generate_per_s", "generate_bf16_per_s"):
        print(name, round(result[name], 3))
    whole = {"quick": options.quick, "machine": describe_machine(), "device": "cpu"}
    whole |= {"threads": torch.get_num_threads(), "torch": torch.__version__}
    figures = {name: float(f"{value:.4g}") for name, value in result.items()}
    write_result(options.json or result_path("train", quick=options.quick), whole | figures)


if __name__ == "__main__":
    main()
