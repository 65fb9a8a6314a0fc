"""Kernel distance of two sets of features: the squared MMD (Bińkowski et al. 2018).

Unlike the Fréchet distance it is not biased: few faces make it vary, and not too large.
"""

import numpy as np

from voiceface.evaluation.metric import Value, value


def kernel_distance(first: np.ndarray, second: np.ndarray) -> float:
    """Unbiased squared MMD under (x·y / d + 1)³ of features (n, d) and (m, d); n and m ≥ 2.

    All pairs are taken, no random subsets. Near 0 it may be negative.
    """
    first, second = first.astype(np.float64), second.astype(np.float64)

    def kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        cubes: np.ndarray = (x @ y.T / x.shape[1] + 1) ** 3
        return cubes

    def within(x: np.ndarray) -> float:
        inner = kernel(x, x)
        return float((inner.sum() - np.trace(inner)) / (len(x) * (len(x) - 1)))

    return within(first) + within(second) - 2 * float(kernel(first, second).mean())


def kernel_value(generated: np.ndarray, real: np.ndarray, seed: int) -> Value:
    """The distance of drawn faces' features (n, d) to those of the real ones (n, d).

    The upper line (`real`) is the distance between two random halves of the real faces.
    """
    count = len(real)
    if count < 4:
        return value(None, None, count, "takes 4 faces or more")
    order = np.random.default_rng(seed).permutation(count)
    halves = real[order[: count // 2]], real[order[count // 2 :]]
    return value(kernel_distance(generated, real), kernel_distance(*halves), count)
