"""`voiceface studio`: the server of a page on which one speaks and sees faces, on this machine."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from voiceface.config import Settings
from voiceface.studio.limits import MOST_FILE_BYTES
from voiceface.web.listen import LOOPBACK, serve_page

if TYPE_CHECKING:
    from starlette.types import ASGIApp

_USUAL_PORT = 8924


def serve(
    root: Path,
    settings: Settings,
    models: Sequence[str],
    port: int | None,
    show: Callable[[str], None] = print,
) -> None:
    """Serve the models of the project in `root` until it is interrupted.

    It listens on this machine alone: a browser gives no microphone to a page from elsewhere without
    a certificate, and no voice is to leave the machine.

    Args:
        models: the names of those that draw; without any, all that no experiment made.
        port: the usual one if None, or a free one where that is taken.
        show: is told the address once the server listens.

    Raises:
        VoicefaceError: the port can't be had, or no model is trained.
    """

    def make() -> "ASGIApp":
        from voiceface.studio.app import studio_app
        from voiceface.studio.room import Room

        return studio_app(Room(root, settings, models))

    ports = [_USUAL_PORT, 0] if port is None else [port]
    serve_page("studio", make, ["you"], LOOPBACK, ports, show, MOST_FILE_BYTES)
