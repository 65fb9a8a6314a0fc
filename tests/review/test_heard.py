"""The receipt of a sound that was heard."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from voiceface.errors import VoicefaceError
from voiceface.review.heard import Heard, secret_of


def test_a_receipt_takes_the_time_that_the_sound_lasts_at_the_fastest_speed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    heard = Heard(b"secret")
    assert heard.finish("ann", "c", 4.0) is None  # never begun
    heard.begin("ann", "c")
    now = 101.5
    assert heard.finish("ann", "c", 4.0) is None
    assert heard.finish("bo", "c", 4.0) is None
    now = 102.0
    receipt = heard.finish("ann", "c", 4.0)
    assert receipt is not None
    assert heard.holds("ann", "c", receipt)
    assert not heard.holds("bo", "c", receipt)
    assert not heard.holds("ann", "d", receipt)
    assert Heard(b"secret").holds("ann", "c", receipt)
    assert not Heard(b"other").holds("ann", "c", receipt)


def test_the_secret_is_made_once_and_is_the_owner_s_alone(tmp_path: Path) -> None:
    path = tmp_path / "review/secret"
    secret = secret_of(path)
    assert len(secret) == 32
    assert secret_of(path) == secret
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_damaged_secret_is_told_instead_of_used(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.touch()
    with pytest.raises(VoicefaceError, match="damaged; delete it"):
        secret_of(path)


def test_servers_that_start_together_have_one_secret(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        secrets = set(pool.map(lambda _: secret_of(tmp_path / "secret"), range(8)))
    assert len(secrets) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]
