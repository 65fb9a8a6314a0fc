"""Who may talk to the server: tokens, cookies, Host, Origin, sizes, and what the page may load.

A page of another site can't read from this server or write to it: its requests carry another
Origin, no cookie (SameSite=Strict), and, after a rebound name, another Host.
"""

import hmac
import secrets
from collections.abc import Iterable, Mapping
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose

MOST_BYTES = 1 << 20
"""Length of a request's body, at most."""

OPEN = ("/static/",)
"""What anybody may load: the page's own code."""

HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self';"
    " img-src 'self'; media-src 'self'; connect-src 'self'; form-action 'none';"
    " base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}


def new_tokens(names: Iterable[str]) -> dict[str, str]:
    """A random token for each name: token → name."""
    return {secrets.token_urlsafe(24): name for name in names}


class Guard:
    """Lets through only what the page itself asks for; puts who asks into `scope["state"]`."""

    def __init__(
        self,
        app: ASGIApp,
        tokens: Mapping[str, str],
        hosts: Iterable[str],
        cookie: str,
        command: str = "review",
    ) -> None:
        """Guard `app`.

        Args:
            tokens: token → who has it.
            hosts: what a Host header may say, with the port, as in `127.0.0.1:8765`.
            cookie: the cookie's name; a server of another port has another one.
            command: that printed the address with the token.
        """
        self._app = app
        self._tokens = dict(tokens)
        self._hosts = frozenset(hosts)
        self._origins = frozenset(f"http://{host}" for host in self._hosts)
        self._cookie = cookie
        self._command = command

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or hand it on."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        token = self._token(scope, headers)
        curator = self._owner(token)

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                out = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    out[name] = value
                out.setdefault("cache-control", "no-store")
                if curator and _is_entry(scope):
                    out["set-cookie"] = f"{self._cookie}={token}; Path=/; HttpOnly; SameSite=Strict"
            await send(message)

        if refusal := self._refusal(scope, headers, curator):
            is_socket = scope["type"] == "websocket"
            answer = WebSocketClose(1008, "refused") if is_socket else refusal
            await answer(scope, receive, with_headers)
            return
        scope.setdefault("state", {})["curator"] = curator
        await self._app(scope, receive, with_headers)

    def _refusal(
        self, scope: Scope, headers: Headers, curator: str | None
    ) -> PlainTextResponse | None:
        if headers.get("host") not in self._hosts:
            return PlainTextResponse("not this server's name", 421)
        # A link to the page itself may stand anywhere.
        linked = _is_entry(scope) and headers.get("sec-fetch-mode") == "navigate"
        site = headers.get("sec-fetch-site", "same-origin")
        if site not in ("same-origin", "none") and not linked:
            return PlainTextResponse("asked for by another site", 403)
        # A socket reads and writes, and is of no method.
        changes = scope.get("method") not in ("GET", "HEAD")
        if changes and headers.get("origin") not in self._origins:
            return PlainTextResponse("asked for by another site", 403)
        if changes and scope["type"] == "http" and (refusal := _wrong_body(headers)):
            return refusal
        if curator is None and not scope["path"].startswith(OPEN):
            printed = f"the address that `voiceface {self._command}` printed"
            return PlainTextResponse(f"open {printed}: it holds your token\n", 403)
        return None

    def _token(self, scope: Scope, headers: Headers) -> str:
        if _is_entry(scope):
            query = parse_qs(scope["query_string"].decode("latin-1"))
            if "token" in query:
                return query["token"][0]
        try:
            cookies = SimpleCookie(headers.get("cookie", ""))
        except CookieError:
            return ""
        return cookies[self._cookie].value if self._cookie in cookies else ""

    def _owner(self, token: str) -> str | None:
        given = token.encode()
        # Every token is compared, in constant time.
        found = [
            who for one, who in self._tokens.items() if hmac.compare_digest(one.encode(), given)
        ]
        return found[0] if found else None


def _wrong_body(headers: Headers) -> PlainTextResponse | None:
    if headers.get("content-type", "").partition(";")[0] != "application/json":
        return PlainTextResponse("must be JSON", 415)
    # The server lets no body be longer than it says; one in chunks does not say.
    length = headers.get("content-length", "")
    if "transfer-encoding" in headers or not is_number(length):
        return PlainTextResponse("must say its length", 411)
    if int(length) > MOST_BYTES:
        return PlainTextResponse(f"must be at most {MOST_BYTES} bytes", 413)
    return None


def is_number(text: str) -> bool:
    """Whether a header's text is a number, of a size that can be meant."""
    return text.isascii() and text.isdigit() and len(text) < 20


def _is_entry(scope: Scope) -> bool:
    return scope["path"] == "/" and scope.get("method") == "GET"
