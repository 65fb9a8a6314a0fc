"""`voiceface review`: the server of the review page, on this machine or on an address of it."""

import ctypes
import ipaddress
import socket
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from voiceface.config import Settings
from voiceface.errors import VoicefaceError
from voiceface.review.safe import Guard, new_tokens

if TYPE_CHECKING:
    import uvicorn

LOOPBACK = "127.0.0.1"

# malloc.h: M_TRIM_THRESHOLD, M_MMAP_THRESHOLD (bytes), M_ARENA_MAX
_MALLOC = {-1: 1 << 18, -3: 1 << 18, -8: 1}

_LAST_PORT = 65_535
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
    with _usual(bind) if port is None else _listening(bind, port) as listener:
        port = listener.getsockname()[1]
        tokens = new_tokens(curators)
        server = _server(root, settings, tokens, bind, port)
        for token, curator in tokens.items():
            who = f"{curator}: " if len(tokens) > 1 else ""
            show(f"{who}http://{_shown(bind)}:{port}/?token={token}")
        server.run(sockets=[listener])


def _server(
    root: Path, settings: Settings, tokens: Mapping[str, str], bind: str, port: int
) -> "uvicorn.Server":
    import uvicorn

    from voiceface.review.app import review_app
    from voiceface.review.desk import Desk

    _give_memory_back()
    desk = Desk(root, settings, list(tokens.values()))
    app = Guard(review_app(desk), tokens, hosts(bind, port), f"voiceface_{port}")
    config = uvicorn.Config(app, log_level="warning", access_log=False, server_header=False)
    return uvicorn.Server(config)


def _give_memory_back() -> None:
    """Have what is freed go back to the system at once: arrays of a million come and go with each
    sorting and training, and without this the process keeps 100 MB of them."""
    import pyarrow as pa

    pa.set_memory_pool(pa.system_memory_pool())
    libc = ctypes.CDLL(None)
    for option, value in _MALLOC.items() if hasattr(libc, "mallopt") else ():  # glibc has it
        libc.mallopt(option, value)


def is_loopback(bind: str) -> bool:
    """Whether only this machine reaches the address."""
    try:
        return ipaddress.ip_address(bind).is_loopback
    except ValueError:
        return bind == "localhost"


def hosts(bind: str, port: int) -> set[str]:
    """What a browser may call the server by."""
    names = {bind} if not is_loopback(bind) else {LOOPBACK, "localhost", "::1"}
    if bind in ("0.0.0.0", "::"):
        own = {socket.gethostname(), socket.getfqdn()}
        found = socket.getaddrinfo(socket.gethostname(), None)
        names = {LOOPBACK, "localhost", "::1", *own, *(str(one[4][0]) for one in found)}
    return {f"{_bracketed(name)}:{port}" for name in names}


def _shown(bind: str) -> str:
    return socket.gethostname() if bind in ("0.0.0.0", "::") else _bracketed(bind)


def _bracketed(name: str) -> str:
    return f"[{name}]" if ":" in name else name


def _usual(bind: str) -> socket.socket:
    try:
        return _listening(bind, _USUAL_PORT)
    except VoicefaceError:
        return _listening(bind, 0)


def _listening(bind: str, port: int) -> socket.socket:
    if not 0 <= port <= _LAST_PORT:
        raise VoicefaceError(f"--port {port}: must be from 0 to {_LAST_PORT}")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            bind, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(128)
    except (OSError, UnicodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "no name of a machine"
        raise VoicefaceError(
            f"{bind}:{port}: can't listen there ({why}); say another --bind or --port"
        ) from None
    return listener
