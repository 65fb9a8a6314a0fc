"""The review page's server: routes over the desk."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import fields
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from voiceface.errors import VoicefaceError
from voiceface.review.desk import Desk, Wanted, error_of
from voiceface.review.filters import Filter
from voiceface.review.ledger import is_text
from voiceface.review.queue import Query
from voiceface.review.seen import FACE, SOUND
from voiceface.review.shown import far_json, sample_json, state_json
from voiceface.review.words import COLUMNS
from voiceface.web.pages import page_routes
from voiceface.web.safe import is_number

_KINDS = {
    "face.png": "image/png",
    "sound.flac": "audio/flac",
    "peaks": "application/octet-stream",
    FACE: "image/webp",
    SOUND: "audio/ogg",
    "before.peaks": "application/octet-stream",
}
_FOREVER = {"cache-control": "private, max-age=31536000, immutable", "accept-ranges": "bytes"}
_PROJECT = "voiceface-project"
"""Header that names the project whose page asks: its address may be another project's by now."""
_MOST_MARKS = 200
_MOST_PAGE = 200
_MOST_TEXT = 4_000
_MOST_NAMES = 2_000


def review_app(desk: Desk) -> Starlette:
    """The application; `safe.Guard` must stand before it."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        following = asyncio.create_task(desk.follow())
        yield
        following.cancel()
        await desk.close()

    read_media = _media(desk)

    async def media(request: Request) -> Response:
        kind, content = request.path_params["kind"], request.path_params["content"]
        if kind not in _KINDS:
            raise HTTPException(404)
        loop = asyncio.get_running_loop()
        data = await loop.run_in_executor(desk.reader, read_media, content, kind)
        if data is None:
            raise HTTPException(404, "not there, or changed since the manifest was made")
        return ranged(request, data, _KINDS[kind])

    routes = [
        *page_routes("voiceface.review"),
        Route("/media/{content}/{kind}", media),
        *_api(desk),
    ]
    handlers: Mapping[Any, Any] = {VoicefaceError: _words, HTTPException: _words}
    return Starlette(routes=routes, lifespan=lifespan, exception_handlers=handlers)


def _media(desk: Desk) -> Callable[[str, str], bytes | None]:
    media = desk.media
    known = {"face.png": media.face, "sound.flac": media.sound, "peaks": media.peaks}

    def read(content: str, kind: str) -> bytes | None:
        return known[kind](content) if kind in known else media.before(content, kind)

    return read


def _api(desk: Desk) -> list[Route]:
    def get(path: str, answer: Callable[[Desk, str, Request], Any]) -> Route:
        async def endpoint(request: Request) -> Response:
            return JSONResponse(answer(desk, request.state.curator, request))

        return Route(path, endpoint)

    def post(path: str, answer: Callable[[Desk, str, dict[str, Any]], Awaitable[Any]]) -> Route:
        async def endpoint(request: Request) -> Response:
            if request.headers.get(_PROJECT, desk.project) != desk.project:
                raise HTTPException(412, "this address is another project's now")
            body = await _body(request)
            try:
                return JSONResponse(await answer(desk, request.state.curator, body))
            except OSError as error:
                status, words = error_of(error)
                return JSONResponse(words, status)

        return Route(path, endpoint, methods=["POST"])

    return [
        get("/api/state", lambda desk, curator, _: state_json(desk, curator)),
        get("/api/progress", lambda desk, curator, _: far_json(desk, curator)),
        get("/api/queue", _page),
        get("/api/sample/{sample}", _sample),
        post("/api/lease", _lease),
        post("/api/marks", _marks),
        post("/api/undo", _undo),
        post("/api/play", _play),
        post("/api/heard", _heard),
    ]


def _page(desk: Desk, curator: str, request: Request) -> Any:
    params = request.query_params
    queue, sort = params.get("queue", "pending"), params.get("sort", "doubtful")
    query = _query(queue, params.getlist("filter"), sort)
    page, size = _number(request, "page", 0), _number(request, "size", 24)
    return desk.page(curator, query, page, min(size, _MOST_PAGE))


def _sample(desk: Desk, curator: str, request: Request) -> Any:
    row = desk.table.row_of(request.path_params["sample"])
    if row is None:
        raise HTTPException(404, "no such sample")
    return sample_json(desk, curator, row)


async def _lease(desk: Desk, curator: str, body: dict[str, Any]) -> Any:
    queue, sort = _text(body, "queue", "pending"), _text(body, "sort", "doubtful")
    query = _query(queue, body.get("filters", []), sort)
    count = body.get("count", 0)
    if not isinstance(count, int) or not 0 <= count <= _MOST_PAGE:
        raise HTTPException(400, f"count: must be a number, at most {_MOST_PAGE}")
    have, skip = _names(body, "have"), _names(body, "skip")
    tab, look = _text(body, "tab")[:64], _text(body, "look")[:64]
    return desk.take(curator, tab, query, count, have, skip, bool(body.get("faces")), look)


async def _marks(desk: Desk, curator: str, body: dict[str, Any]) -> Any:
    return await desk.mark(curator, _wanted(body.get("marks")))


async def _undo(desk: Desk, curator: str, body: dict[str, Any]) -> Any:
    if not (name := _text(body, "id")):
        raise HTTPException(400, "an undo has an id")
    return await desk.undo(curator, name)


async def _play(desk: Desk, curator: str, body: dict[str, Any]) -> Any:
    desk.heard.begin(curator, _text(body, "content"))
    return {}


async def _heard(desk: Desk, curator: str, body: dict[str, Any]) -> Any:
    receipt = desk.finish(curator, _text(body, "content"))
    if receipt is None:
        raise HTTPException(409, "it was not played to its end")
    return {"heard": receipt}


def ranged(request: Request, data: bytes, kind: str) -> Response:
    """Bytes that never change, whole or the part that was asked for (RFC 9110, 14.2)."""
    asked = request.headers.get("range", "")
    first, dash, last = asked.removeprefix("bytes=").partition("-")
    numbers = all(is_number(part) for part in (first, last) if part)
    if not asked.startswith("bytes=") or not dash or not numbers or not (first or last):
        return Response(data, headers=_FOREVER, media_type=kind)
    start = int(first) if first else max(len(data) - int(last), 0)
    stop = min(int(last) + 1, len(data)) if first and last else len(data)
    if start >= stop:
        return Response(status_code=416, headers={"content-range": f"bytes */{len(data)}"})
    headers = {**_FOREVER, "content-range": f"bytes {start}-{stop - 1}/{len(data)}"}
    return Response(data[start:stop], 206, headers, kind)


def _words(request: Request, error: Exception) -> Response:
    if isinstance(error, HTTPException):
        return JSONResponse({"error": error.detail}, error.status_code)
    return JSONResponse({"error": str(error)}, 400)


async def _body(request: Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.body())
    except (ValueError, RecursionError):
        raise HTTPException(400, "not JSON") from None
    if not isinstance(body, dict):
        raise HTTPException(400, "must be an object")
    return body


def _wanted(given: Any) -> list[Wanted]:
    if not isinstance(given, list) or not 0 < len(given) <= _MOST_MARKS:
        raise HTTPException(400, f"marks: must be a list of 1 to {_MOST_MARKS}")
    known = {field.name: field.type for field in fields(Wanted)}
    wanted = []
    for one in given:
        if not isinstance(one, dict) or not one.keys() <= known.keys():
            raise HTTPException(400, f"a mark has {', '.join(known)}")
        texts = [value for name, value in one.items() if name != "faces"]
        if not all(isinstance(value, str) and len(value) <= _MOST_TEXT for value in texts):
            raise HTTPException(400, f"a mark's values are text of at most {_MOST_TEXT} characters")
        if not all(one.get(name) for name in ("id", "sample", "decision")):
            raise HTTPException(400, "a mark has an id, a sample and a decision")
        wanted.append(Wanted(**{"content": "", **one, "faces": bool(one.get("faces"))}))
    return wanted


def _query(queue: str, filters: Any, sort: str) -> Query:
    if not isinstance(filters, list) or len(filters) > len(COLUMNS):
        raise HTTPException(400, "filters: must be a list")
    texts = [str(text) for text in filters]
    if not is_text("".join(texts)):
        raise HTTPException(400, "filters: must be text")
    return Query(queue, tuple(map(Filter.parse, texts)), sort)


def _text(body: dict[str, Any], name: str, default: str = "") -> str:
    value = body.get(name, default)
    if not isinstance(value, str) or len(value) > _MOST_TEXT:
        raise HTTPException(400, f"{name}: must be text")
    return value


def _names(body: dict[str, Any], name: str) -> list[str]:
    given = body.get(name, [])
    if not isinstance(given, list) or len(given) > _MOST_NAMES:
        raise HTTPException(400, f"{name}: must be a list of at most {_MOST_NAMES} samples")
    return [str(one) for one in given]


def _number(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise HTTPException(400, f"{name}: must be a number, 0 or more")
    return int(text)
