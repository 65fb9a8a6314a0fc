"""A small project to review, and its server in a process of its own."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

import uvicorn
import yaml

from tests.tables_builder import Segment, Tables
from voiceface.config import load_settings
from voiceface.layout import CONFIG
from voiceface.review.app import review_app
from voiceface.review.desk import Desk
from voiceface.web.listen import LOOPBACK, hosts
from voiceface.web.safe import Guard, new_tokens

CURATOR = "ann"


def review_project(root: Path, segments: int = 30, **review: object) -> Tables:
    """Two videos of Ana, and one of Bo with a flag on its first sample; the manifest is made.

    Args:
        segments: of each of Ana's videos.
        review: settings of the section `review`.
    """
    tables = Tables(root)
    tables.add("file-a1", "Ana", segments)
    tables.add("file-a2", "Ana", segments)
    blurred = Segment(scores={"sharpness": 3.0})
    faceless = Segment(scores={"faces": 0})
    tables.add("file-b1", "Bo", [blurred, faceless, Segment(), Segment(), Segment()])
    tables.run_manifest()
    (root / "Snakefile").touch()
    settings = {"review": {"second_share": 0.0, **review}}
    (root / CONFIG).write_text(yaml.safe_dump(settings))
    return tables


@contextmanager
def served(root: Path, *curators: str, port: int = 0) -> Iterator[dict[str, str]]:
    """The server in a thread of this process, which starts sooner; yields curator → address."""
    listener = socket.create_server((LOOPBACK, port))
    port = listener.getsockname()[1]
    tokens = new_tokens(curators)
    desk = Desk(root, load_settings(root / CONFIG), curators)
    app = Guard(review_app(desk), tokens, hosts(LOOPBACK, port), f"voiceface_{port}")
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield {who: f"http://{LOOPBACK}:{port}/?token={token}" for token, who in tokens.items()}
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()


class Server:
    """`voiceface review` in `root`."""

    def __init__(self, root: Path, *options: str) -> None:
        self.root = root
        self.options = options
        self.process: subprocess.Popen[str] | None = None
        self.urls: dict[str, str] = {}

    def start(self) -> "Server":
        """Start it, and wait for its addresses."""
        command = [sys.executable, "-m", "voiceface", "review", *self.options]
        self.process = subprocess.Popen(
            command, cwd=self.root, stdout=subprocess.PIPE, text=True, env={**os.environ}
        )
        assert self.process.stdout is not None
        names = next((o for o in self.options if o.startswith("--curators=")), "=x")
        for _ in names.partition("=")[2].split(","):
            line = self.process.stdout.readline()
            found = re.search(r"(?:(\S+): )?(http\S+)", line)
            assert found, f"no address: {line!r}"
            self.urls[found[1] or CURATOR] = found[2]
        return self

    @property
    def url(self) -> str:
        """The only curator's address, or the first one's."""
        return next(iter(self.urls.values()))

    def kill(self) -> None:
        """SIGKILL: nothing is tidied up."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def __enter__(self) -> "Server":
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(10)
