"""Metrics over the length of speech, as inline SVG: a line for each split, with its intervals."""

import math
from dataclasses import dataclass

from markupsafe import Markup, escape

from voiceface.reporting.charts import axis
from voiceface.reporting.metrics import Evaluation, Value
from voiceface.reporting.words import figure, spread_of

_WIDTH, _HEIGHT = 340, 190
_LEFT, _TOP, _FLOOR = 44, 12, 166
_BESIDE = 7

Line = dict[str, Value]
"""Values by the number of seconds."""


@dataclass(frozen=True)
class Chart:
    """A metric over the length of speech."""

    title: str
    unit: str
    svg: Markup
    rows: list[tuple[str, list[str]]]
    """For each split its figures as words, one for each length; may be empty."""
    lengths: list[str]
    """The lengths, in seconds."""
    splits: list[str]
    """Those with a line, in order."""


def read_charts(evaluation: Evaluation) -> list[Chart]:
    """A chart for each metric of which at least one split has values at two lengths."""
    charts = []
    for metric in evaluation.metrics:
        splits = {
            split: {length: value for length, value in of.items() if value.generated is not None}
            for split, of in evaluation.seconds.get(metric.name, {}).items()
        }
        lines = {split: values for split, values in splits.items() if len(values) > 1}
        if lines:
            lengths = sorted({length for line in lines.values() for length in line}, key=float)
            rows = [
                (split, [_words(line.get(length), metric.unit) for length in lengths])
                for split, line in lines.items()
            ]
            svg = _draw(metric.title, metric.unit, lengths, lines)
            charts.append(Chart(metric.title, metric.unit, svg, rows, lengths, list(lines)))
    return charts


def _words(value: Value | None, unit: str) -> str:
    if value is None:
        return "–"
    ends = spread_of(value.interval, unit)
    return figure(value.generated, unit) + (f" ({ends})" if ends else "")


@dataclass(frozen=True)
class _Plane:
    """Where lengths and values stand: lengths evenly, the splits' points a little side by side."""

    lengths: list[str]
    low: float
    high: float

    def x(self, length: str) -> float:
        step = (_WIDTH - _LEFT) / len(self.lengths)
        return _LEFT + (self.lengths.index(length) + 0.5) * step

    def y(self, value: float) -> float:
        return _TOP + (self.high - value) / (self.high - self.low) * (_FLOOR - _TOP)


def _draw(title: str, unit: str, lengths: list[str], lines: dict[str, Line]) -> Markup:
    ends = [end for line in lines.values() for value in line.values() for end in _ends(value)]
    low, high, ticks = axis(min(ends), max(ends))
    plane = _Plane(lengths, low, high)
    parts = [
        f'<path class="grid" d="M{_LEFT} {plane.y(t):.1f}H{_WIDTH}"/>'
        f'<text x="{_LEFT - 6}" y="{plane.y(t) + 3.5:.1f}" text-anchor="end">{t:.4g}</text>'
        for t in ticks
    ]
    parts += [
        f'<text x="{plane.x(one):.1f}" y="{_FLOOR + 16}" text-anchor="middle">{one} s</text>'
        for one in lengths
    ]
    middle = (len(lines) - 1) / 2
    parts += [
        _line(plane, split, line, _BESIDE * (place - middle))
        for place, (split, line) in enumerate(lines.items())
    ]
    told = "; ".join(
        f"{split}: " + ", ".join(f"{figure(v.generated, unit)} at {s} s" for s, v in line.items())
        for split, line in lines.items()
    )
    return Markup(  # every word in it is escaped or a number
        f'<svg class="curve lengths" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="{escape(title)}, {escape(told)}">{"".join(parts)}</svg>'
    )


def _line(plane: _Plane, split: str, line: Line, beside: float) -> str:
    """A split's line, with its points and their intervals."""
    points = [(plane.x(s) + beside, plane.y(_middle(value))) for s, value in line.items()]
    whiskers = "".join(
        f"M{x:.1f} {plane.y(low):.1f}V{plane.y(high):.1f}"
        for (x, _), (low, high) in zip(points, map(_ends, line.values()), strict=True)
    )
    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.6"/>' for x, y in points)
    path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    return f'<g class="{escape(split)}"><path d="{path}{whiskers}"/>{dots}</g>'


def _middle(value: Value) -> float:
    return value.generated if value.generated is not None else math.nan


def _ends(value: Value) -> tuple[float, float]:
    return value.interval or (_middle(value), _middle(value))
