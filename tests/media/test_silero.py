"""Silero's detector: speech against all else that webrtcvad calls voiced."""

import subprocess
import sys

import numpy as np
import pytest

from tests.voice_builder import RATE, as_pcm, recoded, spoken
from voiceface.config import Samples
from voiceface.demo import sound
from voiceface.errors import VoicefaceError
from voiceface.media import silero
from voiceface.media.silero import WINDOW, SpeechStream, speech_probability

LEAST = Samples().min_speech


@pytest.mark.parametrize("person", range(4))
def test_speech_is_speech_also_under_mild_noise(person: int) -> None:
    pcm = spoken(person)
    assert speech_probability(pcm, RATE) > LEAST + 0.2
    noise = 0.25 * sound.noise(len(pcm), RATE, np.random.default_rng(person))
    assert speech_probability(as_pcm(pcm / 32768 + noise), RATE) > LEAST + 0.15


@pytest.mark.parametrize("seed", range(4))
def test_music_and_noise_are_none(seed: int) -> None:
    for make in (sound.music, sound.noise):
        alone = as_pcm(make(4 * RATE, RATE, np.random.default_rng(seed)))
        assert speech_probability(alone, RATE) < LEAST - 0.3


def test_most_of_a_segment_must_be_speech() -> None:
    pcm = spoken(0)
    music = as_pcm(sound.music(4 * RATE, RATE, np.random.default_rng(0)))
    pcm[: 2 * RATE + RATE // 2] = music[: 2 * RATE + RATE // 2]
    assert speech_probability(pcm, RATE) < LEAST


def test_every_sample_rate_is_heard_alike(tmp_path) -> None:
    pcm = spoken(1)
    usual = speech_probability(pcm, RATE)
    for rate in (8000, 32000, 48000):
        other = recoded(pcm, tmp_path / "a.wav", "-ar", str(rate), to=rate)
        assert speech_probability(other, rate) == pytest.approx(usual, abs=0.08)


def test_a_segment_of_any_length_has_a_probability() -> None:
    pcm = spoken(2)
    assert speech_probability(pcm[:RATE], RATE) > LEAST
    assert 0 <= speech_probability(pcm[:160], RATE) <= 1


def test_sound_in_pieces_is_heard_as_in_one() -> None:
    sound = spoken(2) / np.float32(32768)
    stream, pieces = SpeechStream(), np.array_split(sound, 97)
    heard = np.concatenate([stream.feed(piece) for piece in pieces])
    np.testing.assert_allclose(heard, SpeechStream().feed(sound), atol=1e-5)
    assert len(heard) == len(sound) // WINDOW


def test_torch_is_not_imported() -> None:
    program = (
        "import sys, numpy; from voiceface.media.silero import speech_probability as heard;"
        "heard(numpy.zeros(16000, numpy.int16), 16000); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_a_missing_model_is_said_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(silero, "_MODEL", "gone.onnx")
    silero._session.cache_clear()
    with pytest.raises(VoicefaceError, match="Silero's model or onnxruntime is missing"):
        speech_probability(spoken(0), RATE)
    silero._session.cache_clear()
