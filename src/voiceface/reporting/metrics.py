"""The metrics of a model, as `reports/<model>/metrics.json` holds them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from voiceface.errors import VoicefaceError
from voiceface.files import read_json
from voiceface.tables import SPLITS


@dataclass(frozen=True)
class Value:
    """A metric on one split."""

    generated: float | None
    real: float | None
    """The same metric of the real faces: the upper line."""
    n: int
    reason: str
    """Why there is no value; empty when there is one."""


@dataclass(frozen=True)
class Metric:
    """One row of the table."""

    name: str
    title: str
    unit: str
    higher_is_better: bool
    values: dict[str, Value]
    paper: dict[str, float]
    """The paper's figures by split, on the paper's own data."""
    note: str


@dataclass(frozen=True)
class Evaluation:
    """All metrics of one model."""

    model: str
    classifier: str
    metrics: list[Metric]


def read_evaluation(path: Path) -> Evaluation:
    """Read a model's metrics.

    Raises:
        VoicefaceError: the file is missing or is not of this version.
    """
    data = read_json(path)
    try:
        metrics = [_metric(name, one, data.get("paper", {})) for name, one in _named(data)]
        return Evaluation(data["model"], data.get("classifier", ""), metrics)
    except (KeyError, TypeError, AttributeError) as error:
        raise VoicefaceError(
            f"{path}: not the metrics of this version ({error!r}); delete it and build again"
        ) from None


def _named(data: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return list(data["metrics"].items())


def _metric(name: str, one: dict[str, Any], paper: dict[str, Any]) -> Metric:
    values = {
        split: Value(
            value.get("generated"), value.get("real"), value.get("n", 0), value.get("reason", "")
        )
        for split, value in one["values"].items()
        if split in SPLITS
    }
    figures = paper.get(name, {})
    return Metric(
        name,
        one["title"],
        one.get("unit", ""),
        bool(one.get("higher_is_better", True)),
        values,
        {split: figures[split] for split in SPLITS if isinstance(figures.get(split), (int, float))},
        one.get("reason") or "",
    )
