"""The commands that serve a page, and who is at it: thin, like all of `cli`."""

import argparse
import getpass
from contextlib import suppress
from functools import partial
from pathlib import Path

from voiceface.cli_upkeep import configfile_arguments
from voiceface.errors import VoicefaceError


def curator_argument(parser: argparse.ArgumentParser) -> None:
    """`--curator`, of every command that marks."""
    parser.add_argument("--curator", default=None, help="your name; the login's if not said")


def curator_of(options: argparse.Namespace) -> str:
    """Who marks.

    Raises:
        VoicefaceError: there is no login name.
    """
    try:
        return options.curator or getpass.getuser()
    except (KeyError, OSError):
        raise VoicefaceError("no login name found; say who you are: --curator NAME") from None


def review_arguments(parser: argparse.ArgumentParser) -> None:
    """What may stand behind `voiceface review`."""
    about = "listen there for others, too; each curator then needs a token, see --curators"
    parser.add_argument("--bind", default=None, metavar="ADDRESS", help=about)
    parser.add_argument("--port", type=int, default=None, help="8923, or a free one, if not said")
    about = "who may mark, as in ann,bo: each gets an address of their own"
    parser.add_argument("--curators", default="", metavar="NAMES", help=about)
    curator_argument(parser)
    configfile_arguments(parser)


def review(options: argparse.Namespace) -> int:
    """Serve the review page until it is interrupted."""
    from voiceface.build import read_settings
    from voiceface.review.serve import serve
    from voiceface.web.listen import LOOPBACK

    names = [name.strip() for name in options.curators.split(",") if name.strip()]
    if options.bind and not names:
        raise VoicefaceError("--bind lets others in: name them, --curators ann,bo")
    curators = names or [curator_of(options)]
    settings = read_settings(options.configfile)
    show = partial(print, flush=True)  # whoever starts it in the background waits for the address
    with suppress(KeyboardInterrupt):  # the way to end it
        serve(Path(), settings, curators, options.bind or LOOPBACK, options.port, show)
    return 0


def studio_arguments(parser: argparse.ArgumentParser) -> None:
    """What may stand behind `voiceface studio`."""
    about = "folders below models/; all that no experiment made, if none is named"
    parser.add_argument("models", nargs="*", metavar="MODEL", help=about)
    parser.add_argument("--port", type=int, default=None, help="8924, or a free one, if not said")
    configfile_arguments(parser)


def studio(options: argparse.Namespace) -> int:
    """Serve the studio until it is interrupted."""
    from voiceface.build import read_settings
    from voiceface.studio.serve import serve

    settings = read_settings(options.configfile)
    with suppress(KeyboardInterrupt):  # the way to end it
        serve(Path(), settings, options.models, options.port, partial(print, flush=True))
    return 0
