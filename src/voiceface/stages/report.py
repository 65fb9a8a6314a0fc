"""One page that shows it all: the funnel, the samples, the splits, the models, the settings."""

import json
import platform
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from voiceface.config import Report, Settings
from voiceface.files import read_json, read_text, sha256_file, write_page
from voiceface.layout import RESULTS
from voiceface.libraries import SHOWN
from voiceface.reporting import charts, lengths
from voiceface.reporting.experiments import read_comparison
from voiceface.reporting.figures import Share, Speaker, read_funnel, read_speakers, read_splits
from voiceface.reporting.leakage import read_leakage
from voiceface.reporting.metrics import Evaluation, read_evaluation
from voiceface.reporting.people import read_people, usual_faces
from voiceface.reporting.pictures import (
    Sheet,
    count_shown,
    dropped_sheets,
    kept_sheets,
    picture_file,
)
from voiceface.reporting.words import FAMILIES, clock, counted, figure, spread_of, thousands
from voiceface.stages.shim import stage_main
from voiceface.tables import REVIEWS, SPLITS

_WIDEST_PX = 1200


@dataclass(frozen=True)
class Curve:
    """A training curve on the page."""

    name: str
    svg: Markup


@dataclass(frozen=True)
class Model:
    """A model's section."""

    name: str
    about: str
    evaluation: Evaluation
    generated: str
    grid: str
    curves: list[Curve]
    lengths: list[lengths.Chart]


@dataclass(frozen=True)
class Recogniser:
    """How well a recogniser tells speakers apart."""

    name: str
    splits: dict[str, dict[str, Any]]
    """By split: `n` recordings, and `top1`, `top5` and `chance` in percent; None of none."""


def run(
    config: Report,
    settings: str,
    manifest: Path,
    funnel: Path,
    dataset: Path,
    leakage: Path,
    people: Path,
    faces: Path,
    models: Path,
    reports: Path,
    names: str,
    recognisers: str,
    experiments: str,
    rubric: Path,
    output: Path,
) -> None:
    """Write the report: one HTML file with everything in it. Equal inputs give equal bytes.

    Args:
        settings: the configuration to show, as JSON; passwords in it are not shown.
        faces: folder of the faces tables.
        models: folder of the trained models.
        reports: folder of the models' metrics.
        names: the models to show, separated by commas.
        recognisers: the recognisers of speakers to show, likewise; may be empty.
        experiments: those to show, separated by commas; their tables stand below `reports`.
        rubric: the rules by which the curators decided; need not be there.

    Raises:
        VoicefaceError: an input is missing or damaged.
    """
    known = [_recogniser(name, models / name) for name in _named(recognisers)]
    shown = [_model(name, models / name, reports / name, known) for name in _named(names)]
    tables = {
        **_funnel(funnel),
        **_speakers(read_speakers(manifest, funnel, dataset)),
        **_people(people, manifest, faces),
        "leakage": read_leakage(leakage),
    }
    inputs = (manifest, funnel, people, dataset, leakage)
    digests = {path.name: sha256_file(path) for path in inputs}
    page = _environment().get_template("page.html")
    text = page.render(
        **tables,
        splits=SPLITS,
        reviews=REVIEWS,
        rubric=read_text(rubric),
        **_sheets("kept", kept_sheets(dataset, faces, config.contact_sheet)),
        **_sheets("dropped", dropped_sheets(manifest, faces, config.contact_sheet)),
        split_rows=read_splits(dataset),
        recognisers=known,
        models=shown,
        tiles=_tiles(shown),
        experiments=[
            read_comparison(reports / RESULTS.name / name, digests[dataset.name])
            for name in _named(experiments)
        ],
        versions=_versions(),
        digests=digests,
        config=_config(json.loads(settings)),
    )
    write_page(output, text)


def _named(names: str) -> list[str]:
    return [name for name in names.split(",") if name]


def _funnel(funnel: Path) -> dict[str, Any]:
    """The funnel and the families of its reasons, as the page names them."""
    sums = read_funnel(funnel)
    used = {share.family for share in sums.shares}
    return {"funnel": sums, "families": FAMILIES, "used_families": used}


def _people(people: Path, manifest: Path, faces: Path) -> dict[str, Any]:
    """The labels that are no one person, as the page names them."""
    findings = read_people(people)
    return {"findings": findings, "usual_faces": usual_faces(findings, manifest, faces)}


def _speakers(speakers: list[Speaker]) -> dict[str, Any]:
    """The speakers and their sums, as the page names them."""
    return {
        "speakers": speakers,
        "samples": sum(one.samples for one in speakers),
        "clean": sum(one.clean for one in speakers),
        "kept": sum(one.kept for one in speakers),
        "unseen": sum(1 for one in speakers if one.splits["unseen"]),
        "reviewed": sum(one.samples - one.reviews["pending"] for one in speakers),
    }


def _sheets(name: str, sheets: list[Sheet]) -> dict[str, Any]:
    return {f"{name}_sheets": sheets, f"{name}_shown": count_shown(sheets)}


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("voiceface", "reporting"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(clock=clock, figure=figure, thousands=thousands)
    environment.filters.update(shade=_shade, spread_of=spread_of)
    environment.globals.update(count=counted)
    return environment


def _shade(share: Share, shares: Iterable[Share]) -> float:
    """Opacity that tells the reasons of one family apart."""
    family = [one.reason for one in shares if one.family == share.family]
    return round(1 - 0.6 * family.index(share.reason) / max(len(family), 2), 2)


def _model(name: str, folder: Path, report: Path, recognisers: list[Recogniser]) -> Model:
    evaluation = read_evaluation(report / "metrics.json")
    curves = charts.read_curves(folder / "history.parquet")
    return Model(
        name,
        _about(read_json(folder / "model.json"), recognisers),
        evaluation,
        picture_file(report / "generated.png", _WIDEST_PX),
        picture_file(folder / "grid.png", _WIDEST_PX),
        [Curve(one.name, charts.draw(one)) for one in curves],
        lengths.read_charts(evaluation),
    )


def _recogniser(name: str, folder: Path) -> Recogniser:
    return Recogniser(name, read_json(folder / "accuracy.json"))


def _about(values: dict[str, Any], recognisers: list[Recogniser]) -> str:
    """What the model's card says of its training, in a sentence."""
    parts = []
    if "px" in values:
        parts.append(f"draws {values['px']} × {values['px']} pixels")
    if isinstance(values.get("speakers"), list):
        parts.append(f"knows {counted(len(values['speakers']), 'speaker')}")
    if "steps" in values:
        parts.append(f"trained for {counted(values['steps'], 'step')}")
    for one in recognisers:
        if one.name == values.get("begins_with"):
            known = one.splits["test"]
            parts.append(
                f"took its voice embedding from the recogniser {one.name}"
                f" ({figure(known['top1'], '%')} of {counted(known['n'], 'unheard recording')}"
                f" right; chance: {figure(known['chance'], '%')})"
            )
    return f"It {', '.join(parts)}." if parts else ""


def _tiles(models: list[Model]) -> list[dict[str, str]]:
    """Each model's main figures, for the head of the page."""
    tiles = []
    for model in models:
        for metric, split in model.evaluation.headlines:
            value = metric.values.get(split)
            if value and value.generated is not None:
                about = [
                    spread_of(value.interval, metric.unit),
                    f"real faces: {figure(value.real, metric.unit)}",
                ]
                tiles.append(
                    {
                        "title": f"{model.name}, {split}: {metric.title.lower()}",
                        "value": figure(value.generated, metric.unit),
                        "about": "; ".join(part for part in about if part),
                    }
                )
    return tiles


def _versions() -> dict[str, str]:
    versions = {"python": platform.python_version()}
    for name in ("voiceface", *SHOWN):
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue  # the report may be made where only its own packages are
    return versions


def _config(settings: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Settings by section, each with whether it differs from the default."""
    defaults = Settings().model_dump(mode="json")
    sections: dict[str, list[dict[str, Any]]] = {}
    for name, values in sorted(settings.items()):
        rows = values if isinstance(values, dict) else {name: values}
        usual = defaults.get(name, {}) if isinstance(values, dict) else {name: defaults.get(name)}
        sections[name] = [
            {
                "key": key,
                "value": json.dumps(_without_secrets(key, value), ensure_ascii=False),
                "changed": value != usual.get(key),
            }
            for key, value in rows.items()
        ]
    return sections


def _without_secrets(key: str, value: Any) -> Any:
    """A setting as a page that is passed on may show it."""
    if key == "proxy" and value:
        return re.sub(r"^(\w+://)?.*@", r"\1***@", value)
    return Path(value).name if key == "cookies_file" and value else value


if __name__ == "__main__":
    sys.exit(stage_main(run))
