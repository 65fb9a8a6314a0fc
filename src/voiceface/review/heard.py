"""Proof that a curator heard a sound to its end: a receipt, which goes with the keep."""

import contextlib
import hashlib
import hmac
import os
import secrets
import time
from pathlib import Path

from voiceface.errors import VoicefaceError

FASTEST = 2.0
"""Speed at which the page plays a sound, at most."""

_SLACK_S = 0.25  # the browser's clock and ours; the silence at the end of a sound
_MOST = 10_000  # sounds under way
_SECRET_BYTES = 32


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
    """The secret in a file that only its owner reads; made when it is not there yet.

    Raises:
        VoicefaceError: the file is damaged.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        own = path.with_name(f"{path.name}.{secrets.token_hex(8)}.part")
        with open(os.open(own, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secrets.token_bytes(_SECRET_BYTES))
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):  # another server was faster: its secret is ours
            path.hardlink_to(own)
        own.unlink()
    secret = path.read_bytes()
    if len(secret) != _SECRET_BYTES:
        raise VoicefaceError(f"{path}: is damaged; delete it, what was heard is then heard again")
    return secret
