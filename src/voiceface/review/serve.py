"""`voiceface review`: the server of the review page."""

import ctypes
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from voiceface.config import Settings
from voiceface.web.listen import LOOPBACK, serve_page

if TYPE_CHECKING:
    from starlette.types import ASGIApp

# malloc.h: M_TRIM_THRESHOLD, M_MMAP_THRESHOLD (bytes), M_ARENA_MAX
_MALLOC = {-1: 1 << 18, -3: 1 << 18, -8: 1}

_USUAL_PORT = 8923
"""The same each time: a page that waits for the server to come back finds it there."""


def serve(
    root: Path,
    settings: Settings,
    curators: Sequence[str],
    bind: str = LOOPBACK,
    port: int | None = None,
    show: Callable[[str], None] = print,
) -> None:
    """Serve the project in `root` until it is interrupted.

    Args:
        curators: who may mark; each gets an address with a token of their own.
        bind: the address to listen at; another one than loopback is for others on the network.
        port: the usual one if not said, or a free one where that is taken.
        show: is told each curator's address once the server listens.

    Raises:
        VoicefaceError: the address can't be had, or there is no manifest.
    """

    def make() -> "ASGIApp":
        from voiceface.review.app import review_app
        from voiceface.review.desk import Desk

        _give_memory_back()
        return review_app(Desk(root, settings, curators))

    ports = [_USUAL_PORT, 0] if port is None else [port]
    serve_page("review", make, curators, bind, ports, show)


def _give_memory_back() -> None:
    """Have what is freed go back to the system at once: arrays of a million come and go with each
    sorting and training, and without this the process keeps 100 MB of them."""
    import pyarrow as pa

    pa.set_memory_pool(pa.system_memory_pool())
    libc = ctypes.CDLL(None)
    for option, value in _MALLOC.items() if hasattr(libc, "mallopt") else ():  # glibc has it
        libc.mallopt(option, value)
