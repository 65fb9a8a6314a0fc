"""Structural similarity of the drawn and the true face (Wang et al. 2004).

Their window: Gaussian, 11 × 11 pixels, σ 1.5; K₁ 0.01, K₂ 0.03; where the window fits, each colour
by itself. It compares pixels, not people: pose and light weigh as much as the face.
"""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from voiceface.evaluation.intervals import of_mean
from voiceface.evaluation.metric import Faces, Material, Metric, Value, value

SIDE, SIGMA = 11, 1.5


def structural_similarity(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """SSIM of pictures uint8 (n, h, w, 3), each side at least 11 pixels: float64 (n,), -1 to 1."""
    parts = [
        _ssim(*(_channels_first(one[at : at + 64]) for one in (first, second)))
        for at in range(0, len(first), 64)
    ]
    return torch.cat(parts).numpy()


def _ssim(x: Tensor, y: Tensor) -> Tensor:
    mean_x, mean_y, xx, yy, xy = _windowed(torch.cat([x, y, x * x, y * y, x * y])).chunk(5)
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    spread = xx - mean_x**2 + yy - mean_y**2
    alike = (2 * mean_x * mean_y + c1) * (2 * (xy - mean_x * mean_y) + c2)
    return (alike / ((mean_x**2 + mean_y**2 + c1) * (spread + c2))).mean((1, 2, 3))


def _windowed(pictures: Tensor) -> Tensor:
    """Means under the Gaussian window around each pixel."""
    places = torch.arange(SIDE, dtype=pictures.dtype) - SIDE // 2
    line = torch.exp(-(places**2) / (2 * SIGMA**2))
    line = (line / line.sum()).repeat(3, 1, 1)
    down = functional.conv2d(pictures, line[:, :, :, None], groups=3)
    return functional.conv2d(down, line[:, :, None, :], groups=3)


def _channels_first(pictures: np.ndarray) -> Tensor:
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).double()


def partners(people: np.ndarray, *, same: bool) -> np.ndarray:
    """For each row the next one, in a circle, of the same person or of another; -1: there is none.

    Args:
        people: int64 (n,), whose the rows are.
    """
    count = len(people)
    found = np.full(count, -1)
    for row, person in enumerate(people):
        after = (row + 1 + np.arange(count - 1)) % count
        fit = np.flatnonzero((people[after] == person) == same)
        if len(fit):
            found[row] = after[fit[0]]
    return found


def _measure(faces: Faces, material: Material) -> Value:
    """Against the true face; real ones against the speaker's next, chance against the next's."""
    drawn = structural_similarity(faces.generated, faces.real)

    def against(pictures: np.ndarray, same: bool) -> float | None:
        next_row = partners(faces.people, same=same)
        rows = np.flatnonzero(next_row >= 0)
        if not len(rows):
            return None
        return float(structural_similarity(pictures[rows], faces.real[next_row[rows]]).mean())

    return value(
        drawn.mean(),
        against(faces.real, same=True),
        len(drawn),
        interval=of_mean(drawn, faces.people, material.config.seed),
        chance=against(faces.generated, same=False),
    )


METRIC = Metric("Structural similarity (SSIM)", "", True, _measure)
