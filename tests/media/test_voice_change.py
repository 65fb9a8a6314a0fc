"""A voice that takes over from another: heard, and hardly ever in a voice alone."""

import itertools
from pathlib import Path

import numpy as np
import pytest

from tests.voice_builder import RATE, spoken
from voiceface.config import Samples
from voiceface.media import audio
from voiceface.media.cepstra import cepstra
from voiceface.media.voice_change import VoiceStream, voice_change

MOST = Samples().max_voice_change
ALONE = ("candidate-a", "candidate-c", "reporter", "speech-tips")


def gain(pcm: np.ndarray, rate: int = RATE) -> float:
    return voice_change(cepstra(pcm, rate)).gain


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
    assert sum(gain(spoken(person)) > MOST for person in range(6)) <= 1


def test_a_voice_that_takes_over_is_heard() -> None:
    pairs = list(itertools.permutations([spoken(person) for person in range(6)], 2))
    for seconds, least in ((2, 0.8), (1, 0.6)):
        heard = [gain(in_turn(*pair, seconds)) > MOST for pair in pairs]
        assert np.mean(heard) >= least, seconds


def test_real_people_are_told_from_each_other_and_not_from_themselves(real_videos: Path) -> None:
    voices = [real_parts(real_videos, name) for name in ALONE]
    alone = [gain(part) for parts in voices for part in parts]
    assert max(alone) <= MOST
    pairs = itertools.permutations([parts[0] for parts in voices], 2)
    in_pairs = [gain(in_turn(*pair, 2)) for pair in pairs]
    assert np.median(in_pairs) > np.quantile(alone, 0.9)
    assert max(in_pairs) > MOST


def test_level_and_rate_do_not_matter() -> None:
    both = in_turn(spoken(0), spoken(3), 2)
    usual = gain(both)
    doubled = (audio.resampled(both, RATE, 2 * RATE) * audio.FULL_SCALE).astype(np.int16)
    assert gain((both / 4).astype(np.int16)) == pytest.approx(usual, rel=0.1)
    assert gain(doubled, 2 * RATE) == pytest.approx(usual, rel=0.1)


def test_silence_and_what_is_too_short_do_not_change() -> None:
    assert gain(np.zeros(4 * RATE, np.int16)) == 0
    assert gain(spoken(0)[: RATE // 2]) == 0
    assert gain(spoken(0)[:100]) == 0


@pytest.mark.parametrize("block", [RATE // 3, 60 * RATE])
def test_a_stream_tells_when_another_voice_takes_over(block: int) -> None:
    sound = np.concatenate([spoken(0, 9.3), spoken(3, 8), spoken(0, 7, seed=1)])
    stream = VoiceStream(RATE, MOST)
    for at in range(0, len(sound), block):
        stream.feed(sound[at : at + block])
    assert stream.until_s < 24.3
    stream.finish()
    assert [change.at_s for change in stream.changes()] == pytest.approx([9.3, 17.3], abs=0.4)
    whole = cepstra(sound, RATE).between(1200, 1600)
    assert np.allclose(stream.cepstra(12, 4).values, whole.values, atol=0.02)


def test_what_a_stream_forgets_changes_nothing_later() -> None:
    sound = np.concatenate([spoken(0, 9.3), spoken(3, 8), spoken(0, 7, seed=1)])
    all_kept, some_gone = VoiceStream(RATE, MOST), VoiceStream(RATE, MOST)
    for at in range(0, len(sound), RATE):
        all_kept.feed(sound[at : at + RATE])
        some_gone.feed(sound[at : at + RATE])
        some_gone.forget(at / RATE - 8)
    all_kept.finish()
    some_gone.finish()
    assert some_gone.changes()[-1] == all_kept.changes()[-1]
    assert np.array_equal(some_gone.cepstra(19, 4).values, all_kept.cepstra(19, 4).values)
