"""Snakemake in a process of its own, whose events come back as JSON lines over a socket.

The process runs Snakemake's own command line, so that profiles and options mean what they mean to
bare `snakemake`. It leads a process group of its own: an interrupt goes to it and its jobs, once
and from here. When the process that started it dies, however hard, it stops itself and its jobs.
"""

import contextlib
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

Event = dict[str, Any]

_FIELDS = {
    "run_info": ("stats",),
    "job_info": ("jobid", "rule_name", "wildcards", "output", "log", "reason"),
    "job_finished": ("job_id",),
    "job_error": ("jobid", "rule_name", "log"),
    "error": ("exception",),
}
_PATIENCE_S = 20.0


class Runner:
    """A running Snakemake."""

    def __init__(self, arguments: list[str], text: Path, inherit: tuple[int, ...] = ()) -> None:
        """Start `snakemake ARGUMENTS` in the current folder.

        Args:
            text: file for what Snakemake prints.
            inherit: descriptors that Snakemake, but no job, is to hold open while it lives.
        """
        ours, theirs = socket.socketpair()
        text.parent.mkdir(parents=True, exist_ok=True)
        # The jobs say `python`: it must be this one, whether or not its environment is activated.
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
        with theirs, open(text, "wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__, str(theirs.fileno()), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=(theirs.fileno(), *inherit),
                start_new_session=True,
                env={**os.environ, "PATH": path},
            )
        self._socket = ours
        self._rest = b""

    def poll(self, seconds: float) -> list[Event] | None:
        """Events that arrive within `seconds` (returns with the first), or None at the end."""
        self._socket.settimeout(seconds)
        try:
            block = self._socket.recv(1 << 16)
        except TimeoutError:
            return []
        except ConnectionResetError:
            block = b""
        if not block:
            return None
        *lines, self._rest = (self._rest + block).split(b"\n")
        return [json.loads(line) for line in lines]

    def wait(self) -> int:
        """Wait for the end; returns Snakemake's exit status, negative when it was killed.

        Then its jobs are killed, too: they would go on writing beside those of the next build.
        """
        while self.poll(60.0) is not None:
            pass
        # Its number is not given to another process before its jobs are gone.
        os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOWAIT)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        return self._process.wait()

    def stop(self) -> None:
        """Interrupt Snakemake and its jobs, and wait for their end; kill what does not stop.

        A KeyboardInterrupt while it waits kills them at once.
        """
        try:
            for number in (signal.SIGINT, signal.SIGTERM):
                if self._signal(number):
                    return
        finally:
            self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> bool:
        """Signal the process group; whether Snakemake has ended within the time given to it."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)
        deadline = time.monotonic() + _PATIENCE_S
        while self._process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        return self._process.poll() is not None


def _tell(channel: socket.socket, guard: threading.Lock, record: logging.LogRecord) -> bool:
    event = str(getattr(record, "event", None) or "")
    if event in _FIELDS:
        told = {name: getattr(record, name, None) for name in _FIELDS[event]}
        line = json.dumps({"event": event, "text": str(record.msg), **told}, default=str)
        # Whoever listened may have died: then the other thread stops us.
        with guard, contextlib.suppress(OSError):
            channel.sendall(line.encode() + b"\n")
    return True


def _stop_with(parent: socket.socket) -> None:
    """Wait until the other end is closed, then stop this process and its jobs."""
    parent.recv(1)
    os.killpg(0, signal.SIGINT)
    time.sleep(_PATIENCE_S)
    os.killpg(0, signal.SIGKILL)


def main(argv: list[str]) -> None:
    """Run Snakemake; argv: the socket's descriptor, then Snakemake's arguments."""
    channel = socket.socket(fileno=int(argv[0]))
    # Started by a script in the background, an interrupt would be ignored, here and in the jobs.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    threading.Thread(target=_stop_with, args=(channel,), daemon=True).start()

    from snakemake import cli
    from snakemake.logging import logger

    guard = threading.Lock()
    # A filter, not a handler: Snakemake removes the handlers that it finds when it starts.
    logger.addFilter(lambda record: _tell(channel, guard, record))
    cli.main(argv[1:])


if __name__ == "__main__":
    main(sys.argv[1:])
