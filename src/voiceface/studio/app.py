"""The studio's server: the page, the people's pictures, and a socket for each tab."""

import asyncio
import json
import logging
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from voiceface.errors import VoicefaceError
from voiceface.studio.keepsake import keepsake
from voiceface.studio.limits import MOST_TABS
from voiceface.studio.recording import Message, Recording
from voiceface.studio.room import Room
from voiceface.web.pages import page_routes

_LOG = logging.getLogger(__name__)
_MOST_NAME = 120
T = TypeVar("T")
_TRY_LATER = 1013  # RFC 6455's registry of closing codes


def studio_app(room: Room) -> Starlette:
    """The application; `safe.Guard` must stand before it."""
    tabs: set[Tab] = set()

    async def state(request: Request) -> Response:
        return JSONResponse(room.state())

    async def picture(request: Request) -> Response:
        number: int = request.path_params["number"]
        if number >= len(room.pictures):
            raise HTTPException(404)
        return Response(room.pictures[number], media_type="image/png")

    async def live(socket: WebSocket) -> None:
        await socket.accept()
        if len(tabs) >= MOST_TABS:
            await socket.close(_TRY_LATER, f"{MOST_TABS} tabs are open; close one")
            return
        tab = Tab(room, socket)
        tabs.add(tab)
        try:
            await tab.serve()
        finally:
            tabs.discard(tab)

    return Starlette(
        routes=[
            *page_routes("voiceface.studio"),
            Route("/api/state", state),
            Route("/people/{number:int}.png", picture),
            WebSocketRoute("/live", live),
        ]
    )


class Tab:
    """The socket of one tab, as long as it is open; what was said in it is gone with it."""

    def __init__(self, room: Room, socket: WebSocket) -> None:
        self._room = room
        self._socket = socket
        self._recording = Recording(room)
        self._drawing: asyncio.Task[None] | None = None
        self._number = 0
        """of the recording: what is still told of an earlier one is known by it"""
        self._file = ""
        """name of the file whose bytes come next"""

    async def serve(self) -> None:
        """Take what the page sends, until it is gone."""
        try:
            while (message := await self._socket.receive())["type"] != "websocket.disconnect":
                try:
                    await self._take(message)
                except VoicefaceError as error:
                    await self._send([{"kind": "error", "words": str(error)}])
        except WebSocketDisconnect:
            pass
        finally:
            if self._drawing:
                self._drawing.cancel()

    async def _take(self, message: Any) -> None:
        data = message.get("bytes")
        if data is None:
            await self._obey(_words(message.get("text") or ""))
        elif self._file:
            name, self._file = self._file, ""
            take = self._recording.take_file
            await self._send(await self._compute(lambda: list(take(data, name))))
        else:
            await self._send(self._recording.hear(data))
        if self._drawing is None or self._drawing.done():
            self._drawing = asyncio.create_task(self._draw())

    async def _obey(self, words: Message) -> None:
        if words.get("do") in ("begin", "file"):
            self._recording, self._number = Recording(self._room), self._number + 1
            self._file = ""
        if words.get("do") == "begin":
            self._recording.begin(words.get("rate"))
        elif words.get("do") == "end":
            await self._send(self._recording.end())
        elif words.get("do") == "save":
            make = partial(keepsake, self._room, self._recording)
            await self._socket.send_bytes(await self._compute(make))
        elif words.get("do") == "file":
            self._file = str(words.get("name") or "the file")[:_MOST_NAME]
        else:
            raise VoicefaceError("not a word of this page")

    async def _draw(self) -> None:
        """Compute as long as there is something new to compute from."""
        with suppress(WebSocketDisconnect):  # `serve` sees it, too
            while due := (recording := self._recording).due():
                for step in due:
                    message = await self._compute(partial(_told, step))
                    if recording is not self._recording:  # it was forgotten meanwhile
                        break
                    await self._send([message])

    async def _compute(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._room.worker, work)

    async def _send(self, messages: Iterable[Message]) -> None:
        for one in messages:
            await self._socket.send_json({**one, "recording": self._number})


def _told(step: Callable[[], Message]) -> Message:
    """What a step tells, or why it failed: what else is due is drawn all the same."""
    try:
        return step()
    except VoicefaceError as error:
        words = str(error)
    except Exception:  # a fault of ours: whoever speaks must not wait for ever
        _LOG.exception("something was not drawn")
        words = "something could not be drawn; what `voiceface studio` printed says why"
    return {"kind": "error", "words": words}


def _words(text: str) -> Message:
    try:
        words = json.loads(text)
    except (ValueError, RecursionError):
        raise VoicefaceError("not JSON") from None
    if not isinstance(words, dict):
        raise VoicefaceError("must be an object")
    return words
