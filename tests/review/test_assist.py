from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from voiceface.files import write_table
from voiceface.review.assist import SCORES, Features, doubt, features_of, propose, train
from voiceface.review.table import ReviewTable
from voiceface.tables import MANIFEST, REASONS


def world(count: int = 3_000, seed: int = 0) -> tuple[Features, np.ndarray]:
    """Samples that are good when two scores are: one may be too high and too low, one too low."""
    rng = np.random.default_rng(seed)
    scores = [rng.normal(size=count).astype(np.float32) for _ in SCORES]
    turned, sharp = scores[SCORES.index("yaw_deg")], scores[SCORES.index("sharpness")]
    good = (np.abs(turned) < 1.2) & (sharp > -0.8)
    flags = np.where(sharp < -1.2, np.uint64(1 << REASONS.index("blurred")), np.uint64(0))
    scores[0][rng.random(count) < 0.2] = np.nan
    return Features(scores, flags.astype(np.uint64), np.arange(count) // 50), good


def manifest_row(sample: str) -> dict[str, Any]:
    """A row of the manifest with 0 for each number and "" for each text."""
    return {
        field.name: field.type.to_pandas_dtype()(0)
        if pa.types.is_primitive(field.type)
        else sample * (field.name == "sample")
        if pa.types.is_string(field.type)
        else None
        if field.nullable
        else []
        for field in MANIFEST
    } | {"content": None, "audio_sha256": None, "face_sha256": None}


def test_features_are_the_scores_and_the_flags(tmp_path: Path) -> None:
    rows = [
        manifest_row("v_000000000") | {"flags": ["dark", "blurred"], "snr_db": 12.5, "faces": 2},
        manifest_row("v_000004000") | {"snr_db": None},
    ]
    write_table(tmp_path / "samples.parquet", pa.Table.from_pylist(rows, MANIFEST))
    features = features_of(ReviewTable.open(tmp_path / "samples.parquet"))
    matrix = features.matrix(slice(None))
    assert matrix.shape == (2, 2 * len(SCORES) + len(REASONS))
    assert matrix[0, SCORES.index("snr_db")] == 12.5
    assert matrix[0, SCORES.index("faces")] == 2
    assert np.isnan(matrix[1, SCORES.index("snr_db")])
    told = {REASONS[i] for i in np.flatnonzero(matrix[0, -len(REASONS) :])}
    assert told == {"dark", "blurred"}
    assert not matrix[1, -len(REASONS) :].any()


def test_a_score_stands_also_beside_what_is_usual_in_its_video() -> None:
    values = [np.array([1, 3, 10, np.nan], np.float32), *[np.zeros(4, np.float32)] * 99]
    features = Features(values[: len(SCORES)], np.zeros(4, np.uint64), np.array([0, 0, 1, 1]))
    beside = features.matrix(np.arange(4))[:, len(SCORES)]
    assert beside[:3].tolist() == [-1, 1, 0]
    assert np.isnan(beside[3])


def test_without_a_mark_it_follows_the_flags() -> None:
    features, _ = world()
    none = np.empty(0, np.int64)
    probability = train(features, none, none.astype(bool)).probability(features)
    flagged = features.flags > 0
    assert probability[~flagged].mean() > probability[flagged].mean() + 0.05


def test_marks_teach_what_no_flag_tells() -> None:
    features, good = world()
    rows = np.random.default_rng(1).permutation(len(good))[:400]
    probability = train(features, rows, good[rows]).probability(features)
    rest = np.setdiff1d(np.arange(len(good)), rows)
    right = ((probability > 0.5) == good)[rest].mean()
    assert right > 0.8
    assert right > ((features.flags == 0) == good)[rest].mean() + 0.05


def test_the_doubtful_among_what_is_kept_unseen_come_first_then_the_good_among_the_rest() -> None:
    probability = np.array([0.9, 0.45, 0.1, 0.6], np.float32)
    kept = np.array([True, True, False, False])
    assert np.argsort(doubt(probability, kept)).tolist() == [1, 0, 3, 2]


def test_the_error_of_a_proposal_is_measured_without_the_samples_own_mark() -> None:
    features, good = world()
    noise = np.random.default_rng(2).random(len(good)) < 0.5
    rows = np.arange(400)
    model = train(features, rows, noise[rows])  # marks that no score can foretell
    pending = np.ones(len(good), bool)
    found = propose(model, model.probability(features), pending, 0.01)
    assert found is None


def test_what_is_proposed_is_pending_and_has_about_the_error_that_is_told() -> None:
    features, good = world()
    rows = np.random.default_rng(3).permutation(len(good))[:600]
    model = train(features, rows, good[rows])
    pending = np.ones(len(good), bool)
    pending[rows] = False
    probability = model.probability(features)
    found = propose(model, probability, pending, 0.05)
    assert found is not None
    assert pending[found.rows].all()
    assert len(found.rows) > 500
    assert (np.diff(probability[found.rows]) <= 0).all()
    assert probability[found.rows].min() >= found.least
    assert found.error.estimate is not None
    assert found.error.high <= 0.05
    assert found.error.low <= (~good[found.rows]).mean() <= found.error.high


def test_nothing_is_proposed_before_there_are_marks() -> None:
    features, _ = world(100)
    none = np.empty(0, np.int64)
    model = train(features, none, none.astype(bool))
    assert propose(model, model.probability(features), np.ones(100, bool), 0.01) is None


@pytest.mark.parametrize("kept", [True, False])
def test_marks_of_one_kind_alone_are_no_error(kept: bool) -> None:
    features, _ = world(500)
    rows = np.arange(30)
    model = train(features, rows, np.full(30, kept))
    probability = model.probability(features)
    assert np.isfinite(probability).all()
    assert (probability[:30].mean() > 0.5) == kept
