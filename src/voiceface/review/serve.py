"""`voiceface review`: the server of the review page, on this machine or on an address of it."""

import ipaddress
import socket
from collections.abc import Callable, Sequence
from pathlib import Path

from voiceface.config import Settings
from voiceface.errors import VoicefaceError

LOOPBACK = "127.0.0.1"


def serve(
    root: Path,
    settings: Settings,
    curators: Sequence[str],
    bind: str = LOOPBACK,
    port: int = 0,
    show: Callable[[str], None] = print,
) -> None:
    """Serve the project in `root` until it is interrupted.

    Args:
        curators: who may mark; each gets an address with a token of their own.
        bind: the address to listen at; another one than loopback is for others on the network.
        port: 0 takes a free one.
        show: is told each curator's address once the server listens.

    Raises:
        VoicefaceError: the address can't be had, or there is no manifest.
    """
    import uvicorn

    from voiceface.review.app import review_app
    from voiceface.review.desk import Desk
    from voiceface.review.safe import Guard, new_tokens

    with _listening(bind, port) as listener:
        port = listener.getsockname()[1]
        tokens = new_tokens(curators)
        desk = Desk(root, settings, curators)
        app = Guard(review_app(desk), tokens, hosts(bind, port), f"voiceface_{port}")
        for token, curator in tokens.items():
            who = f"{curator}: " if len(tokens) > 1 else ""
            show(f"{who}http://{_shown(bind)}:{port}/?token={token}")
        config = uvicorn.Config(
            app, log_level="warning", access_log=False, server_header=False, lifespan="on"
        )
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


def _listening(bind: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            bind, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(128)
    except OSError as error:
        raise VoicefaceError(
            f"{bind}:{port}: can't listen there ({error.strerror}); say another --bind or --port"
        ) from None
    return listener
