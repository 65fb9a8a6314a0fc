"""How fast the trainer trains and its models draw: samples a second, beside the published loops.

Each case is trained on synthetic pairs by the trainer's own code, and beside it the same networks,
losses and optimisers in the loop of the published repository (published.py), on the same threads:
as many as there are cores, and for the cases of the published figures on one as well.
The data's reading and decoding, which the published loops do for each sample, is left out of them.
`--quick` takes two steps of each instead of five, and the 64 px cases alone. On a GPU, where there
is one, the published loops run as they are, kernel by kernel, in fp32.

Writes `benchmarks/results/train.json`, or `train-gpu.json`:
`<model>_<px>_b<batch>_<dtype>_samples_per_s`, the same with `_published_samples_per_s` and
`_times_published` (by CPU seconds; on a GPU by time, and always of the published loop in fp32),
`_cpu_s_per_sample`; of one thread with `_1_thread` before these, of the paper's layers (the others
are the published code's) with `_paper` after the model's name;
`data_share`, the greatest share of a step that its batch takes (on a GPU, while it still computes
the step before); `generate_ms_b1`, of the slowest
model, and `generate_per_s`, faces a second of the slowest, drawn many at a time from 4 s of sound
each; the same in bf16, `generate_bf16_per_s`; and `<model>_…` of each. On a GPU also `_plain_…`, a
step that is not replayed as a CUDA graph; `_busy_share`, of the time in which the GPU computes;
`_tflop_per_s`, and `_of_peak`, what that is of a large product of matrices in bf16 in the same run
(`peak_bf16_tflop_per_s`); `_paper_size_s`, the time that Wav2Pix's whole published training would
take at that pace, 75,000 steps at batch 64 (it was not run); `_gpu_mib`, the most memory.
"""

import argparse
import copy
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from functools import partial
from itertools import cycle
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from machine import describe_machine, result_path, write_result
from published import acgan_step, wav2pix_step
from torch import Tensor
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

from voiceface.config import Settings, model_sections
from voiceface.data.batches import LENGTHS, Batch
from voiceface.data.packed import Packed
from voiceface.model_config import Acgan, Train, Wav2pix
from voiceface.models import registry
from voiceface.models.drawing import draw_faces
from voiceface.models.registry import Model
from voiceface.training.device import keep_memory, pick_device
from voiceface.training.distributed import Workers
from voiceface.training.run import Run

RATE_HZ = 16_000
ROWS = 512
MANY = 256
"""Faces that are drawn at a time."""
PAPER_STEPS = 75_000
"""Of Wav2Pix's code: 200 epochs of 24 k pairs at batch 64."""
RECORDED = 80
"""Steps after which a GPU has a record for each length of sound."""
DEVICE = pick_device("auto")
ON_GPU = DEVICE.type == "cuda"


class Case(NamedTuple):
    """A model as it is trained."""

    name: str
    section: Acgan | Wav2pix
    precision: str
    threads: int = 0
    """0: as many as there are cores."""

    @property
    def key(self) -> str:
        """The head of its figures' names."""
        name = self.name if self.section.variant == "code" else f"{self.name}_paper"
        threads = f"_{self.threads}_thread" if self.threads else ""
        return f"{name}_{self.section.px}_b{self.section.batch}_{self.precision}{threads}"


def cases(quick: bool) -> list[Case]:
    """What is measured: the originals' sizes, in fp32 and in bf16."""
    code = {"variant": "code", "feature_matching_weight": 100.0, "dropout": 0.5}
    sizes = [("wav2pix", Wav2pix(batch=64, **code)), ("acgan", Acgan(batch=128, variant="code"))]
    both = [Case(*size, kind) for size in sizes for kind in ("fp32", "bf16")]
    if quick:
        return both
    larger = [("wav2pix", Wav2pix(px=128, batch=64, **code)), ("acgan", Acgan(batch=128))]
    if ON_GPU:
        larger.append(("wav2pix", Wav2pix(batch=512, **code)))
        return both + [Case(*size, "bf16") for size in larger]
    both += [Case(*size, kind) for size in larger for kind in ("fp32", "bf16")]
    return both + [Case(*size, "fp32", 1) for size in sizes]


def synthetic(seed: int = 0) -> Packed:
    """Pairs of noise: what they show changes no speed."""
    rng = np.random.default_rng(seed)
    faces = rng.integers(0, 256, (ROWS, 128, 128, 3), np.uint8)
    audio = rng.integers(-3000, 3000, (ROWS, 4 * RATE_HZ), np.int16)
    labels = np.arange(ROWS) // (ROWS // 8)
    people = [f"speaker{label}" for label in labels]
    return Packed(
        split="train", faces=faces, audio=audio, labels=labels, people=people, recordings=people,
        genders=[""] * ROWS, speakers=sorted(set(people)), videos=[], sample_rate_hz=RATE_HZ,
        digest="", descriptors=np.zeros((ROWS, 128), np.float32),
    )  # fmt: skip


def measure(case: Case, packed: Packed, steps: int) -> dict[str, float]:
    """Figures of one case, its name not yet before them."""
    if case.threads:
        torch.set_num_threads(case.threads)
    config = Train(precision=case.precision)
    build = partial(registry.build, case.name, case.section)
    run = Run(config, case.section, packed, Workers(DEVICE), build)
    # The published loops know no channels-last.
    fetched = [Batch(*map(Tensor.contiguous, run.batches.next())) for _ in range(LENGTHS)]
    batches = cycle(fetched)
    published = _published(case, run)
    theirs = timed(lambda: published(next(batches)), steps, 5 if ON_GPU else 1)
    torch.backends.cudnn.deterministic = True  # as the trainer does
    keep_memory()  # as the train stage does
    with FlopCounterMode(display=False) if ON_GPU else nullcontext() as counter:
        run.advance()  # a first one is always done plainly, so that it can be counted
    ours = timed(run.advance, steps, RECORDED if ON_GPU else 0)
    data = timed(run.batches.next, steps)
    batch_size, kind = case.section.batch, "wall_s" if ON_GPU else "cpu_s"
    return {
        "samples_per_s": batch_size / ours.wall_s,
        "cpu_s_per_sample": ours.cpu_s / batch_size,
        "published_samples_per_s": batch_size / theirs.wall_s,
        "times_published": getattr(theirs, kind) / getattr(ours, kind),
        "data_share": getattr(data, kind) / getattr(ours, kind),
        **(_on_gpu(case, run, packed, steps, ours, counter.get_total_flops()) if counter else {}),
    }


def _on_gpu(
    case: Case, run: Run, packed: Packed, steps: int, ours: "Time", operations: int
) -> dict[str, float]:
    """What is to be told of a GPU's step beside its time and the operations in it."""
    config = run.config.model_copy(update={"cuda_graphs": False})
    build = partial(registry.build, case.name, case.section)
    plain = timed(Run(config, case.section, packed, Workers(DEVICE), build).advance, steps, 5)
    with profile(activities=[ProfilerActivity.CUDA]) as profiler:
        for _ in range(steps):
            run.advance()
        torch.cuda.synchronize()
    busy_s = sum(event.self_device_time_total for event in profiler.key_averages()) / 1e6 / steps
    rate, peak = operations / ours.wall_s / 1e12, peak_bf16()
    figures = {
        "plain_samples_per_s": case.section.batch / plain.wall_s,
        "busy_share": busy_s / ours.wall_s,
        "tflop_per_s": rate,
        "of_peak": rate / peak,
        "gpu_mib": torch.cuda.max_memory_allocated() / 2**20,
    }
    if case.name == "wav2pix" and (case.section.px, case.section.batch) == (64, 64):
        figures["paper_size_s"] = PAPER_STEPS * ours.wall_s
    return figures


def peak_bf16(size: int = 8192) -> float:
    """10^12 operations a second in a large product of matrices of noise."""
    first, second = torch.randn(2, size, size, device=DEVICE, dtype=torch.bfloat16)
    return 2 * size**3 / timed(lambda: first @ second, 10, 10).wall_s / 1e12


class Time(NamedTuple):
    """The median time of a call, in seconds."""

    wall_s: float
    cpu_s: float
    """On all threads."""


def timed(call: Callable[[], Any], times: int, warm: int = 1) -> Time:
    """Call it to warm up, and then so many times.

    On a GPU calls follow one another without waiting, as the trainer's do, in five stretches.
    """
    wait = torch.cuda.synchronize if ON_GPU else lambda: None
    for _ in range(warm):
        call()
    spans, together = [], times if ON_GPU else 1
    for _ in range(5 if ON_GPU else times):
        wait()
        wall, cpu = time.perf_counter(), time.process_time()
        for _ in range(together):
            call()
        wait()
        spans.append((time.perf_counter() - wall, time.process_time() - cpu))
    return Time(*(np.median(spans, 0) / together).tolist())


def _published(case: Case, run: Run) -> Callable[[Any], None]:
    model: Any = copy.copy(run.model)
    model.networks = {
        name: copy.deepcopy(network).to(memory_format=torch.contiguous_format)
        for name, network in run.model.networks.items()
    }
    return wav2pix_step(model) if case.name == "wav2pix" else acgan_step(model)


def drawing(packed: Packed, repeats: int) -> dict[str, float]:
    """How fast each model draws, from 4 s of sound: one face, and many at a time."""
    figures: dict[str, float] = {}
    for name in model_sections():
        section = getattr(Settings(), name)
        model = registry.build(name, section, 8, registry.Known(RATE_HZ, 7))
        assert isinstance(model, Model)
        for network in model.networks.values():
            network.to(DEVICE)
        one = timed(partial(draw_faces, model, packed.audio[:1], DEVICE), repeats)
        figures[f"{name}_generate_ms_b1"] = 1000 * one.wall_s
        for kind, precision in (("", "fp32"), ("bf16_", "bf16")):
            many = partial(draw_faces, model, packed.audio[:MANY], DEVICE, precision=precision)
            figures[f"{name}_generate_{kind}per_s"] = MANY / timed(many, 3).wall_s
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
            steps = (20 if ON_GPU else 5) // (2 if options.quick else 1)
            figures = own.submit(measure, case, packed, steps).result()
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
    device = torch.cuda.get_device_name() if ON_GPU else "cpu"
    whole = {"quick": options.quick, "machine": describe_machine(), "device": device}
    if ON_GPU:
        result["peak_bf16_tflop_per_s"] = peak_bf16()
    whole |= {"threads": torch.get_num_threads(), "torch": torch.__version__}
    figures = {name: float(f"{value:.4g}") for name, value in result.items()}
    name = "train-gpu" if ON_GPU else "train"
    write_result(options.json or result_path(name, quick=options.quick), whole | figures)


if __name__ == "__main__":
    main()
