"""The command line: one table of commands, each a few lines over a library function."""

import argparse
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from voiceface import cli_pages as pages
from voiceface import cli_upkeep as upkeep
from voiceface.cli_pages import curator_argument, curator_of
from voiceface.config import load_settings
from voiceface.errors import told
from voiceface.layout import (
    CONFIG,
    DATASET,
    MANIFEST,
    MODELS,
    OUTCOMES,
    PEOPLE,
    REVIEWS,
    SAMPLES,
    SOURCES,
    VIDEO_LIST,
)


@dataclass(frozen=True)
class Command:
    """A command: its name, what it does, its arguments, and the function that does it."""

    name: str
    about: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `voiceface`; returns the exit status: 0, 1 for an expected failure, 2 for bad usage."""
    options = _parser().parse_args(arguments)
    if options.debug:
        os.environ["VOICEFACE_DEBUG"] = "1"
    cause: BaseException
    try:
        return options.command.run(options)
    except BrokenPipeError:
        # The reader of our output went away (`voiceface status | head`).
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt as error:
        message, cause = "stopped; the next build goes on from here", error
    except Exception as error:
        line = told(error, "voiceface")
        if line is None:
            raise
        message, cause = line, error
    if options.debug:
        traceback.print_exception(cause)
    print(f"voiceface: {message}", file=sys.stderr)
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="voiceface",
        description="From a list of people who film themselves talking to a curated (face, speech)"
        " dataset, and models that draw a face from a voice. Run it in the project's folder.",
    )
    parser.add_argument("--debug", action="store_true", help="show tracebacks")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in COMMANDS:
        sub = commands.add_parser(command.name, help=command.about, description=command.about)
        # Also behind the command's name, where most people type it.
        sub.add_argument(
            "--debug", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS
        )
        command.add_arguments(sub)
        sub.set_defaults(command=command)
    return parser


def _demo_world_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--output", type=Path, default=Path("data/demo-world"), metavar="FOLDER")
    parser.add_argument("--speakers", type=_positive, default=6)
    parser.add_argument("--videos", type=_positive, default=2, help="videos of each speaker")
    parser.add_argument("--seconds", type=float, default=60.0, help="length of each video")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=_positive, default=os.cpu_count() or 1)


def _demo_world(options: argparse.Namespace) -> int:
    from voiceface.demo.world import render_world

    render_world(
        options.output,
        speakers=options.speakers,
        videos=options.videos,
        seconds=options.seconds,
        seed=options.seed,
        jobs=options.jobs,
        progress=partial(print, flush=True),  # a pipe, too, is to see each line at once
    )
    return 0


def _import_arguments(parser: argparse.ArgumentParser) -> None:
    from voiceface.corpora.registry import KINDS

    kinds = "; ".join(f"{name}: {corpus.about}" for name, corpus in KINDS.items())
    parser.add_argument("kind", choices=list(KINDS), metavar="KIND", help=kinds)
    parser.add_argument("path", type=Path, help="its folder, or its list")
    parser.add_argument("--output", type=Path, default=SOURCES, metavar="FILE")
    about = "a table of people that does not lie beside the corpus, such as vox1_meta.csv"
    parser.add_argument("--meta", type=Path, action="append", default=[], help=about)
    parser.add_argument("--licence", default="", help="for rows whose corpus tells none")
    parser.add_argument(
        "--consent", default="", choices=["", "given", "public", "synthetic", "none"]
    )
    about = "write what was found wrong or left out, as .json or .csv"
    parser.add_argument("--report", type=Path, metavar="FILE", help=about)
    upkeep.configfile_arguments(parser)


def _import_corpus(options: argparse.Namespace) -> int:
    from voiceface.config import Resolve
    from voiceface.corpora.importing import import_corpus

    here = options.configfile.exists()
    lines = import_corpus(
        options.kind,
        options.path,
        options.output,
        tables=options.meta,
        licence=options.licence,
        consent=options.consent,
        report=options.report,
        resolve=load_settings(options.configfile).resolve if here else Resolve(),
    )
    print("\n".join(lines))
    return 0


def _resolve(options: argparse.Namespace) -> int:
    from rich.console import Console

    from voiceface.build import finish_takedowns, read_settings
    from voiceface.building.lock import only_build
    from voiceface.stages.resolve import run

    settings = read_settings(options.configfile)
    with only_build():
        finish_takedowns(Console(file=sys.stdout))
        run(settings.resolve, SOURCES, VIDEO_LIST)
    return 0


def _build_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("targets", nargs="*", help="files or rules; the report if none is named")
    parser.add_argument("--resolve", action="store_true", help="look for new and gone videos first")
    parser.add_argument("--cores", type=_positive, help="cores to use; all if not said")
    about = "where the jobs run, as in workflow/profiles/slurm; a further one is laid over it"
    parser.add_argument("--profile", action="append", default=[], metavar="PATH", help=about)
    upkeep.configfile_arguments(parser)


def _build(options: argparse.Namespace) -> int:
    from voiceface.build import build

    return build(
        options.configfile,
        targets=options.targets,
        cores=options.cores,
        resolve=options.resolve,
        profiles=options.profile,
    )


def _status(options: argparse.Namespace) -> int:
    from voiceface.status import status

    return status(options.configfile)


def _retry_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--only", metavar="REASON", help="only those whose status or reason holds this text"
    )


def _retry(options: argparse.Namespace) -> int:
    from voiceface.build import check_project
    from voiceface.building.lock import only_build
    from voiceface.sources import wanted_videos
    from voiceface.stages.downloads import retry

    check_project()
    with only_build():
        videos = retry(OUTCOMES, options.only)
    # Records also lie there of videos that no source lists any more.
    listed = {video.video for video in wanted_videos(VIDEO_LIST)} if VIDEO_LIST.exists() else set()
    again = len(listed.intersection(videos))
    print(f"{again} downloads will be tried again by the next `voiceface build`")
    return 0


def _mark_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("samples", nargs="+", metavar="SAMPLE")
    decision = parser.add_mutually_exclusive_group(required=True)
    decision.add_argument("--keep", action="store_true")
    decision.add_argument("--drop", metavar="REASON")
    decision.add_argument("--unsure", action="store_true")
    curator_argument(parser)


def _mark(options: argparse.Namespace) -> int:
    from voiceface.review.exchange import mark

    decision = "keep" if options.keep else "unsure" if options.unsure else "drop"
    mark(REVIEWS, MANIFEST, options.samples, decision, options.drop or "", curator_of(options))
    print(f"{len(options.samples)} marked {decision}; `voiceface build` takes it into the dataset")
    return 0


def _marks_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(title="actions", metavar="ACTION", dest="action", required=True)
    export = actions.add_parser("export", help="write all samples and marks as CSV")
    export.add_argument("file", type=Path)
    export.add_argument("--delimiter", choices=[",", ";"], default=",")
    take = actions.add_parser("import", help="take the marks of an edited CSV, as one batch")
    take.add_argument("file", type=Path)
    take.add_argument("--dry-run", action="store_true", help="only show what would change")
    undo = actions.add_parser("undo", help="take an imported batch back")
    undo.add_argument("batch")
    actions.add_parser("agreement", help="how well the curators agree")
    upkeep.configfile_arguments(parser)
    curator_argument(take)
    curator_argument(undo)


def _marks(options: argparse.Namespace) -> int:
    from voiceface.build import read_settings
    from voiceface.review import exchange
    from voiceface.review.fold import Policy

    settings = read_settings(options.configfile)
    policy = Policy(settings.manifest.dispute_policy, settings.manifest.adjudicators)
    if options.action == "export":
        exchange.export_marks(MANIFEST, REVIEWS, options.file, options.delimiter, policy)
        print(f"{options.file}: edit the columns decision, reason and note, then import it")
    elif options.action == "agreement":
        share, seed = settings.review.second_share, settings.review.second_seed
        found = exchange.marks_agreement(MANIFEST, REVIEWS, share, seed)
        print(f"of the samples that two curators mark blindly (review.second_share {share:g}):")
        for name, value in asdict(found).items():
            print(f"{name}: {'not defined' if value is None else f'{value:.4g}'}")
    elif options.action == "undo":
        count = exchange.undo_batch(REVIEWS, curator_of(options), options.batch)
        print(f"{count} marks taken back")
    else:
        plan = exchange.plan_import(MANIFEST, REVIEWS, options.file, curator_of(options), policy)
        print("\n".join(plan.words()))
        if options.dry_run:
            return int(bool(plan.conflicts))
        batch = exchange.apply_import(plan, REVIEWS, curator_of(options))
        print(f"imported as batch {batch}; `voiceface marks undo {batch}` takes it back")
    return 0


def _check_leakage_arguments(parser: argparse.ArgumentParser) -> None:
    about = "a foreign dataset whose subfolders are its splits; this build's own if not said"
    parser.add_argument("folder", type=Path, nargs="?", metavar="PATH", help=about)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every finding there")


def _check_leakage(options: argparse.Namespace) -> int:
    from voiceface.check_leakage import check_build, check_folder
    from voiceface.files import write_json
    from voiceface.reporting.leakage import compared_words

    if options.folder is None:
        proof = check_build(DATASET, SAMPLES, PEOPLE)
        compared = ", ".join(compared_words(proof["compared"]))
        print(f"no leak: the splits share nothing; compared were {compared}")
        if options.json:
            write_json(options.json, proof)
        return 0
    found = check_folder(options.folder)
    print("\n".join(found.words()))
    if options.json:
        write_json(options.json, found.as_json())
    return int(found.leaks)


def _models(options: argparse.Namespace) -> int:
    from rich.console import Console
    from rich.table import Table

    from voiceface.models.status import models_status

    table = Table(box=None)
    for column in ("model", "paper", "takes", "needs", "trained", "main metrics"):
        table.add_column(column, overflow="fold")
    for model in models_status(MODELS, load_settings(CONFIG)):
        trained = "no" if model.trained_steps is None else f"{model.trained_steps} steps"
        if model.taken_down:
            trained += ", stale: on what was taken down since"
        metrics = ", ".join(f"{name} {value:.3g}" for name, value in model.headline.items())
        table.add_row(model.name, model.paper, model.about, model.needs, trained, metrics)
    Console().print(table)
    return 0


def _generate_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("voice", type=Path, help="a sound file with speech")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FACE.png")
    parser.add_argument("--model", type=Path, default=MODELS / "wav2pix", metavar="FOLDER")


def _generate(options: argparse.Namespace) -> int:
    from voiceface.generate import generate

    generate(options.voice, options.output, options.model)
    print(f"{options.output}: the face that {options.model} draws from {options.voice}")
    return 0


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, not {value}")
    return value


def _no_arguments(parser: argparse.ArgumentParser) -> None:
    pass


COMMANDS = [
    Command("demo-world", "render drawn speakers as videos", _demo_world_arguments, _demo_world),
    Command("import-corpus", "a known corpus into sources", _import_arguments, _import_corpus),
    Command("resolve", "sources into the list of videos", upkeep.configfile_arguments, _resolve),
    Command("build", "rebuild what is stale, up to the report", _build_arguments, _build),
    Command("status", "the funnel, and what is stale", upkeep.configfile_arguments, _status),
    Command("why", "what made it stale", upkeep.why_arguments, upkeep.why),
    Command("retry", "try failed downloads again", _retry_arguments, _retry),
    Command(
        "takedown",
        "remove a video or a person for good",
        upkeep.takedown_arguments,
        upkeep.takedown,
    ),
    Command("verify", "re-hash all that was built", upkeep.verify_arguments, upkeep.verify),
    Command("review", "look at samples and mark them", pages.review_arguments, pages.review),
    Command("mark", "keep or drop samples", _mark_arguments, _mark),
    Command("marks", "all marks to CSV and back", _marks_arguments, _marks),
    Command(
        "check-leakage",
        "prove that no splits share sound or faces",
        _check_leakage_arguments,
        _check_leakage,
    ),
    Command("models", "the models, and which are trained", _no_arguments, _models),
    Command("speakers", "whom a recogniser knows", upkeep.speakers_arguments, upkeep.speakers),
    Command("generate", "draw a face from a voice", _generate_arguments, _generate),
    Command("studio", "speak in a page, and see the faces", pages.studio_arguments, pages.studio),
]
