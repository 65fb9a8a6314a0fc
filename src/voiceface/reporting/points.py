"""Values with their intervals, as inline SVG: as lines over something measured, or side by side."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from voiceface.reporting.charts import axis
from voiceface.reporting.words import figure

_WIDTH = 340
_LEFT, _TOP, _FLOOR, _HEIGHT = 44, 12, 166, 190
_BESIDE = 7
_NAMES, _ROW, _GAP = 118, 13, 9
_NAME_LETTERS = 20


@dataclass(frozen=True)
class Point:
    """A value in a figure."""

    value: float
    interval: tuple[float, float] | None = None
    singles: tuple[float, ...] = ()
    """What it is the mean of, where that is to be seen."""

    @property
    def ends(self) -> tuple[float, float]:
        """The least and the greatest of all that is drawn of it."""
        every = (self.value, *(self.interval or ()), *self.singles)
        return min(every), max(every)


Line = dict[str, Point]
"""Points by their label."""


@dataclass(frozen=True)
class _Scale:
    """Where values stand: `low` at `first`, `high` at `last`."""

    low: float
    high: float
    first: float
    last: float

    def at(self, value: float) -> float:
        return self.first + (value - self.low) / (self.high - self.low) * (self.last - self.first)


def draw_lines(
    title: str, unit: str, labels: Sequence[str], lines: dict[str, Line], suffix: str = ""
) -> Markup:
    """A line for each of `lines`, over labels that stand evenly.

    Args:
        suffix: what follows each label, as in ` s`.
    """
    low, high, ticks = _axis(lines)
    scale = _Scale(low, high, _FLOOR, _TOP)
    step = (_WIDTH - _LEFT) / len(labels)
    places = {label: _LEFT + (place + 0.5) * step for place, label in enumerate(labels)}
    parts = [
        f'<path class="grid" d="M{_LEFT} {scale.at(t):.1f}H{_WIDTH}"/>'
        f'<text x="{_LEFT - 6}" y="{scale.at(t) + 3.5:.1f}" text-anchor="end">{t:.4g}</text>'
        for t in ticks
    ]
    parts += [
        f'<text x="{x:.1f}" y="{_FLOOR + 16}" text-anchor="middle">{escape(label)}{suffix}</text>'
        for label, x in places.items()
    ]
    middle = (len(lines) - 1) / 2
    for number, (name, line) in enumerate(lines.items()):
        beside = _BESIDE * (number - middle)
        at = [(places[label] + beside, point) for label, point in line.items()]
        parts.append(_group(name, at, lambda along, value: (along, scale.at(value)), joined=True))
    return _svg(_HEIGHT, f"{title}, {_told(unit, lines, f'at {{}}{suffix}')}", parts)


def draw_rows(title: str, unit: str, labels: Sequence[str], lines: dict[str, Line]) -> Markup:
    """A row for each label, with a point for each of `lines` that has one."""
    low, high, ticks = _axis(lines)
    scale = _Scale(low, high, _NAMES, _WIDTH - 12)
    height = _ROW * len(lines) + _GAP
    floor = _TOP + height * len(labels)
    parts = [
        f'<path class="grid" d="M{scale.at(t):.1f} {_TOP}V{floor}"/>'
        f'<text x="{scale.at(t):.1f}" y="{floor + 15}" text-anchor="middle">{t:.4g}</text>'
        for t in ticks
    ]
    parts += [
        f'<text x="{_NAMES - 8}" y="{_TOP + (place + 0.5) * height + 3.5:.1f}" text-anchor="end">'
        f"{escape(_short(label))}</text>"
        for place, label in enumerate(labels)
    ]
    for number, (name, line) in enumerate(lines.items()):
        first = _TOP + _GAP / 2 + _ROW * (number + 0.5)
        at = [(first + height * labels.index(label), point) for label, point in line.items()]
        parts.append(_group(name, at, lambda along, value: (scale.at(value), along), joined=False))
    return _svg(floor + 24, f"{title}, {_told(unit, lines, 'for {}')}", parts)


def _svg(height: int, told: str, parts: list[str]) -> Markup:
    return Markup(  # every word in it is escaped or a number
        f'<svg class="curve lengths" viewBox="0 0 {_WIDTH} {height}" role="img" '
        f'aria-label="{escape(told)}">{"".join(parts)}</svg>'
    )


def _axis(lines: dict[str, Line]) -> tuple[float, float, list[float]]:
    ends = [end for line in lines.values() for point in line.values() for end in point.ends]
    return axis(min(ends), max(ends))


def _group(
    name: str,
    points: list[tuple[float, Point]],
    place: Callable[[float, float], tuple[float, float]],
    *,
    joined: bool,
) -> str:
    """One line's points, each with its interval and with what it is the mean of.

    Args:
        points: each with where it stands along the labels.
        place: the x and y of such a place and a value.
    """
    middles = [place(along, point.value) for along, point in points]
    path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in middles) if joined else ""
    for along, point in points:
        if point.interval:
            (x, y), (to_x, to_y) = (place(along, end) for end in point.interval)
            path += f"M{x:.1f} {y:.1f}L{to_x:.1f} {to_y:.1f}"
    singles = [place(along, value) for along, point in points for value in point.singles]
    dots = [f'<circle class="single" cx="{x:.1f}" cy="{y:.1f}" r="1.7"/>' for x, y in singles]
    dots += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.6"/>' for x, y in middles]
    return f'<g class="{escape(name)}"><path d="{path}"/>{"".join(dots)}</g>'


def _told(unit: str, lines: dict[str, Line], place: str) -> str:
    """The figure in words, for whoever can't see it."""
    return "; ".join(
        f"{name}: "
        + ", ".join(f"{figure(p.value, unit)} {place.format(label)}" for label, p in line.items())
        for name, line in lines.items()
    )


def _short(label: str) -> str:
    return label if len(label) <= _NAME_LETTERS else f"{label[: _NAME_LETTERS - 1]}…"
