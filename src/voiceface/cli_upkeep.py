"""The commands that look after what was built: thin, like all of `cli`."""

import argparse
from pathlib import Path

from voiceface.errors import VoicefaceError
from voiceface.layout import CONFIG, MODELS, PACKED


def configfile_arguments(parser: argparse.ArgumentParser) -> None:
    """`--configfile`, of every command that reads the settings."""
    about = "settings to lay over those of config.yaml"
    parser.add_argument("--configfile", type=Path, default=CONFIG, metavar="FILE", help=about)


def why_arguments(parser: argparse.ArgumentParser) -> None:
    """What may stand behind `voiceface why`."""
    about = "a file, a stage or a video; the report if none is named"
    parser.add_argument("target", nargs="?", default="", metavar="TARGET", help=about)
    configfile_arguments(parser)


def why(options: argparse.Namespace) -> int:
    """Say what made a file, a stage or a video stale."""
    from voiceface.why import why

    print("\n".join(why(options.target, options.configfile)))
    return 0


def takedown_arguments(parser: argparse.ArgumentParser) -> None:
    """What may stand behind `voiceface takedown`."""
    about = "as in videos.csv; none: carry out what manifests/takedowns.csv says"
    parser.add_argument("videos", nargs="*", metavar="VIDEO", help=about)
    about = "all videos of this person, those to come too"
    parser.add_argument("--speaker", action="append", default=[], metavar="LABEL", help=about)
    parser.add_argument("--reason", default="", help="why: it stays in manifests/takedowns.csv")
    about = "only look whether anything of the takedowns is left"
    parser.add_argument("--check", action="store_true", help=about)


def takedown(options: argparse.Namespace) -> int:
    """Remove for good; returns 1 when something of it is left."""
    from voiceface import removal
    from voiceface.build import check_project
    from voiceface.building.lock import only_build

    check_project()
    if options.check:
        left = removal.left_over()
        print("\n".join(left) or "nothing of the takedowns is left")
        return int(bool(left))
    named = bool(options.videos or options.speaker)
    if named and not options.reason.strip():
        raise VoicefaceError("say why it is taken down: --reason TEXT")
    with only_build():
        result = (
            removal.take_down(options.videos, options.speaker, options.reason)
            if named
            else removal.finish()
        )
    print("\n".join(result.words()))
    return int(not result.is_whole)


def verify_arguments(parser: argparse.ArgumentParser) -> None:
    """What may stand behind `voiceface verify`."""
    about = "delete what is damaged, so that the next build makes it again; keep good media"
    parser.add_argument("--repair", action="store_true", help=about)


def verify(options: argparse.Namespace) -> int:
    """Name what is damaged, or delete it; returns 1 when something is left damaged."""
    from voiceface.build import check_project
    from voiceface.building.lock import only_build
    from voiceface.repair import repair
    from voiceface.verify import verify

    check_project()
    with only_build():
        damages = verify()
        for damage in damages:
            print(f"{damage.path}: {damage.what}")
        if not damages:
            print("all that was built is as it was written")
            return 0
        if not options.repair:
            print(f"{len(damages)} files are damaged; --repair mends that")
            return 1
        repaired = repair(damages)
    print("\n".join(repaired.words()))
    return int(bool(repaired.left))


def speakers_arguments(parser: argparse.ArgumentParser) -> None:
    """What may stand behind `voiceface speakers`."""
    actions = parser.add_subparsers(title="actions", metavar="ACTION", dest="action", required=True)
    add = actions.add_parser("add", help="let it know more people")
    add.add_argument("folder", type=Path, help="holds a folder for each, with their recordings")
    actions.add_parser("list", help="whom it knows")
    remove = actions.add_parser("remove", help="forget somebody who was added")
    remove.add_argument("name")
    about = "a trained recogniser's folder"
    parser.add_argument("--recogniser", type=Path, default=MODELS / "sincnet", help=about)


def speakers(options: argparse.Namespace) -> int:
    """Add, list or remove the speakers that a recogniser knows."""
    from voiceface.speakers import add_speakers, list_speakers, remove_speaker

    if options.action == "add":
        print("\n".join(add_speakers(options.folder, options.recogniser, PACKED).words()))
    elif options.action == "remove":
        remove_speaker(options.name, options.recogniser)
        print(f"{options.name}: removed from {options.recogniser}")
    else:
        print("\n".join(list_speakers(options.recogniser)))
    return 0
