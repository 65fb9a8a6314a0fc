"""The Fréchet distance against its closed form, in full rank and without."""

import numpy as np
import pytest

from voiceface.evaluation.frechet import frechet_distance
from voiceface.evaluation.metric import Faces, Material
from voiceface.evaluation.registry import measure


def _features(mean: np.ndarray, root: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Features with exactly this mean and the covariance root · rootᵀ."""
    raw = np.random.default_rng(seed).normal(size=(count, len(root.T)))
    raw -= raw.mean(0)
    white = raw @ np.linalg.inv(np.linalg.cholesky(np.atleast_2d(np.cov(raw.T)))).T
    return white @ root.T + mean


def test_it_is_the_closed_form_where_the_covariances_commute() -> None:
    turn, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(5, 5)))
    scales = np.array([[1.0, 2, 3, 4, 5], [2.0, 1, 0.5, 4, 3]])
    first = _features(np.zeros(5), turn * scales[0], 40, 1)
    second = _features(np.arange(5.0), turn * scales[1], 60, 2)
    # One axis at a time: (μ₁ - μ₂)² + (σ₁ - σ₂)².
    wanted = (np.arange(5.0) ** 2).sum() + ((scales[0] - scales[1]) ** 2).sum()
    assert frechet_distance(first, second) == pytest.approx(wanted, rel=1e-9)


def test_it_is_the_closed_form_where_they_do_not_commute() -> None:
    first = _features(np.zeros(2), np.diag([2.0, 1.0]), 30, 1)
    root = np.array([[1.0, 0.0], [1.0, 1.0]])
    second = _features(np.zeros(2), root, 30, 2)
    # tr((AB)^½)² = tr(AB) + 2 (det AB)^½ for 2 × 2 matrices.
    product = np.diag([4.0, 1.0]) @ (root @ root.T)
    shared = np.sqrt(np.trace(product) + 2 * np.sqrt(np.linalg.det(product)))
    wanted = 5 + np.trace(root @ root.T) - 2 * shared
    assert frechet_distance(first, second) == pytest.approx(wanted, rel=1e-9)


def test_fewer_samples_than_dimensions_are_exact_too() -> None:
    line = np.zeros((50, 1))
    line[7] = 1
    first = _features(np.zeros(50), 3 * line, 6, 1)
    second = _features(np.zeros(50), 1 * line, 9, 2)
    assert frechet_distance(first, second) == pytest.approx((3 - 1) ** 2, rel=1e-6)
    assert frechet_distance(first, first) == pytest.approx(0, abs=1e-6)


def test_one_dimension_is_a_case_like_any_other() -> None:
    first, second = np.array([[0.0], [2.0]]), np.array([[5.0], [7.0]])
    assert frechet_distance(first, second) == pytest.approx(25)


def test_drawn_faces_are_nearer_in_dlibs_space_than_noise(
    splits: dict[str, Faces], material: Material
) -> None:
    test, train = (measure("frechet_dlib", splits[name], material) for name in ("test", "train"))
    assert test["generated"] == pytest.approx(0, abs=1e-6)
    assert train["generated"] > 10 * train["real"]  # type: ignore[operator]
    assert "32 faces for 128 dimensions" in train["note"]
    assert measure("frechet_dlib", splits["unseen"], material) == {
        "generated": None, "real": None, "n": 3, "note": "takes 4 faces or more",
    }  # fmt: skip
