"""A second voice: heard in mixtures, and hardly ever in a voice alone."""

import itertools
from pathlib import Path

import numpy as np
import pytest

from tests.voice_builder import RATE, as_pcm, recoded, spoken
from voiceface.config import Samples
from voiceface.demo import sound
from voiceface.media import audio
from voiceface.media.second_voice import second_voice

MOST = Samples().max_second_voice
ALONE = ("candidate-b", "candidate-c", "reporter", "speech-tips")


def _mixed(one: np.ndarray, other: np.ndarray, seconds: float = 4) -> np.ndarray:
    """`other` talks, too, in the last `seconds`, as loud as `one`."""
    both, late = one / 32768, other[-round(seconds * RATE) :] / 32768
    both[-len(late) :] += late * np.sqrt(np.square(both).mean() / np.square(other / 32768).mean())
    return as_pcm(0.5 * both)


def _real(folder: Path, name: str, count: int = 3) -> list[np.ndarray]:
    media = folder / name / f"{name}-1.mp4"
    start_us = audio.first_sound_us(media)
    assert start_us is not None
    pcm = next(audio.decode_pcm(media, RATE, start_us))
    return [pcm[at * RATE : (at + 4) * RATE] for at in range(8, 8 + 4 * count, 4)]


@pytest.mark.parametrize("person", range(6))
def test_one_voice_is_not_two(person: int) -> None:
    assert second_voice(spoken(person), RATE) <= MOST


def test_two_voices_are_heard() -> None:
    voices = [spoken(person) for person in range(6)]
    pairs = list(itertools.combinations(voices, 2))
    assert np.mean([second_voice(_mixed(*pair), RATE) > MOST for pair in pairs]) >= 0.7
    assert np.mean([second_voice(_mixed(*pair, 1.5), RATE) > MOST for pair in pairs]) >= 0.4


def test_real_voices_alone_pass_and_many_mixtures_of_them_do_not(real_videos: Path) -> None:
    voices = [_real(real_videos, name) for name in ALONE]
    assert np.mean([second_voice(pcm, RATE) <= MOST for own in voices for pcm in own]) == 1
    pairs = [pair for a, b in itertools.combinations(voices, 2) for pair in zip(a, b, strict=True)]
    assert np.mean([second_voice(_mixed(*pair), RATE) > MOST for pair in pairs]) >= 0.3


def test_mild_noise_is_no_second_voice() -> None:
    for person in range(3):
        noise = 0.1 * sound.noise(4 * RATE, RATE, np.random.default_rng(person))
        assert second_voice(as_pcm(spoken(person) / 32768 + noise), RATE) <= MOST


def test_neither_level_nor_sample_rate_changes_it(tmp_path: Path) -> None:
    both = _mixed(spoken(0), spoken(3))
    usual = second_voice(both, RATE)
    assert second_voice((both / 10).astype(np.int16), RATE) == pytest.approx(usual, abs=0.003)
    for rate in (8000, 32000, 48000):
        other = recoded(both, tmp_path / "a.wav", "-ar", str(rate), to=rate)
        assert second_voice(other, rate) == pytest.approx(usual, abs=0.01)


def test_a_tone_is_one_voice_also_when_it_breaks_off() -> None:
    tone = np.zeros(4 * RATE, np.int16)
    tone[: RATE // 2] = 20000 * np.sin(2 * np.pi * 200 * np.arange(RATE // 2) / RATE)
    assert second_voice(tone, RATE) <= MOST


def test_silence_and_a_moment_have_no_voice() -> None:
    assert second_voice(np.zeros(4 * RATE, np.int16), RATE) == 0
    assert second_voice(spoken(0)[:800], RATE) == 0
