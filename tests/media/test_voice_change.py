"""A voice that takes over from another: heard, and hardly ever in a voice alone."""

import itertools
from pathlib import Path

import numpy as np
import pytest

from tests.voice_builder import RATE, spoken
from voiceface.config import Samples
from voiceface.media import audio
from voiceface.media.voice_change import voice_change

MOST = Samples().max_voice_change
ALONE = ("candidate-a", "candidate-c", "reporter", "speech-tips")


def in_turn(one: np.ndarray, other: np.ndarray, seconds: float) -> np.ndarray:
    """4 s in which `other` speaks for the last `seconds`, as loud as `one`."""
    late = round(seconds * RATE)
    scale = np.sqrt(np.square(one / 32768).mean() / np.square(other / 32768).mean())
    louder = np.clip(other[:late] * scale, -32768, 32767).astype(np.int16)
    return np.concatenate([one[: 4 * RATE - late], louder])


def real_parts(folder: Path, name: str) -> list[np.ndarray]:
    media = folder / name / f"{name}-1.mp4"
    start_us = audio.first_sound_us(media)
    assert start_us is not None
    pcm = next(audio.decode_pcm(media, RATE, start_us))
    return [pcm[at * RATE : (at + 4) * RATE] for at in range(8, 32, 4)]


def test_one_voice_hardly_ever_changes() -> None:
    assert sum(voice_change(spoken(person), RATE) > MOST for person in range(6)) <= 1


def test_a_voice_that_takes_over_is_heard() -> None:
    pairs = list(itertools.permutations([spoken(person) for person in range(6)], 2))
    for seconds, least in ((2, 0.8), (1, 0.6)):
        heard = [voice_change(in_turn(*pair, seconds), RATE) > MOST for pair in pairs]
        assert np.mean(heard) >= least, seconds


def test_real_people_are_told_from_each_other_and_not_from_themselves(real_videos: Path) -> None:
    voices = [real_parts(real_videos, name) for name in ALONE]
    alone = [voice_change(part, RATE) for parts in voices for part in parts]
    assert max(alone) <= MOST
    pairs = itertools.permutations([parts[0] for parts in voices], 2)
    in_pairs = [voice_change(in_turn(*pair, 2), RATE) for pair in pairs]
    assert np.median(in_pairs) > np.quantile(alone, 0.9)
    assert max(in_pairs) > MOST


def test_level_and_rate_do_not_matter() -> None:
    both = in_turn(spoken(0), spoken(3), 2)
    usual = voice_change(both, RATE)
    doubled = (audio.resampled(both, RATE, 2 * RATE) * audio.FULL_SCALE).astype(np.int16)
    assert voice_change((both / 4).astype(np.int16), RATE) == pytest.approx(usual, rel=0.1)
    assert voice_change(doubled, 2 * RATE) == pytest.approx(usual, rel=0.1)


def test_silence_and_what_is_too_short_do_not_change() -> None:
    assert voice_change(np.zeros(4 * RATE, np.int16), RATE) == 0
    assert voice_change(spoken(0)[: RATE // 2], RATE) == 0
    assert voice_change(spoken(0)[:100], RATE) == 0
