"""Fréchet distance between two sets of features, each taken as a Gaussian (Heusel et al. 2017)."""

import numpy as np

from voiceface.evaluation.metric import Value, value


def frechet_distance(first: np.ndarray, second: np.ndarray) -> float:
    """|μ₁ - μ₂|² + tr(Σ₁ + Σ₂ - 2(Σ₁Σ₂)^½) of features (n₁, d) and (n₂, d), each n ≥ 2.

    tr((Σ₁Σ₂)^½) is taken as tr((Σ₁^½ Σ₂ Σ₁^½)^½), whose roots are of symmetric matrices: exact also
    where a covariance has no full rank (n ≤ d), with no small number added to it.
    """
    first, second = first.astype(np.float64), second.astype(np.float64)
    cov1, cov2 = np.cov(first.T).reshape(first.shape[1], -1), np.cov(second.T)
    cov2 = cov2.reshape(cov1.shape)
    scales, axes = np.linalg.eigh(cov1)
    root = (axes * np.sqrt(np.clip(scales, 0, None))) @ axes.T
    shared = np.sqrt(np.clip(np.linalg.eigvalsh(root @ cov2 @ root), 0, None)).sum()
    gap = first.mean(0) - second.mean(0)
    return max(0.0, float(gap @ gap + np.trace(cov1) + np.trace(cov2) - 2 * shared))


def frechet_value(generated: np.ndarray, real: np.ndarray, seed: int) -> Value:
    """The distance of drawn faces' features (n, d) to those of the real ones (n, d).

    The upper line (`real`) is the distance between two random halves of the real faces. Few faces
    make any such distance too large, halves the more so: the note says when they are few.
    """
    count = len(real)
    if count < 4:
        return value(None, None, count, "takes 4 faces or more")
    order = np.random.default_rng(seed).permutation(count)
    few = f"{count} faces for {real.shape[1]} dimensions: biased upwards"
    return value(
        frechet_distance(generated, real),
        frechet_distance(real[order[: count // 2]], real[order[count // 2 :]]),
        count,
        few if count <= real.shape[1] else None,
    )
