"""Rabin and Karp's rolling hash of sound: one for every window, at the cost of a running sum."""

from functools import lru_cache

import numpy as np

_FACTOR = 0x9E3779B97F4A7C15  # odd, so that it has an inverse modulo 2^64; of no other meaning


def rolling_hashes(pcm: np.ndarray, window: int) -> np.ndarray:
    """The hash of each window of so many samples: uint64 (n - window + 1,), empty of less sound.

    Σ x[i + k]·f^k modulo 2^64, had from differences of the running sum of x[i]·f^i and from f^-i.

    Args:
        pcm: int16 mono samples.
    """
    if len(pcm) < window:
        return np.zeros(0, np.uint64)
    powers, inverses = _powers(len(pcm))
    sums = np.cumsum(np.append(np.uint64(0), _wide(pcm) * powers))
    return np.asarray((sums[window:] - sums[:-window]) * inverses[: len(pcm) - window + 1])


def block_hashes(blocks: np.ndarray) -> np.ndarray:
    """What `rolling_hashes` gives for each of the windows (n, window), which are int16: (n,)."""
    return np.asarray(_wide(blocks) @ _powers(blocks.shape[1])[0])


def _wide(pcm: np.ndarray) -> np.ndarray:
    return pcm.astype(np.int64).view(np.uint64)


@lru_cache(maxsize=3)
def _powers(count: int) -> tuple[np.ndarray, np.ndarray]:
    """f^i and f^-i modulo 2^64 for i below `count`: uint64."""
    factors = (_FACTOR, pow(_FACTOR, -1, 1 << 64))
    one, other = (
        np.cumprod(np.array([1] + [factor] * (count - 1), np.uint64)) for factor in factors
    )
    return one, other
