"""A web host on loopback that serves pages and media, and misbehaves on demand."""

import contextlib
import subprocess
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import imageio_ffmpeg


@dataclass(frozen=True)
class Reply:
    """What the host answers to a request."""

    body: bytes = b""
    kind: str = "text/html"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut_after: int | None = None
    """Close the connection after so many bytes of the body."""
    ranges: bool = True
    """Whether it serves a part when asked for one."""
    stall_s: float = 0.0
    """Be silent for so long before the answer."""


class Host:
    """A web host whose paths answer as told: each with its replies in turn, the last again."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str | None]] = []
        self.cookies = ""
        self._replies: dict[str, list[Reply]] = {}
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def serve(self, path: str, *replies: Reply) -> str:
        """Set what `path` answers. Returns: its url."""
        with self._lock:
            self._replies[path] = list(replies)
        return self.url + path

    def page(self, path: str, media: str, title: str = "A talk") -> str:
        """Serve a page with a video element. Returns: its url."""
        html = f'<html><title>{title}</title><video src="{media}"></video></html>'
        return self.serve(path, Reply(html.encode()))

    def feed(self, path: str, *items: tuple[str, str]) -> str:
        """Serve an RSS feed of (title, url), the newest first. Returns: its url."""
        inner = "".join(
            f'<item><title>{title}</title><enclosure url="{url}"/>'
            "<pubDate>Sun, 12 May 2019 10:00:00 GMT</pubDate></item>"
            for title, url in items
        )
        xml = f'<?xml version="1.0"?><rss><channel><title>T</title>{inner}</channel></rss>'
        return self.serve(path, Reply(xml.encode(), "application/rss+xml"))

    def asked(self, path: str) -> list[str | None]:
        """The Range headers of the requests to `path`, in order."""
        return [bytes_range for asked, bytes_range in self.requests if asked == path]

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _reply(self, path: str) -> Reply:
        with self._lock:
            replies = self._replies.get(path, [Reply(status=404)])
            return replies.pop(0) if len(replies) > 1 else replies[0]

    def _handler(host) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                host.requests.append((self.path, self.headers["Range"]))
                host.cookies += self.headers["Cookie"] or ""
                reply = host._reply(self.path)
                time.sleep(reply.stall_s)
                # The client may look at the beginning only.
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    _send(self, reply)

            def log_message(self, format: str, *args: object) -> None:
                pass

        return Handler


def _send(handler: BaseHTTPRequestHandler, reply: Reply) -> None:
    status, start = reply.status, 0
    wanted = handler.headers["Range"]
    if wanted and status == 200 and reply.ranges:
        start = int(wanted.removeprefix("bytes=").split("-")[0])
        status = 206 if start < len(reply.body) else 416
    body = reply.body[start:]
    handler.send_response(status)
    handler.send_header("Content-Type", reply.kind)
    handler.send_header("Content-Length", str(len(body)))
    if status == 206:
        whole = len(reply.body)
        handler.send_header("Content-Range", f"bytes {start}-{whole - 1}/{whole}")
    for name, value in reply.headers.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body[: reply.cut_after])
    if reply.cut_after is not None:
        handler.close_connection = True


def make_media(path: Path, *options: str, seconds: float = 1) -> Path:
    """Render a small test picture and a tone; `options` are ffmpeg's, before the output."""
    command = [
        imageio_ffmpeg.get_ffmpeg_exe(),
        *("-v", "error", "-y", "-threads", "1"),
        *("-f", "lavfi", "-i", f"testsrc=size=64x48:rate=10:duration={seconds}"),
        *("-f", "lavfi", "-i", f"sine=duration={seconds}"),
        *("-shortest", *options, str(path)),
    ]
    subprocess.run(command, check=True)
    return path
