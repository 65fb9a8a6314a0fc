"""A small model of the curators' marks on the scores: it orders the queue, and proposes keeps.

Logistic regression. Before the first marks it leans on the pipeline's own flags, which count as a
few marks spread over all samples; the curators' marks soon outweigh them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from voiceface.review.audit import Share, share_of
from voiceface.review.columns import Flags, Texts
from voiceface.review.table import ReviewTable
from voiceface.tables import MANIFEST, REASONS

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float32]
    Rows = npt.NDArray[np.integer[Any]]
    Mask = npt.NDArray[np.bool_]

SCORES = tuple(
    field.name for field in MANIFEST if pa.types.is_float32(field.type) or field.name == "faces"
)
"""The columns that the model reads, beside `flags`."""

_BLOCK = 16_384  # rows whose matrix is in memory at a time
_POOL = 4_000  # unmarked samples that stand for all
_PRIOR = 20.0  # marks that the pipeline's flags count as, all together
_FOLDS = 5
_BIAS_PENALTY = 1e-3  # finite also where all labels are alike
_MOST_STEPS = 50
_LONGEST_STEP = 3.0
_SMALL_STEP = 1e-5


@dataclass(frozen=True)
class Features:
    """What the model knows of each sample; the arrays are the caller's own, never copied."""

    scores: "Sequence[Floats]"
    """one array for each of `SCORES`; NaN where the manifest has null"""
    flags: "npt.NDArray[np.uint64]"
    """bit i is set when `REASONS[i]` is among the sample's flags"""

    videos: "npt.NDArray[np.integer[Any]]"
    """the number of each sample's video, from 0"""

    def __len__(self) -> int:
        return len(self.flags)

    def matrix(self, rows: "Rows | slice") -> "Floats":
        """The rows' scores, those less what is usual in the video, 0 or 1 for each of `REASONS`."""
        scores = np.column_stack([score[rows] for score in self.scores]).astype(np.float32)
        flags = self.flags[rows]
        bits = flags[:, None] >> np.arange(len(REASONS), dtype=np.uint64) & np.uint64(1)
        beside = scores - self._usual[self.videos[rows]]
        return np.hstack([scores, beside, bits.astype(np.float32)])

    @cached_property
    def _usual(self) -> "Floats":
        """Each video's mean scores: (videos, scores)."""
        usual = []
        for score in self.scores:
            there = np.isfinite(score)
            videos = self.videos[there]
            counts = np.bincount(videos, minlength=self.videos.max(initial=-1) + 1)
            sums = np.bincount(videos, weights=score[there], minlength=len(counts))
            usual.append(sums / np.maximum(counts, 1))
        return np.column_stack(usual).astype(np.float32)


@dataclass(frozen=True)
class Model:
    """What `train` learned."""

    center: "Floats"
    scale: "Floats"
    weights: "Floats"
    bias: float
    rows: "Rows"
    """the marked samples it was trained on"""
    kept: "Mask"
    """what the curators said of them"""
    held_out: "Floats"
    """the probability that each of them got from a model that had not seen its mark"""

    def probability(self, features: Features) -> "Floats":
        """The probability of each sample that a curator keeps it, 0 to 1."""
        result = np.empty(len(features), np.float32)
        for start in range(0, len(features), _BLOCK):
            block = slice(start, start + _BLOCK)
            spread = _spread(features.matrix(block), self.center, self.scale)
            result[block] = _sigmoid(spread @ self.weights + self.bias)
        return result


@dataclass(frozen=True)
class Proposal:
    """Samples that can be kept without a look at each."""

    rows: "Rows"
    """surest first"""
    least: float
    """probability of the least sure one"""
    error: Share
    """wrong ones among marked samples that are as sure, judged without their own mark"""


def features_of(table: ReviewTable) -> Features:
    """The features of the manifest's rows."""
    flags = table.columns["flags"]
    assert isinstance(flags, Flags)
    videos = table.columns["video"]
    assert isinstance(videos, Texts)
    return Features([table.columns[name].keys() for name in SCORES], flags.bits, videos.codes)


def train(features: Features, rows: "Rows", kept: "Mask", seed: int = 0) -> Model:
    """Learn from the marked samples.

    Args:
        features: of all samples.
        rows: those with a mark that is keep or drop; may be none.
        kept: which of them were kept.
        seed: of the folds of the cross-validation.
    """
    pool = np.unique(np.linspace(0, len(features) - 1, _POOL).astype(np.int64))
    known = features.matrix(pool)
    center, scale = _scale(known)
    known = _spread(known, center, scale)
    clean = features.flags[pool] == 0
    marked = _spread(features.matrix(rows), center, scale)
    fold = np.random.default_rng(seed).permutation(len(rows)) % _FOLDS
    held_out = np.empty(len(rows), np.float32)
    for number in range(_FOLDS):
        out = fold == number
        if out.any():
            weights, bias = _fit(known, clean, marked[~out], kept[~out])
            held_out[out] = _sigmoid(marked[out] @ weights + bias)
    weights, bias = _fit(known, clean, marked, kept)
    return Model(center, scale, weights, bias, rows, kept, held_out)


def doubt(probability: "Floats", kept: "Mask") -> "Floats":
    """How far each row is from being the next to look at: the most doubtful fate has the least.

    What is kept without a look comes before all else, the most probably wrong one first: each one
    found makes the dataset purer. Then comes what is not, the most probably good one first: each
    one found makes it larger.

    Args:
        kept: what is in the dataset as long as nobody looks.
    """
    return np.where(kept, probability, 2 - probability)


def propose(
    model: Model, probability: "Floats", pending: "Mask", max_error: float
) -> Proposal | None:
    """The pending samples that may be kept page by page; None when no error is surely so small.

    Those are as sure as marked samples of which at most the share `max_error` was dropped, by the
    upper end of its 95 % interval, each judged by a model that had not seen its mark. The error
    goes with them.
    """
    order = np.argsort(-model.held_out, kind="stable")
    wrong = np.cumsum(~model.kept[order])
    # For each number of wrong ones, the longest row of sure ones that has no more.
    lasts = np.flatnonzero(np.diff(wrong, append=len(order) + 1))
    lasts = lasts[wrong[lasts] <= max_error * (lasts + 1)]
    errors = ((last, share_of(int(wrong[last]), int(last) + 1)) for last in lasts[::-1])
    last, error = next((one for one in errors if one[1].high <= max_error), (-1, None))
    if error is None:
        return None
    least = float(model.held_out[order[last]])
    rows = np.flatnonzero(pending & (probability >= least)).astype(np.int32)
    rows = rows[np.argsort(-probability[rows], kind="stable")]
    return Proposal(rows, least, error)


def _scale(known: "Floats") -> "tuple[Floats, Floats]":
    """Median and half the range from the 5th to the 95th percentile of each column."""
    filled = np.where(np.isfinite(known).any(axis=0), known, 0)
    low, center, high = np.nanpercentile(filled, (5, 50, 95), axis=0).astype(np.float32)
    scale = (high - low) / 2
    return center, np.where(scale > 0, scale, 1).astype(np.float32)


def _spread(matrix: "Floats", center: "Floats", scale: "Floats") -> "Floats":
    """Each score as how far it lies below and above the median, so that both may be bad."""
    far = np.nan_to_num((matrix - center) / scale)
    scores = far[:, : -len(REASONS)].clip(-3, 3)
    flags = matrix[:, -len(REASONS) :]
    return np.hstack([scores.clip(max=0), scores.clip(min=0), flags])


def _fit(known: "Floats", clean: "Mask", marked: "Floats", kept: "Mask") -> "tuple[Floats, float]":
    """Weights and bias of greatest likelihood, by Newton's method, with a penalty on the weights.

    Not scikit-learn's: to import it takes 120 MB of the server's memory.
    """
    matrix = np.vstack([known, marked]).astype(np.float64)
    matrix = np.column_stack([matrix, np.ones(len(matrix))])
    labels = np.concatenate([clean, kept])
    trust = np.concatenate([np.full(len(known), _PRIOR / len(known)), np.ones(len(marked))])
    penalty = np.append(np.ones(known.shape[1]), _BIAS_PENALTY)
    weights = np.zeros(len(penalty))
    for _ in range(_MOST_STEPS):
        guess = _sigmoid(matrix @ weights)
        slope = matrix.T @ (trust * (guess - labels)) + penalty * weights
        curve = (matrix.T * (trust * guess * (1 - guess))) @ matrix + np.diag(penalty)
        step = np.linalg.solve(curve, slope)
        step *= min(1, _LONGEST_STEP / np.abs(step).max())
        weights -= step
        if np.abs(step).max() < _SMALL_STEP:
            break
    return weights[:-1].astype(np.float32), float(weights[-1])


def _sigmoid(values: "npt.NDArray[Any]") -> "npt.NDArray[Any]":
    return 1 / (1 + np.exp(-values.clip(-30, 30)))
