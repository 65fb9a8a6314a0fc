"""Metrics over the length of speech: a line for each split, with its intervals."""

from dataclasses import dataclass

from markupsafe import Markup

from voiceface.reporting.metrics import Evaluation, Value
from voiceface.reporting.points import Line, Point, draw_lines
from voiceface.reporting.words import figure, spread_of


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
            points = {split: _points(line) for split, line in lines.items()}
            svg = draw_lines(metric.title, metric.unit, lengths, points, " s")
            charts.append(Chart(metric.title, metric.unit, svg, rows, lengths, list(lines)))
    return charts


def _words(value: Value | None, unit: str) -> str:
    if value is None:
        return "–"
    ends = spread_of(value.interval, unit)
    return figure(value.generated, unit) + (f" ({ends})" if ends else "")


def _points(line: dict[str, Value]) -> Line:
    return {
        length: Point(value.generated, value.interval)
        for length, value in line.items()
        if value.generated is not None
    }
