"""A page's server in a process of its own, and a curator without a browser."""

import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import psutil

from voiceface.review.ledger import uuid7

CURATOR = "robot"


class Server:
    """A page of the project in `root`; may be killed and started again."""

    def __init__(self, root: Path, *command: str) -> None:
        """Start it, and wait until it listens: `voiceface review`, if no command is given."""
        command = command or ("review", f"--curator={CURATOR}")
        self._command = [sys.executable, "-m", "voiceface", *command]
        self._root = root
        self.peak_rss = 0
        self.start()

    def start(self) -> None:
        """Start it again; `url` is then another one."""
        begun = time.perf_counter()
        self.process = subprocess.Popen(
            self._command, cwd=self._root, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        found = re.search(r"http\S+", line)
        if not found:
            raise RuntimeError(f"the server did not start: {line}")
        self.url = found[0]
        self.start_s = time.perf_counter() - begun
        threading.Thread(target=self._watch, args=(self.process.pid,), daemon=True).start()

    def kill(self) -> None:
        """SIGKILL."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        """Let it end by itself."""
        self.process.terminate()
        self.process.wait()

    def _watch(self, pid: int) -> None:
        try:
            process = psutil.Process(pid)
            while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                self.peak_rss = max(self.peak_rss, process.memory_info().rss)
                time.sleep(0.5)
        except psutil.NoSuchProcess:
            pass


class Client:
    """A curator who talks to the API as the page does."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._url = ""
        self._http = httpx.Client(timeout=30)

    def get(self, path: str, **params: Any) -> Any:
        """Answer of a GET.

        Raises:
            httpx.HTTPError: no answer, or one that is an error.
        """
        self._enter()
        return self._http.get(self._base + path, params=params).raise_for_status().json()

    def post(self, path: str, body: dict[str, Any]) -> httpx.Response:
        """Answer of a POST. Raises httpx.HTTPError when there is none."""
        self._enter()
        return self._http.post(self._base + path, json=body, headers={"origin": self._base})

    def mark(self, mark: dict[str, Any]) -> bool:
        """Send a mark once; whether it was acknowledged."""
        try:
            answer = self.post("/api/marks", {"marks": [mark]})
        except httpx.HTTPError:
            return False
        return answer.status_code == 200 and mark["id"] in answer.json()["saved"]

    def _enter(self) -> None:
        """Open the page's address, for the cookie, after each start of the server."""
        if self._url != self._server.url:
            url = self._server.url
            self._base = url.partition("/?")[0]
            self._http.cookies.clear()
            self._http.get(url).raise_for_status()
            self._url = url


def new_mark(sample: dict[str, Any], number: int) -> dict[str, Any]:
    """A mark as the page makes it: keep, drop or unsure by turns."""
    decision = ("keep", "drop", "unsure")[number % 3]
    reason = {"reason": "bad face"} if decision == "drop" else {}
    about = {"sample": sample["sample"], "content": sample["content"]}
    return {"id": uuid7(), **about, "decision": decision, **reason}
