"""Where speech is: as the dataset's speech stage hears it, and as soon as it can be told."""

import numpy as np
import pytest

from tests.voice_builder import RATE, as_pcm, spoken
from voiceface.config import Speech
from voiceface.demo import sound
from voiceface.media.vad import VoicedFrames
from voiceface.studio.listener import NOTHING, PAUSE_S, SPEECH, Listener

PIECE = RATE // 25


def _listener(most_s: float = 20, **speech: int) -> Listener:
    return Listener(Speech(**speech), min_speech=0.5, most_s=most_s)


def _heard(pcm: np.ndarray, piece: int = PIECE) -> Listener:
    listener = _listener()
    for at in range(0, len(pcm), piece):
        listener.feed(pcm[at : at + piece])
    listener.finish()
    return listener


def test_pieces_of_any_length_are_heard_as_the_whole(voice_pcm: np.ndarray) -> None:
    whole = _heard(voice_pcm, len(voice_pcm))
    for piece in (160, PIECE, 7001):
        other = _heard(voice_pcm, piece)
        np.testing.assert_array_equal(other.sound, voice_pcm)
        np.testing.assert_array_equal(other.kinds, whole.kinds)


def test_voiced_is_what_the_speech_stage_calls_so(voice_pcm: np.ndarray) -> None:
    config = Speech()
    vad = VoicedFrames(RATE, config.vad_mode, config.vad_frame_ms)
    voiced = vad.feed(voice_pcm)
    kinds = _heard(voice_pcm).kinds[: len(voiced)]
    np.testing.assert_array_equal(kinds > NOTHING, voiced)
    assert (kinds == SPEECH).sum() > 0.8 * voiced.sum()


def test_silence_and_music_are_no_speech() -> None:
    music = as_pcm(sound.music(4 * RATE, RATE, np.random.default_rng(0)))
    for pcm in (np.zeros(2 * RATE, np.int16), music):
        listener = _heard(pcm)
        assert listener.spoken_s() < 0.1 * len(pcm) / RATE
    assert (listener.kinds > NOTHING).mean() > 0.5, "webrtcvad alone takes music for voiced"


def test_speech_is_what_was_said_without_the_long_pauses() -> None:
    pause = np.zeros(2 * RATE, np.int16)
    one, other = spoken(1, 2), spoken(2, 2)
    listener = _heard(np.concatenate([pause, one, pause, other, pause]))
    assert listener.sound_s == 10
    assert 3 < listener.spoken_s() < 4 + 2 * PAUSE_S
    speech = listener.speech(20)
    assert len(speech) == pytest.approx(listener.spoken_s() * RATE)
    longest = max(len(run) for run in "".join("01"[int(v != 0)] for v in speech).split("1"))
    assert longest < PAUSE_S * RATE
    np.testing.assert_array_equal(listener.speech(0.5), speech[-RATE // 2 :])


def test_it_is_told_when_there_was_enough_speech(voice_pcm: np.ndarray) -> None:
    listener = _heard(voice_pcm)
    at_s = listener.spoken_at_s(1)
    assert at_s is not None
    assert 1.5 <= at_s < 2.2
    assert listener.spoken_at_s(99) is None
    soon = _listener()
    fed = 0
    while soon.spoken_s() < 1:
        soon.feed(voice_pcm[fed : fed + PIECE])
        fed += PIECE
    assert fed / RATE - at_s < 0.12, "the first second is known soon after it was said"


def test_what_is_drawn_of_the_sound_are_its_peaks(voice_pcm: np.ndarray) -> None:
    listener = _listener()
    found = listener.feed(voice_pcm)
    frames = voice_pcm[: len(found.kinds) * 480].reshape(-1, 480)
    assert found.first == 0
    np.testing.assert_array_equal(found.high, frames.max(1) >> 8)
    np.testing.assert_array_equal(found.low, frames.min(1) >> 8)
    assert listener.finish().first == len(found.kinds)


def test_no_more_is_kept_than_asked_for(voice_pcm: np.ndarray) -> None:
    listener = _listener(most_s=1)
    listener.feed(voice_pcm)
    listener.feed(voice_pcm)
    assert listener.is_full
    assert listener.sound_s == 1
    assert len(listener.finish().kinds) < 4


@pytest.mark.parametrize("rate", [8_000, 48_000])
def test_other_rates_of_the_dataset_are_heard_too(rate: int, voice_pcm: np.ndarray) -> None:
    times = np.arange(len(voice_pcm) * rate // RATE) * (RATE / rate)
    pcm = np.interp(times, np.arange(len(voice_pcm)), voice_pcm).astype(np.int16)
    listener = _listener(sample_rate_hz=rate)
    listener.feed(pcm)
    listener.finish()
    assert listener.spoken_s() == pytest.approx(_heard(voice_pcm).spoken_s(), abs=0.5)
