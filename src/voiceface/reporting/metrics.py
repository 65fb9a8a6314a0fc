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
    note: str
    """Why there is no value, or what to know of it; may be empty."""


@dataclass(frozen=True)
class Metric:
    """One row of the table."""

    title: str
    unit: str
    higher_is_better: bool
    values: dict[str, Value]
    """By split, in the order of `tables.SPLITS`."""
    paper: dict[str, float]
    """The paper's figures by split (or `all`), on the paper's own data."""

    @property
    def paper_words(self) -> str:
        """The paper's figures, as in `76.81 % train, 50.08 % test`."""
        return ", ".join(
            f"{value:g} {self.unit}".rstrip() + ("" if split == "all" else f" {split}")
            for split, value in self.paper.items()
        )

    @property
    def notes(self) -> list[str]:
        """What to know of the values, each said once."""
        by_note: dict[str, list[str]] = {}
        for split, value in self.values.items():
            if value.note:
                by_note.setdefault(value.note, []).append(split)
        every = len(self.values)
        return [
            f"{self.title}{'' if len(on) == every else ', ' + ' and '.join(on)}: {note}."
            for note, on in by_note.items()
        ]


@dataclass(frozen=True)
class Evaluation:
    """All metrics of one model."""

    metrics: list[Metric]
    """Those with a figure of the paper first."""
    notes: list[str]
    """What to know of them, in sentences."""


def read_evaluation(path: Path) -> Evaluation:
    """Read a model's metrics.

    Raises:
        VoicefaceError: the file is missing or is not of this version.
    """
    data = read_json(path)
    try:
        paper = data["paper"] or {"values": {}}
        metrics = [
            _metric(one, paper["values"].get(name, {})) for name, one in data["metrics"].items()
        ]
        notes = [f"Identity is told by the {data['classifier']} classifier."]
        if paper["values"]:
            notes.append(f"The paper ({paper['source']}): {paper['note']}.")
    except (KeyError, TypeError, AttributeError) as error:
        raise VoicefaceError(
            f"{path}: not the metrics of this version ({error!r}); delete it and build again"
        ) from None
    metrics.sort(key=lambda metric: (not metric.paper, metric.title))
    return Evaluation(metrics, notes + [note for metric in metrics for note in metric.notes])


def _metric(one: dict[str, Any], paper: dict[str, float]) -> Metric:
    values = {
        split: Value(value["generated"], value["real"], value["n"], value.get("note", ""))
        for split in SPLITS
        if (value := one["values"].get(split))
    }
    order = [*SPLITS, "all"]
    figures = {split: paper[split] for split in order if split in paper}
    return Metric(one["title"], one["unit"], one["higher_is_better"], values, figures)
