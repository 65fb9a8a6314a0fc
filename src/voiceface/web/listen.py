"""What serves a page of this project, on this machine or on an address of it."""

import ipaddress
import socket
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from voiceface.errors import VoicefaceError
from voiceface.web.safe import MOST_BYTES, Guard, new_tokens

if TYPE_CHECKING:
    from starlette.types import ASGIApp

LOOPBACK = "127.0.0.1"
_LAST_PORT = 65_535


def serve_page(
    command: str,
    make: Callable[[], "ASGIApp"],
    names: Sequence[str],
    bind: str,
    ports: Sequence[int],
    show: Callable[[str], None],
    most_bytes: int = MOST_BYTES,
) -> None:
    """Serve a page until it is interrupted.

    Args:
        command: of the command line, that serves it.
        make: makes the application, once there is an address.
        names: who may enter; each gets an address with a token of their own.
        bind: the address to listen at; another one than loopback is for others on the network.
        ports: the first of them that is free; 0 is any.
        show: is told each one's address once the server listens.
        most_bytes: length of a message through a socket, at most.

    Raises:
        VoicefaceError: the address can't be had, or what `make` raises.
    """
    import uvicorn

    with _first(bind, ports) as listener:
        port = listener.getsockname()[1]
        tokens = new_tokens(names)
        app = Guard(make(), tokens, hosts(bind, port), f"voiceface_{port}", command)
        config = uvicorn.Config(
            app,
            ws="websockets-sansio",
            ws_max_size=most_bytes,
            log_level="warning",
            access_log=False,
            server_header=False,
        )
        for token, name in tokens.items():
            who = f"{name}: " if len(tokens) > 1 else ""
            show(f"{who}http://{_shown(bind)}:{port}/?token={token}")
        uvicorn.Server(config).run(sockets=[listener])


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


def _first(bind: str, ports: Sequence[int]) -> socket.socket:
    for port in ports[:-1]:
        try:
            return _listening(bind, port)
        except VoicefaceError:
            continue
    return _listening(bind, ports[-1])


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
