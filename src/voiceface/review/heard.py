"""Proof that a curator heard a sound to its end: a receipt, which goes with the keep."""

import hashlib
import hmac
import os
import secrets
import time
from pathlib import Path

FASTEST = 2.0
"""Speed at which the page plays a sound, at most."""

_SLACK_S = 0.25  # the browser's clock and ours; the silence at the end of a sound
_MOST = 10_000  # sounds under way


class Heard:
    """Gives receipts. They outlast the server, so that a mark can be sent again to the next one."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._begun: dict[tuple[str, str], float] = {}

    def begin(self, curator: str, content: str) -> None:
        """The curator's page starts to play a sound."""
        if len(self._begun) >= _MOST:
            self._begun.clear()
        self._begun[curator, content] = time.monotonic()

    def finish(self, curator: str, content: str, seconds: float) -> str | None:
        """The sound of that length has come to its end; None when it can't have."""
        begun = self._begun.get((curator, content))
        if begun is None or time.monotonic() - begun < seconds / FASTEST - _SLACK_S:
            return None
        return self._receipt(curator, content)

    def holds(self, curator: str, content: str, receipt: str) -> bool:
        """Whether a receipt is that of this curator and content."""
        return hmac.compare_digest(self._receipt(curator, content), receipt)

    def _receipt(self, curator: str, content: str) -> str:
        return hmac.new(self._secret, f"{curator}/{content}".encode(), hashlib.sha256).hexdigest()


def secret_of(path: Path) -> bytes:
    """The secret in a file that only its owner reads; made when it is not there yet."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_bytes()
    with os.fdopen(handle, "wb") as file:
        secret = secrets.token_bytes(32)
        file.write(secret)
    return secret
