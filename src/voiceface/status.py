"""One screen that says how the dataset and the models stand, and what is stale."""

import os
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.columns import Columns
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from voiceface import layout, tables
from voiceface.build import read_settings
from voiceface.building.events import Event, Runner
from voiceface.building.progress import NO_STAGES, STAGES, plain
from voiceface.building.reasons import short
from voiceface.config import Settings
from voiceface.files import read_table
from voiceface.layout import (
    CONFIG,
    DATASET,
    FUNNEL,
    MANIFEST,
    PEOPLE,
    REPORTS,
    SOURCES,
    VIDEO_LIST,
)
from voiceface.models.provenance import stale_words, trained_on
from voiceface.reporting.figures import Funnel, Speaker, read_funnel, read_speakers
from voiceface.reporting.metrics import Value, read_evaluation
from voiceface.reporting.people import read_people
from voiceface.reporting.words import clock, figure
from voiceface.review.fold import orphans, standing_by_curator
from voiceface.review.ledger import read_ledger
from voiceface.sources import read_videos
from voiceface.tables import REVIEWS, SPLITS
from voiceface.takedowns import read_takedowns

_MOST_FINDINGS = 5


def status(settings_path: Path = CONFIG) -> int:
    """Print the funnel, the counts, the models' metrics and what is stale.

    Returns: the exit status, 0.

    Raises:
        VoicefaceError: the config is wrong, or a table is damaged.
    """
    settings = read_settings(settings_path)
    console = Console(file=sys.stdout)
    print_summary(console, settings)
    for words in people_lines():
        console.print(words)
    if count := _orphans():
        console.print(f"{count} marks are on samples that are gone; they stay in the ledger")
    for told in stale_words(trained_on(layout.MODELS, read_takedowns(layout.TAKEDOWNS).videos)):
        console.print(Text(told, style="yellow"))
    for line in _staleness(settings, settings_path):
        console.print(line, highlight=False)
    return 0


def people_lines() -> list[Text]:
    """A line for each label that is no one person, as far as one screen has room for them."""
    if not PEOPLE.exists():
        return []
    found = [Text(finding.words, style="yellow") for finding in read_people(PEOPLE)]
    more = len(found) - _MOST_FINDINGS
    rest = [Text(f"… and {more} more such labels, see the report")] if more > 0 else []
    return [*found[:_MOST_FINDINGS], *rest]


def _orphans() -> int:
    """How many decisions are on samples that the manifest no longer has."""
    if not (MANIFEST.exists() and layout.REVIEWS.exists()):
        return 0
    samples = read_table(MANIFEST, tables.MANIFEST, ["sample"])["sample"].to_pylist()
    return len(orphans(standing_by_curator(read_ledger(layout.REVIEWS)), samples))


def print_summary(console: Console, settings: Settings) -> None:
    """Print the funnel, the counts and the models' metrics, as far as they are built."""
    if FUNNEL.exists() and MANIFEST.exists() and DATASET.exists():
        funnel = read_funnel(FUNNEL)
        speakers = read_speakers(MANIFEST, FUNNEL, DATASET)
        both = [_funnel_table(funnel), _count_table(funnel, speakers)]
        console.print(Columns(both, padding=(0, 6)))
    else:
        console.print("no dataset yet; make it with `voiceface build`", highlight=False)
    for model in settings.models:
        console.print(_model_table(model))


def _grid(title: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    table.show_header = False
    return table


def _funnel_table(funnel: Funnel) -> Table:
    table = _grid(f"{clock(funnel.total_s)} of video")
    table.add_column("reason")
    for _ in range(2):
        table.add_column(justify="right")
    table.add_column("bar")
    for share in funnel.shares:
        colour = "green" if share.family == "kept" else "default"
        bar = "█" * round(24 * share.tenths / 1000)
        row = [share.words, share.percent, clock(share.seconds), bar]
        table.add_row(*(Text(cell, style=colour) for cell in row))
    return table


def _count_table(funnel: Funnel, speakers: list[Speaker]) -> Table:
    table = _grid("dataset")
    table.add_column()
    table.add_column(style="default")
    samples = sum(one.samples for one in speakers)
    reviews = {name: sum(one.reviews[name] for one in speakers) for name in REVIEWS}
    splits = {name: sum(one.splits[name] for one in speakers) for name in SPLITS}
    rows = {
        "speakers": f"{len(speakers)}",
        "videos": f"{funnel.videos}" + (f", {len(funnel.lost)} lost" if funnel.lost else ""),
        "samples": f"{samples}",
        "clean": f"{sum(one.clean for one in speakers)}",
        "kept": f"{sum(splits.values())}",
        "splits": _listed(splits),
        "reviews": _listed({name: count for name, count in reviews.items() if count}),
    }
    for name, value in rows.items():
        table.add_row(Text(name, style="dim"), Text(value))
    return table


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items()) or "–"


def _model_table(model: str) -> RenderableType:
    path = REPORTS / model / "metrics.json"
    if not path.exists():
        return Text(f"\n{model}: not evaluated yet", style="dim")
    evaluation = read_evaluation(path)
    table = Table(title=f"{model} (of real faces in brackets)", box=None, pad_edge=False)
    table.title_justify, table.title_style, table.header_style = "left", "bold", "dim"
    table.add_column("metric")
    for split in SPLITS:
        table.add_column(split, justify="right")
    for metric in evaluation.metrics:
        cells = [_cell(metric.values.get(split), metric.unit) for split in SPLITS]
        if any(cells):
            table.add_row(metric.title, *cells)
    return Group(Text(""), table)


def _cell(value: Value | None, unit: str) -> str:
    if value is None or (value.generated is None and value.real is None):
        return ""
    real = "" if value.real is None else f" ({figure(value.real, unit)})"
    return figure(value.generated, unit) + real


def _staleness(settings: Settings, settings_path: Path) -> list[RenderableType]:
    from voiceface.stages import resolve

    found: list[RenderableType] = [Text("")]
    if SOURCES.exists() and (why := resolve.is_stale(settings.resolve, SOURCES, VIDEO_LIST)):
        found.append(Text(f"sources: to be resolved again ({why})", style="yellow"))
    if not VIDEO_LIST.exists():
        return found
    found += [Text(line) for line in resolve.kept_out(read_videos(VIDEO_LIST))]
    jobs, errors = plan(settings_path)
    if errors:
        return [*found, Text(f"what is stale cannot be told: {errors[0]}", style="red")]
    lines = summarise(jobs)
    if not lines:
        return [*found, Text("all is up to date", style="green")]
    table = _grid("to be done by `voiceface build`")
    for _ in range(3):
        table.add_column()
    for stage, count, why in lines:
        table.add_row(stage, count, Text(f"because of {why}" if why[0] != "n" else why))
    return [*found, table]


def plan(
    settings_path: Path = CONFIG, targets: Sequence[str] = ()
) -> tuple[list[Event], list[str]]:
    """The jobs that Snakemake would run now for the targets, and what it found wrong.

    Args:
        targets: files or rules; none is the default one, everything.
    """
    options = ["--dry-run", "--cores=1"]
    if settings_path != CONFIG:
        options.append(f"--configfile={settings_path}")
    if targets:
        options += ["--", *targets]
    runner = Runner(options, Path(os.devnull))
    events: list[Event] = []
    while (new := runner.poll(60.0)) is not None:
        events += new
    failed = runner.wait() != 0
    errors = [plain(event["text"]) for event in events if event["event"] == "error"]
    jobs = [event for event in events if event["event"] == "job_info"]
    return jobs, errors or ["Snakemake failed; run `snakemake -n` to see why"] * failed


def summarise(jobs: Iterable[Event]) -> list[tuple[str, str, str]]:
    """Stage, how many of what, and why, in the order of the stages."""
    counts: Counter[tuple[str, str, str]] = Counter()
    for job in jobs:
        if job["rule_name"] not in NO_STAGES:
            unit = next(iter(job["wildcards"] or {}), "")
            counts[job["rule_name"], unit, short(job["reason"])] += 1
    places = {name: place for place, name in enumerate(STAGES)}
    order = sorted(counts.items(), key=lambda item: (places.get(item[0][0], 99), item[0]))
    return [(stage, _amount(count, unit), why) for (stage, unit, why), count in order]


def _amount(count: int, unit: str) -> str:
    if not unit:
        return ""
    return f"{count} {unit}{'s' if count > 1 else ''}"
