"""A project of its own, into which corpora are imported."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.web_host import Host, make_media
from voiceface.config import Download, Resolve
from voiceface.corpora.importing import import_corpus
from voiceface.outcome import Outcome, read_outcome
from voiceface.sources import Source, Video, read_sources, read_videos
from voiceface.stages import download, resolve

SOURCES, VIDEOS = Path("manifests/sources.csv"), Path("manifests/videos.csv")
Importer = Callable[..., list[Source]]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def imported(project: Path) -> Importer:
    """Import a corpus into the project, and give the rows of its list of sources."""

    def run(kind: str, path: str = "corpus", **options: object) -> list[Source]:
        import_corpus(kind, Path(path), SOURCES, **options)  # type: ignore[arg-type]
        return read_sources(SOURCES)

    return run


def fetched() -> list[tuple[Video, Outcome]]:
    """Resolve the project's sources and fetch all: each video with its record."""
    resolve.run(Resolve(socket_timeout_s=0.5), SOURCES, VIDEOS)
    pairs = []
    for video in read_videos(VIDEOS):
        media = Path(f"data/media/{video.video}.mkv")
        outcome = Path(f"data/download/{video.video}.json")
        config = Download(retries=0, socket_timeout_s=0.5)
        download.run(config, video.video, VIDEOS, media, outcome, '["."]')
        pairs.append((video, read_outcome(outcome)))
    return pairs


@pytest.fixture(scope="session")
def bytes_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], bytes]:
    """A short clip of each ending, as bytes."""
    folder = tmp_path_factory.mktemp("clips")
    made: dict[str, bytes] = {}

    def content(ending: str) -> bytes:
        if ending not in made:
            sound = ("-vn",) if ending in ("wav", "m4a", "mp3") else ("-pix_fmt", "yuv420p")
            size = ("-s", "176x144", "-r", "25") if ending in ("mpg", "flv") else ()
            rate = ("-ar", "44100") if ending in ("flv", "mpg") else ()
            path = make_media(folder / f"a.{ending}", *sound, *size, *rate, seconds=0.5)
            made[ending] = path.read_bytes()
        return made[ending]

    return content


@pytest.fixture
def put(project: Path, bytes_of: Callable[[str], bytes]) -> Callable[..., None]:
    """Write clips of a corpus, each with a content of its own."""

    def write(*paths: str) -> None:
        for path in paths:
            place = Path("corpus", path)
            place.parent.mkdir(parents=True, exist_ok=True)
            # What follows a container's end is passed over by all that read it.
            place.write_bytes(bytes_of(place.suffix[1:]) + path.encode())

    return write


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    """A web host in the place of YouTube."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    serving = Host()
    yield serving
    serving.close()
