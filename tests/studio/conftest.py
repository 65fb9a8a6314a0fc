"""A project with a trained model, its studio, and somebody who speaks."""

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from filelock import FileLock
from starlette.testclient import TestClient

from tests.builders import packed_dataset, trained_model
from tests.voice_builder import RATE, spoken
from voiceface.config import Settings
from voiceface.layout import MODELS, PACKED
from voiceface.model_config import Train, Voice
from voiceface.stages import voice
from voiceface.studio.app import studio_app
from voiceface.studio.room import Room
from voiceface.web.safe import Guard

HOST = "127.0.0.1:8000"
HEADERS = {"cookie": "v=secret", "origin": f"http://{HOST}", "host": HOST}


@pytest.fixture(scope="session")
def studio_project(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A packed dataset, a Wav2Pix and a voice embedding of a few steps; once for all workers."""
    base = tmp_path_factory.getbasetemp()
    root = (base if worker_id == "master" else base.parent) / "studio"
    with FileLock(f"{root}.lock"):
        if not (root / "Snakefile").exists():
            packed_dataset(root / PACKED, per_speaker=2, test_per_speaker=1)
            trained_model(root / MODELS, root / PACKED, steps=1)
            few = Voice(steps=1, batch=2, crop_s=(1.0, 1.0)).model_dump_json()
            voice.run(Train(device="cpu"), few, "voice", root / PACKED, root / MODELS / "voice")
            (root / "config.yaml").touch()
            (root / "Snakefile").touch()
    return root


@pytest.fixture(scope="session")
def room(studio_project: Path) -> Room:
    return Room(studio_project, Settings())


@pytest.fixture
def client(room: Room) -> Iterator[TestClient]:
    app = Guard(studio_app(room), {"secret": "you"}, [HOST], "v", "studio")
    with TestClient(app, base_url=f"http://{HOST}") as client:
        yield client


@pytest.fixture(scope="session")
def voice_pcm() -> np.ndarray:
    """Half a second of silence, then 3 s of speech: int16 at 16 kHz."""
    silence = np.random.default_rng(0).normal(0, 8, RATE // 2).astype(np.int16)
    return np.concatenate([silence, spoken(1, 3)])


def as_file(pcm: np.ndarray, kind: str = "WAV") -> bytes:
    target = io.BytesIO()
    soundfile.write(target, pcm, RATE, format=kind)
    return target.getvalue()
