"""`voiceface generate`: a face for any sound file, or one line."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from PIL import Image

from tests import voice_builder
from tests.builders import packed_dataset, trained_model
from voiceface.errors import VoicefaceError
from voiceface.files import read_json
from voiceface.generate import generate, spoken

RATE = 16_000


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    packed_dataset(folder / "packed", speakers=2, per_speaker=2, test_per_speaker=0)
    return trained_model(folder, folder / "packed", steps=1) / "wav2pix"


def _voice(seconds: float = 2, rate: int = RATE) -> np.ndarray:
    time = np.arange(round(seconds * rate)) / rate
    return 0.3 * np.sin(2 * np.pi * 150 * time) * np.sin(2 * np.pi * 3 * time)


def _draw(wav: Path, model: Path, **options: int) -> np.ndarray:
    generate(wav, wav.with_suffix(".png"), model, **options)
    return np.asarray(Image.open(wav.with_suffix(".png")))


def _mean_gap(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.abs(first.astype(float) - second).mean())


@pytest.mark.parametrize(
    ("name", "rate", "channels"),
    [("a.wav", 8000, 1), ("ä b.flac", 44_100, 2), ("c.ogg", 48_000, 6), ("d.wav", 16_000, 1)],
)
def test_any_format_rate_and_number_of_channels_is_read(
    tmp_path: Path, model: Path, name: str, rate: int, channels: int
) -> None:
    soundfile.write(tmp_path / name, np.repeat(_voice(2, rate)[:, None], channels, 1), rate)
    picture = _draw(tmp_path / name, model)
    assert picture.shape == (64, 64, 3)
    soundfile.write(tmp_path / "same.wav", _voice(), RATE)
    # The drawing hardly moves with the rate: the same dropout, nearly the same sound.
    assert _mean_gap(picture, _draw(tmp_path / "same.wav", model)) < 3


@pytest.mark.parametrize("rate", [1017, 22_254, 44_101, 766_999])
def test_an_odd_rate_takes_little_memory_and_keeps_the_pitch(tmp_path: Path, rate: int) -> None:
    seconds = 2.0
    time = np.arange(round(seconds * rate)) / rate
    soundfile.write(tmp_path / "a.wav", 0.3 * np.sin(2 * np.pi * 150 * time), rate)
    code = """
import resource, sys, torch, torchaudio
from pathlib import Path
from voiceface.generate import read_sound
torchaudio.functional.resample(torch.zeros(44100), 441, 160)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
sound = read_sound(Path(sys.argv[1]), 16000)
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(grown, len(sound), ((sound[1:] > 0) != (sound[:-1] > 0)).sum().item())
"""
    command = [sys.executable, "-c", code, str(tmp_path / "a.wav")]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    grown_kib, samples, crossings = map(int, done.stdout.split())
    assert grown_kib < 200_000
    assert samples == pytest.approx(16_000 * seconds, rel=1e-3)
    assert crossings == pytest.approx(2 * 150 * seconds, abs=2)


def test_the_same_voice_gives_the_same_face_and_another_seed_another(
    tmp_path: Path, model: Path
) -> None:
    soundfile.write(tmp_path / "a.wav", _voice(), RATE)
    first = _draw(tmp_path / "a.wav", model)
    assert (_draw(tmp_path / "a.wav", model) == first).all()
    assert (_draw(tmp_path / "a.wav", model, seed=1) != first).any()


def test_silence_around_the_voice_does_not_matter(tmp_path: Path, model: Path) -> None:
    quiet = np.zeros(4 * 2048)  # whole hops, so that the very same window is found
    soundfile.write(tmp_path / "a.wav", _voice(), RATE)
    soundfile.write(tmp_path / "b.wav", np.concatenate([quiet, _voice(), quiet]), RATE)
    assert (_draw(tmp_path / "a.wav", model) == _draw(tmp_path / "b.wav", model)).all()


def test_a_model_that_hears_all_of_a_voice_hears_no_silence() -> None:
    voice, quiet = voice_builder.spoken(1), np.zeros(3 * RATE, np.int16)
    found = spoken(np.concatenate([quiet, voice, quiet]), RATE, RATE)
    alone = spoken(voice, RATE, RATE)
    assert 0.6 * len(voice) < len(alone) <= len(voice)
    assert abs(len(found) - len(alone)) < 0.3 * RATE
    # Where there is too little speech, all of the sound is taken, as of a hummed voice.
    assert len(spoken(quiet, RATE, RATE)) == len(quiet)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "no such file"),
        (b"", "not a sound file that can be read"),
        (b"just a text\n", "not a sound file that can be read"),
        (np.zeros(0), "silent"),
        (np.zeros(2 * RATE), "silent"),
        (_voice(0.5), "0.50 s long"),
    ],
    ids=["missing", "zero bytes", "text", "no samples", "silent", "short"],
)
def test_a_sound_that_serves_nothing_is_one_line(
    tmp_path: Path, model: Path, content: np.ndarray | bytes | None, words: str
) -> None:
    wav = tmp_path / "voice.wav"
    if isinstance(content, bytes):
        wav.write_bytes(content)
    elif content is not None:
        soundfile.write(wav, content, RATE)
    with pytest.raises(VoicefaceError, match=words) as caught:
        generate(wav, tmp_path / "face.png", model)
    assert "\n" not in str(caught.value)
    assert str(wav) in str(caught.value)
    assert not (tmp_path / "face.png").exists()


def test_a_rate_that_holds_no_voice_is_one_line(tmp_path: Path, model: Path) -> None:
    soundfile.write(tmp_path / "a.wav", _voice(), 4)
    with pytest.raises(VoicefaceError, match=r"a\.wav: 4 samples a second; give one of 1 to 768"):
        generate(tmp_path / "a.wav", tmp_path / "face.png", model)


@pytest.mark.parametrize("card", [[], {}, {"name": []}, {"input_samples": None}, {"config": 1}])
def test_a_damaged_card_is_one_line(tmp_path: Path, model: Path, card: Any) -> None:
    soundfile.write(tmp_path / "a.wav", _voice(), RATE)
    shutil.copytree(model, tmp_path / "model", ignore=shutil.ignore_patterns("checkpoint"))
    path = tmp_path / "model" / "model.json"
    path.write_text(json.dumps(read_json(path) | card if card else card))
    with pytest.raises(VoicefaceError, match=r"not a model of this version .*train it again$"):
        generate(tmp_path / "a.wav", tmp_path / "face.png", tmp_path / "model")


def test_a_missing_or_untrained_model_is_one_line(tmp_path: Path, model: Path) -> None:
    soundfile.write(tmp_path / "a.wav", _voice(), RATE)
    (tmp_path / "untrained").mkdir()
    for folder in ("untrained", "nowhere"):
        with pytest.raises(VoicefaceError, match="holds no trained model") as caught:
            generate(tmp_path / "a.wav", tmp_path / "face.png", tmp_path / folder)
        assert folder in str(caught.value)
