"""A web host and a clip for the tests of resolve and download."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.web_host import Host, make_media


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    """A host of this test alone, reached past any proxy of the machine."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    serving = Host()
    yield serving
    serving.close()


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A playable mp4 of one second: 64×48 H.264 at 10 fps, AAC."""
    return make_media(tmp_path_factory.mktemp("clip") / "clip.mp4", "-pix_fmt", "yuv420p")
