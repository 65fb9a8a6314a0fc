"""Fréchet distance between two sets of features, each taken as a Gaussian (Heusel et al. 2017)."""

from collections.abc import Callable

import numpy as np

from voiceface.evaluation.metric import Faces, Material, Value, value

Embed = Callable[[np.ndarray, str], np.ndarray]
"""Faces (n, px, px, 3) and words for progress → features (n, d)."""


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


def frechet_values(material: Material, embed: Embed) -> dict[str, Value]:
    """The distance of each split's generated faces to its real ones.

    The upper line (`real`) is the distance between two random halves of the real faces. Few faces
    make any such distance too large, halves the more so: the note says when they are few.
    """
    return {
        name: _value(faces, name, embed, material.config.seed)
        for name, faces in material.splits.items()
    }


def _value(faces: Faces, name: str, embed: Embed, seed: int) -> Value:
    count = len(faces.labels)
    if count < 4:
        return value(None, None, count, "takes 4 faces or more" if count else "no samples")
    real = embed(faces.real, f"{name} real")
    generated = embed(faces.generated, f"{name} generated")
    order = np.random.default_rng(seed).permutation(count)
    halves = real[order[: count // 2]], real[order[count // 2 :]]
    few = f"{count} faces for {real.shape[1]} dimensions: biased upwards"
    return value(
        frechet_distance(generated, real),
        frechet_distance(*halves),
        count,
        few if count <= real.shape[1] else None,
    )
