"""Painting with soft-edged shapes: masks, layers and curves. Colours are RGB from 0 to 1."""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from voiceface.demo.traits import RGB

Array = npt.NDArray[Any]  # of floats; cv2 and mixed arithmetic promise no one precision
Bytes = npt.NDArray[Any]  # of uint8
Points = npt.NDArray[Any]  # (n, 2): x, y

_SHIFT = 4  # fillPoly's coordinates in sixteenths of a pixel, for smooth edges


class Layer:
    """A picture with transparency: `rgb` (h, w, 3) holds straight colours, `alpha` (h, w)."""

    def __init__(self, height: int, width: int) -> None:
        self.rgb = np.zeros((height, width, 3), np.float32)
        self.alpha = np.zeros((height, width), np.float32)

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width."""
        return self.alpha.shape[0], self.alpha.shape[1]

    def paint(self, mask: Array, colour: RGB | Array, opacity: float = 1.0) -> None:
        """Lay a colour, or a picture of colours (h, w, 3), over what is there."""
        box = _covered(mask)
        cover = (mask[box] * opacity).astype(np.float32)
        alpha = self.alpha[box] * (1 - cover) + cover
        share = np.divide(cover, alpha, out=np.zeros_like(cover), where=alpha > 1e-6)
        self._mix(box, share, colour)
        self.alpha[box] = alpha

    def tint(self, mask: Array, colour: RGB | Array, opacity: float = 1.0) -> None:
        """Colour what is there, without adding to its outline."""
        box = _covered(mask)
        self._mix(box, (mask[box] * opacity).astype(np.float32), colour)

    def _mix(self, box: tuple[slice, slice], share: Array, colour: RGB | Array) -> None:
        over = np.asarray(colour, np.float32)
        over = over[box] if over.ndim == 3 else over
        self.rgb[box] += (over - self.rgb[box]) * share[..., None]

    def shade(self, factor: Array) -> None:
        """Multiply the colours: below 1 darkens."""
        self.rgb = np.clip(self.rgb * factor.astype(np.float32)[..., None], 0, 1)


def _covered(mask: Array) -> tuple[slice, slice]:
    """The rows and columns in which a mask is not empty."""
    seen = mask > 1 / 512
    rows, columns = np.flatnonzero(seen.any(1)), np.flatnonzero(seen.any(0))
    if not len(rows):
        return slice(0), slice(0)
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def polygon(shape: tuple[int, int], points: Points | Sequence[tuple[float, float]]) -> Array:
    """Mask (h, w) of a closed polygon, smooth at its edge."""
    mask = np.zeros(shape, np.uint8)
    corners = np.round(np.asarray(points, np.float64) * (1 << _SHIFT)).astype(np.int32)
    cv2.fillPoly(mask, [corners], 255, cv2.LINE_AA, _SHIFT)
    return mask.astype(np.float32) / 255


def blob(shape: tuple[int, int], points: Points | Sequence[tuple[float, float]]) -> Array:
    """Mask of the smooth closed curve through `points`."""
    return polygon(shape, curve(points, closed=True))


def mirrored(x: float, half: Sequence[tuple[float, float]]) -> Points:
    """A closed outline from its right half, (distance from the axis at `x`, y), top to bottom."""
    right = [(x + dx, y) for dx, y in half]
    left = [(x - dx, y) for dx, y in half[::-1] if dx]
    return np.array(right + left)


def ellipse(
    shape: tuple[int, int], x: float, y: float, rx: float, ry: float, turn: float = 0.0
) -> Array:
    """Mask of an ellipse, turned by `turn` radians."""
    angle = np.linspace(0, 2 * np.pi, 96, endpoint=False)
    px, py = rx * np.cos(angle), ry * np.sin(angle)
    c, s = np.cos(turn), np.sin(turn)
    return polygon(shape, np.stack([x + px * c - py * s, y + px * s + py * c], 1))


def stroke(
    shape: tuple[int, int],
    points: Points | Sequence[tuple[float, float]],
    widths: Sequence[float],
) -> Array:
    """Mask of a line along the curve through `points`, whose width changes along `widths`."""
    line = curve(points, closed=False)
    wide = np.interp(np.linspace(0, 1, len(line)), np.linspace(0, 1, len(widths)), widths) / 2
    along = np.gradient(line, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True) + 1e-9
    side = np.stack([-along[:, 1], along[:, 0]], 1) * wide[:, None]
    return polygon(shape, np.concatenate([line + side, (line - side)[::-1]]))


def curve(points: Points | Sequence[tuple[float, float]], *, closed: bool) -> Points:
    """Points along the Catmull-Rom spline through `points`."""
    p = np.asarray(points, np.float64)
    ring = np.concatenate([p[-1:], p, p[:2]]) if closed else np.concatenate([p[:1], p, p[-1:]])
    t = np.linspace(0, 1, 16, endpoint=False)[:, None]
    parts = []
    for a, b, c, d in zip(ring, ring[1:], ring[2:], ring[3:], strict=False):
        parts.append(
            0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2)
            + 0.5 * (3 * b - a - 3 * c + d) * t**3
        )
    line = np.concatenate(parts)
    return line if closed else np.concatenate([line, p[-1:]])


def soft(mask: Array, sigma: float) -> Array:
    """A mask with a blurred edge."""
    return cv2.GaussianBlur(mask, (0, 0), sigma)


def bump(shape: tuple[int, int], x: float, y: float, sx: float, sy: float) -> Array:
    """A Gaussian hill of height 1 at (x, y)."""
    rows = np.exp(-(((np.arange(shape[0], dtype=np.float32) - y) / sy) ** 2) / 2)
    columns = np.exp(-(((np.arange(shape[1], dtype=np.float32) - x) / sx) ** 2) / 2)
    return np.outer(rows, columns)


def grain(shape: tuple[int, int], seed: int, across: float, along: float) -> Array:
    """Smooth noise of mean 0 and deviation 1, stretched: `across` px wide, `along` px tall."""
    raw = np.random.default_rng(seed).standard_normal(shape).astype(np.float32)
    out = cv2.GaussianBlur(raw, (0, 0), across, sigmaY=along)
    return (out - out.mean()) / (out.std() + 1e-6)


def brightness(colour: RGB) -> float:
    """How light a colour looks, 0 to 1."""
    return 0.3 * colour[0] + 0.59 * colour[1] + 0.11 * colour[2]


def scaled(colour: RGB, factor: float) -> RGB:
    """A darker or lighter colour."""
    r, g, b = (min(max(c * factor, 0.0), 1.0) for c in colour)
    return r, g, b


def to_bytes(picture: Array) -> Bytes:
    """Colours from 0 to 1 as uint8."""
    return np.clip(picture * 255 + 0.5, 0, 255).astype(np.uint8)
