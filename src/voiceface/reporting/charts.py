"""Curves as inline SVG, drawn with the page's own colours."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from markupsafe import Markup, escape

from voiceface.files import read_table
from voiceface.tables import HISTORY

_WIDTH, _HEIGHT = 340, 190
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 8, 10, 24
_MOST_POINTS = 240


@dataclass(frozen=True)
class Curve:
    """One metric over the training."""

    name: str
    steps: list[int]
    values: list[float]


def read_curves(path: Path) -> list[Curve]:
    """The curves of `models/<model>/history.parquet`, in the order in which they begin.

    Raises:
        VoicefaceError: the file is missing or damaged.
    """
    curves: dict[str, Curve] = {}
    for row in read_table(path, HISTORY).to_pylist():
        if math.isfinite(row["value"]):
            curve = curves.setdefault(row["metric"], Curve(row["metric"], [], []))
            curve.steps.append(row["step"])
            curve.values.append(row["value"])
    return list(curves.values())


def draw(curve: Curve) -> Markup:
    """The curve as an SVG: the values as they are, faint, and smoothed."""
    smooth = smoothed(curve.values)
    low, high, ticks = axis(min(curve.values), max(curve.values))
    first, last = curve.steps[0], max(curve.steps[-1], curve.steps[0] + 1)

    def x(step: float) -> float:
        return _LEFT + (step - first) / (last - first) * (_WIDTH - _LEFT - _RIGHT)

    def y(value: float) -> float:
        return _TOP + (high - value) / (high - low) * (_HEIGHT - _TOP - _BOTTOM)

    def path(values: list[float]) -> str:
        points = _thinned(curve.steps, values)
        return "M" + "L".join(f"{x(step):.1f} {y(value):.1f}" for step, value in points)

    right, floor = _WIDTH - _RIGHT, _HEIGHT - _BOTTOM
    lines = [
        f'<line class="grid" x1="{_LEFT}" x2="{right}" y1="{y(t):.1f}" y2="{y(t):.1f}"/>'
        f'<text x="{_LEFT - 6}" y="{y(t) + 3.5:.1f}" text-anchor="end">{_number(t)}</text>'
        for t in ticks
    ]
    title = f"{curve.name}: {smooth[0]:.3g} at step {first}, {smooth[-1]:.3g} at step {last}"
    return Markup(  # every word in it is escaped or a number
        f'<svg class="curve" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="{escape(title)}">{"".join(lines)}'
        f'<text x="{_LEFT}" y="{floor + 16}">{first}</text>'
        f'<text x="{right}" y="{floor + 16}" text-anchor="end">step {last}</text>'
        f'<path class="raw" d="{path(curve.values)}"/>'
        f'<path class="smooth" d="{path(smooth)}"/></svg>'
    )


def smoothed(values: list[float]) -> list[float]:
    """Mean over a window around each value, a tenth of the curve wide."""
    half = len(values) // 20
    sums = np.concatenate([[0.0], np.cumsum(values)])
    places = np.arange(len(values))
    first, last = np.maximum(places - half, 0), np.minimum(places + half + 1, len(values))
    return [float(mean) for mean in (sums[last] - sums[first]) / (last - first)]


def _thinned(steps: list[int], values: list[float]) -> list[tuple[int, float]]:
    """At most about `_MOST_POINTS` points, the last one among them."""
    stride = max(1, math.ceil(len(steps) / _MOST_POINTS))
    points = list(zip(steps, values, strict=True))
    return points[::stride] + ([points[-1]] if (len(points) - 1) % stride else [])


def axis(low: float, high: float) -> tuple[float, float, list[float]]:
    """Round ends of an axis that holds all from low to high, and the round ticks between them."""
    if high - low < 1e-9:
        low, high = low - 0.5, high + 0.5
    rough = (high - low) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(n * power for n in (1, 2, 5, 10) if n * power >= rough * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return first * step, last * step, [n * step for n in range(first, last + 1)]


def _number(value: float) -> str:
    return f"{value:.4g}"
