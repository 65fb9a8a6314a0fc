"""The metrics of a model, as `reports/<model>/metrics.json` holds them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from voiceface.errors import VoicefaceError
from voiceface.files import read_json
from voiceface.reporting.words import figure
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

    @property
    def paper_words(self) -> str:
        """The paper's figures, as in `76.8 % train, 50.1 % test`."""
        return ", ".join(f"{figure(one, self.unit)} {split}" for split, one in self.paper.items())


@dataclass(frozen=True)
class Evaluation:
    """All metrics of one model."""

    model: str
    classifier: str
    metrics: list[Metric]
    """Those with a figure of the paper first."""


def read_evaluation(path: Path) -> Evaluation:
    """Read a model's metrics.

    Raises:
        VoicefaceError: the file is missing or is not of this version.
    """
    data = read_json(path)
    try:
        metrics = [
            _metric(name, one, data.get("paper", {})) for name, one in data["metrics"].items()
        ]
        metrics.sort(key=lambda metric: (not metric.paper, metric.title))
        return Evaluation(data["model"], data.get("classifier", ""), metrics)
    except (KeyError, TypeError, AttributeError) as error:
        raise VoicefaceError(
            f"{path}: not the metrics of this version ({error!r}); delete it and build again"
        ) from None


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
