"""The metrics of a model, as `reports/<model>/metrics.json` holds them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from voiceface.errors import VoicefaceError
from voiceface.files import read_json
from voiceface.reporting.words import joined, thousands
from voiceface.tables import SPLITS

T = TypeVar("T")


@dataclass(frozen=True)
class Value:
    """A metric on one split."""

    generated: float | None
    real: float | None
    """The same metric of the real faces: the upper line."""
    n: int
    note: str
    """Why there is no value, or what to know of it; may be empty."""
    interval: tuple[float, float] | None
    """95 % interval of `generated`, by the bootstrap over speakers."""
    chance: float | None
    """What faces that tell nothing of the voice would get."""
    trials: int | None
    """Number of comparisons, where they are more than the voices."""


@dataclass(frozen=True)
class Metric:
    """One row of the table."""

    name: str
    title: str
    unit: str
    higher_is_better: bool | None
    """None: the nearer to that of real faces, the better."""
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
    def better(self) -> tuple[str, str]:
        """A sign of which values are good, and what it means."""
        if self.higher_is_better is None:
            return "≈", "like real faces is best"
        return ("↑", "higher is better") if self.higher_is_better else ("↓", "lower is better")

    @property
    def measured(self) -> bool:
        """Whether there is a value on any split."""
        return any(value.generated is not None for value in self.values.values())


@dataclass(frozen=True)
class Group:
    """Metrics that answer one question."""

    title: str
    metrics: list[Metric]


@dataclass(frozen=True)
class Evaluation:
    """All metrics of one model."""

    known: dict[str, Metric]
    """All there are, by name."""
    groups: list[Group]
    """What was measured."""
    headlines: list[tuple[Metric, str]]
    """What tells most, each with the split that it is told of."""
    notes: list[str]
    """What to know of them, in sentences."""
    noise: dict[str, dict[str, Value]]
    """By metric and split: of faces drawn from noise instead of speech."""
    seconds: dict[str, dict[str, dict[str, Value]]]
    """By metric, split and number of seconds: of faces drawn from so much speech."""
    babble: dict[str, dict[str, dict[str, Value]]]
    """By metric, split and SNR in dB: of faces drawn from speech in babble."""

    @property
    def metrics(self) -> list[Metric]:
        """What was measured, in order."""
        return [metric for group in self.groups for metric in group.metrics]


def read_evaluation(path: Path) -> Evaluation:
    """Read a model's metrics.

    Raises:
        VoicefaceError: the file is missing or is not of this version.
    """
    data = read_json(path)
    try:
        paper = (data["paper"] or {"values": {}})["values"]
        metrics = {
            name: _metric(name, data["metrics"][name], paper.get(name, {}))
            for group in data["groups"]
            for name in group["metrics"]
        }
        return Evaluation(
            metrics,
            _groups(data["groups"], metrics),
            [(metrics[name], split) for name, split in data["headlines"]],
            _about(data) + _trials(metrics.values()) + _notes(metrics.values()),
            {name: _by_split(of, _value) for name, of in data["noise"].items()},
            {name: _by_split(of, _by_number) for name, of in data["seconds"].items()},
            {name: _by_split(of, _by_number) for name, of in data["babble"].items()},
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise VoicefaceError(
            f"{path}: not the metrics of this version ({error!r}); delete it and build again"
        ) from None


def _groups(told: list[dict[str, Any]], metrics: dict[str, Metric]) -> list[Group]:
    """The groups with what was measured of them."""
    groups = [
        Group(one["title"], [metrics[name] for name in one["metrics"] if metrics[name].measured])
        for one in told
    ]
    return [group for group in groups if group.metrics]


def _about(data: dict[str, Any]) -> list[str]:
    """What all values have in common, in sentences."""
    loudest = data["input_s"]
    about = [
        f"Identity, gender and emotion are told by the {data['classifier']} classifier.",
        "A face is drawn from "
        + ("a whole recording." if loudest is None else f"the loudest {loudest:.3g} s of a voice."),
    ]
    if paper := data["paper"]:
        about.append(f"The paper ({paper['source']}): {paper['note']}.")
    return about


def _metric(name: str, one: dict[str, Any], paper: dict[str, float]) -> Metric:
    values = _by_split(one["values"], _value)
    figures = {split: paper[split] for split in [*SPLITS, "all"] if split in paper}
    return Metric(name, one["title"], one["unit"], one["higher_is_better"], values, figures)


def _by_split(told: dict[str, Any], read: Callable[[dict[str, Any]], T]) -> dict[str, T]:
    return {split: read(told[split]) for split in SPLITS if split in told}


def _by_number(told: dict[str, Any]) -> dict[str, Value]:
    return {number: _value(told[number]) for number in sorted(told, key=float)}


def _value(one: dict[str, Any]) -> Value:
    ends = one.get("interval")
    return Value(
        one["generated"],
        one["real"],
        one["n"],
        one.get("note", ""),
        (ends[0], ends[1]) if ends else None,
        one.get("chance"),
        one.get("trials"),
    )


def _trials(metrics: Iterable[Metric]) -> list[str]:
    return [
        f"{metric.title}: "
        + ", ".join(
            f"{thousands(value.trials)} trials in {split}"
            for split, value in metric.values.items()
            if value.trials
        )
        + "."
        for metric in metrics
        if any(value.trials for value in metric.values.values())
    ]


def _notes(metrics: Iterable[Metric]) -> list[str]:
    """What to know of the values, each said once."""
    titles: dict[tuple[str, str], list[str]] = {}
    for metric in metrics:
        by_note: dict[str, list[str]] = {}
        for split, value in metric.values.items():
            if value.note:
                by_note.setdefault(value.note, []).append(split)
        for note, on in by_note.items():
            where = "" if len(on) == len(metric.values) else f" ({joined(on)})"
            titles.setdefault((note, where), []).append(metric.title)
    return [f"{'; '.join(names)}{where}: {note}." for (note, where), names in titles.items()]
