"""A stand-in for a cloud on this machine: what Kubernetes is sent, and a bucket of S3 in memory."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

import yaml

BUCKET = "videos"
_STAMP = "2026-01-01T00:00:00.000Z"
_STAMP_HTTP = "Thu, 01 Jan 2026 00:00:00 GMT"


@dataclass
class Cloud:
    """What was sent to it: Kubernetes' secrets and jobs, and the objects of the bucket by key."""

    url: str
    secrets: list[dict[str, Any]] = field(default_factory=list)
    jobs: list[dict[str, Any]] = field(default_factory=list)
    objects: dict[str, bytes] = field(default_factory=dict)
    deleted: dict[str, bytes] = field(default_factory=dict)

    def write_kubeconfig(self, path: Path) -> None:
        """Write the file by which Kubernetes' client finds this cloud."""
        named = {
            "clusters": [{"name": "test", "cluster": {"server": self.url}}],
            "users": [{"name": "test", "user": {}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
        }
        head = {"apiVersion": "v1", "kind": "Config", "current-context": "test"}
        path.write_text(yaml.safe_dump(head | named))


@contextmanager
def cloud() -> Iterator[Cloud]:
    """A cloud whose bucket works, and on which every job fails as soon as it was sent."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.cloud = Cloud(f"http://127.0.0.1:{server.server_port}")  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.cloud  # type: ignore[attr-defined]
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        if address.path.startswith("/api"):
            self._json({"status": {"failed": 1}, "items": []})
        elif address.path.strip("/") == BUCKET:
            self._list(parse_qs(address.query).get("prefix", [""])[0])
        else:
            self._object()

    def do_HEAD(self) -> None:
        if self.path.strip("/") == BUCKET:
            self._reply(200)
        else:
            self._object()

    def do_POST(self) -> None:
        value = json.loads(self._body())
        (self._cloud.jobs if self.path.endswith("/jobs") else self._cloud.secrets).append(value)
        self._json(value, 201)

    def do_PUT(self) -> None:
        self._cloud.objects[self._key] = self._body()
        self._reply(200, headers={"ETag": '"x"'})

    def do_DELETE(self) -> None:
        self._body()
        if self.path.startswith("/api"):
            self._json({})
        else:
            self._cloud.deleted[self._key] = self._cloud.objects.pop(self._key)
            self._reply(204)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    @property
    def _cloud(self) -> Cloud:
        return self.server.cloud  # type: ignore[attr-defined]

    @property
    def _key(self) -> str:
        return unquote(urlsplit(self.path).path).removeprefix(f"/{BUCKET}/")

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _object(self) -> None:
        content = self._cloud.objects.get(self._key)
        if content is None:
            self._reply(404)
        else:
            self._reply(200, content, {"ETag": '"x"', "Last-Modified": _STAMP_HTTP})

    def _list(self, prefix: str) -> None:
        found = "".join(
            f"<Contents><Key>{escape(key)}</Key><LastModified>{_STAMP}</LastModified>"
            f"<ETag>x</ETag><Size>{len(content)}</Size></Contents>"
            for key, content in sorted(self._cloud.objects.items())
            if key.startswith(prefix)
        )
        told = f"<ListBucketResult><Name>{BUCKET}</Name><IsTruncated>false</IsTruncated>{found}"
        self._reply(200, f"{told}</ListBucketResult>".encode(), {"Content-Type": "application/xml"})

    def _json(self, value: Any, status: int = 200) -> None:
        self._reply(status, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _reply(
        self, status: int, content: bytes = b"", headers: dict[str, str] | None = None
    ) -> None:
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)
