"""How many marks make the demo world's dataset 99 % pure, with and without the assistance.

    python benchmarks/assist.py [--quick] [--seed N] [--world FOLDER] [--json PATH]

A world is built up to the manifest with the shipped settings. The pool is every sample that has a
face and is no copy of another one, flagged or not. The curator is simulated: their marks are the
truth (demo.truth.is_clean). A mark is one sample looked at and decided; all start without any.
Purity is the share of good samples among those kept, yield the share of the good that is kept.

- `alone`: no flags and no model. All samples are looked at in random order, and what the curator
  kept is kept: always pure, and the yield grows with the marks;
- `flags`: what has no flag is kept unless it was dropped; it is looked at in random order;
- `assisted`: the same, in the order of `review.assist.suspects_first`, the model trained again
  after every 5 marks.

`marks` is after how many the purity is at least 99 % for good (of 20 random orders, the mean).
`alone` gets the marks that it needs for as many good samples as `assisted` has then, so that it
can't win by keeping little. `fewer_than_alone` and `fewer_than_flags` are the ratios.

To reach 99 % is one thing, to know it another: `audit_marks` is how many samples of a random audit
must all be good until the upper bound of `audit.share_of` on the error is under 1 %, in a dataset
of any size. `curve` is (marks, purity, yield) of `assisted`; `model_decides` is the same where the
model's probability decides also on what has a flag, and the least sure samples come first.
"""

import argparse
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from clean import FULL, QUICK, build, judged_segments
from machine import describe_machine, result_path, write_result

from voiceface.demo.world import render_world
from voiceface.review.assist import Features, features_of, suspects_first, train
from voiceface.review.audit import share_of
from voiceface.review.table import ReviewTable

_BATCH = 5
_ORDERS = 20
_PURE = 0.99

Curve = list[tuple[int, float, float]]


def main() -> None:
    """Render, build, simulate the curator, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="8 minutes of video instead of 39")
    parser.add_argument("--world", type=Path, help="folder of an earlier run, or to render into")
    parser.add_argument("--json", type=Path, help="where to write, if not to results/")
    parser.add_argument("--seed", type=int, default=202)
    options = parser.parse_args()
    json_path = (options.json or result_path("assist", quick=options.quick)).absolute()
    size = QUICK if options.quick else FULL
    with tempfile.TemporaryDirectory() as folder:
        world = options.world.absolute() if options.world else Path(folder) / "world"
        os.chdir(folder)
        if not (world / "truth.parquet").exists():
            render_world(world, seed=options.seed, jobs=os.cpu_count() or 1, **size)
        build(world)
        features, good = pool(world)
    result = simulate(features, good)
    result |= {"world": {**size, "seed": options.seed}, "machine": describe_machine()}
    write_result(json_path, result)
    print({name: value for name, value in result.items() if not isinstance(value, list)})


def pool(world: Path) -> tuple[Features, "np.ndarray"]:
    """The samples of the manifest in the current folder, and which of them are truly good."""
    judged = judged_segments(world, Path("manifest.parquet"), Path("videos.csv"))
    good = {
        verdict.sample["sample"]: verdict.good
        for found in judged.values()
        for verdict in found
        if verdict.sample["content"] is not None and "duplicate" not in verdict.flags
    }
    table = pq.read_table("manifest.parquet")
    inside = np.array([sample in good for sample in table["sample"].to_pylist()])
    pq.write_table(table.filter(pa.array(inside)), "pool.parquet")
    samples = table["sample"].to_pylist()
    truth = [good[sample] for sample in samples if sample in good]
    return features_of(ReviewTable.open(Path("pool.parquet"))), np.array(truth, bool)


def simulate(features: Features, good: "np.ndarray") -> dict[str, Any]:
    """Let the curator mark with and without assistance; keys as in the module's docstring."""
    clean = features.flags == 0
    curve = _assisted(features, good)
    marks = _pure_from(curve)
    yielded = {m: y for m, _, y in curve}[marks] if marks is not None else 0.0
    flags = [_flags_alone(good, clean, seed) for seed in range(_ORDERS)]
    alone = round(yielded * len(good))
    by_flags = float(np.mean(flags))
    return {
        "pool": len(good),
        "good": int(good.sum()),
        "unflagged": int(clean.sum()),
        "purity_without_marks": round(float(good[clean].mean()), 4),
        "yield_without_marks": round(float((good & clean).sum() / good.sum()), 4),
        "marks": {"alone": alone, "flags": round(by_flags, 1), "assisted": marks},
        "yield": round(yielded, 4),
        "fewer_than_alone": round(alone / marks, 1) if marks else None,
        "fewer_than_flags": round(by_flags / marks, 1) if marks else None,
        "audit_marks": _audit_marks(),
        "curve": curve,
        "model_decides": _model_decides(features, good),
    }


def _assisted(features: Features, good: "np.ndarray") -> Curve:
    clean = features.flags == 0
    marked = np.zeros(len(good), bool)
    curve = []
    while True:
        curve.append(_point(marked, good, clean))
        if marked[clean].all():
            return curve
        rows = np.flatnonzero(marked)
        probability = train(features, rows, good[rows]).probability(features)
        marked[suspects_first(probability, ~marked, clean)[:_BATCH]] = True


def _model_decides(features: Features, good: "np.ndarray") -> Curve:
    marked = np.zeros(len(good), bool)
    curve = []
    for _ in range(0, len(good), _BATCH):
        rows = np.flatnonzero(marked)
        probability = train(features, rows, good[rows]).probability(features)
        curve.append(_point(marked, good, probability >= 0.5))
        doubt = np.where(marked, np.inf, np.abs(probability - 0.5))
        marked[np.argsort(doubt, kind="stable")[:_BATCH]] = True
    return curve


def _flags_alone(good: "np.ndarray", clean: "np.ndarray", seed: int) -> int:
    """After how many marks, in random order, what has no flag is 99 % pure for good."""
    order = np.random.default_rng(seed).permutation(np.flatnonzero(clean))
    marked = np.zeros(len(good), bool)
    curve = [_point(marked, good, clean)]
    for row in order:
        marked[row] = True
        curve.append(_point(marked, good, clean))
    found = _pure_from(curve)
    assert found is not None  # all marked is pure
    return found


def _point(marked: "np.ndarray", good: "np.ndarray", otherwise: "np.ndarray") -> tuple:
    """Marks, purity and yield, where `otherwise` says what is kept of the unmarked."""
    kept = np.where(marked, good, otherwise)
    right = int((kept & good).sum())
    return int(marked.sum()), round(right / max(1, int(kept.sum())), 4), right / int(good.sum())


def _pure_from(curve: Curve) -> int | None:
    """The number of marks from which on the purity stays at 99 % or more; None if it never does."""
    found = None
    for marks, purity, _ in reversed(curve):
        if purity < _PURE:
            break
        found = marks
    return found


def _audit_marks() -> int:
    count = 1
    while share_of(0, count).high > 1 - _PURE:
        count += 1
    return count


if __name__ == "__main__":
    main()
