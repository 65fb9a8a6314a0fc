"""Where speech is in sound that comes in pieces: by the detectors of the dataset's speech stage."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from voiceface.config import Speech
from voiceface.media import silero
from voiceface.media.audio import FULL_SCALE
from voiceface.media.incoming import Resampler
from voiceface.media.vad import VoicedFrames

NOTHING, VOICED, SPEECH = range(3)
"""What a frame is: silence, something voiced that is no speech (music, noise), or speech."""

PAUSE_S = 0.3
"""Pauses within speech up to this length belong to it."""


class Found(NamedTuple):
    """Frames that were judged now."""

    first: int
    """number of the first of them"""
    low: np.ndarray
    """lowest value of the sound in each, int8 (n,)"""
    high: np.ndarray
    """highest value of the sound in each, int8 (n,)"""
    kinds: np.ndarray
    """`NOTHING`, `VOICED` or `SPEECH`, uint8 (n,)"""


class Listener:
    """Keeps the sound so far, in memory, and what its frames are.

    A frame is speech when webrtcvad calls it voiced, and Silero's probability of speech in the
    window of 32 ms about its middle is at least the dataset's threshold.
    """

    def __init__(self, config: Speech, min_speech: float, most_s: float) -> None:
        """Listen for at most so many seconds; what comes later is not kept."""
        self.rate_hz = config.sample_rate_hz
        self.most_s = most_s
        self._vad = VoicedFrames(self.rate_hz, config.vad_mode, config.vad_frame_ms)
        self._min_speech = min_speech
        self._silero = silero.SpeechStream()
        self._to_silero = Resampler(self.rate_hz, silero.RATE_HZ)
        self._sound = np.empty(round(most_s * self.rate_hz), np.int16)
        self._length = 0
        self._voiced = np.empty(0, bool)
        self._speech = np.empty(0, np.float32)
        self.kinds = np.empty(0, np.uint8)

    @property
    def frame_s(self) -> float:
        """Length of a frame in seconds."""
        return self._vad.frame_samples / self.rate_hz

    @property
    def sound(self) -> np.ndarray:
        """All of the sound: int16 (samples,)."""
        return self._sound[: self._length]

    @property
    def sound_s(self) -> float:
        """Its length in seconds."""
        return self._length / self.rate_hz

    @property
    def is_full(self) -> bool:
        """Whether no more is kept."""
        return self._length == len(self._sound)

    def feed(self, pcm: np.ndarray) -> Found:
        """Take the next int16 samples."""
        pcm = pcm[: len(self._sound) - self._length]
        self._sound[self._length : self._length + len(pcm)] = pcm
        self._length += len(pcm)
        self._voiced = np.append(self._voiced, self._vad.feed(pcm))
        self._take_silero(self._to_silero.feed(pcm))
        return self._judge()

    def finish(self) -> Found:
        """Judge what waits: the sound is at its end."""
        self._voiced = np.append(self._voiced, self._vad.finish(1))
        # Silence behind it completes the last window.
        rest = self._to_silero.finish()
        self._take_silero(np.pad(rest, (0, 2 * silero.WINDOW)))
        return self._judge()

    def speech(self, latest_s: float) -> np.ndarray:
        """The latest speech, with its short pauses, one stretch after the other: int16 (n,)."""
        frames = np.repeat(self._spoken(), self._vad.frame_samples)
        sound = self.sound[: len(frames)]
        return sound[frames[: len(sound)]][-round(latest_s * self.rate_hz) :]

    def spoken_s(self) -> float:
        """How much speech there is, in seconds."""
        return float(self._spoken().sum() * self.frame_s)

    def spoken_at_s(self, seconds: float) -> float | None:
        """The time in the sound at which there was so much speech; None if there is less."""
        reached = np.flatnonzero(np.cumsum(self._spoken()) * self.frame_s >= seconds - 1e-9)
        return float((reached[0] + 1) * self.frame_s) if len(reached) else None

    def _take_silero(self, pcm: np.ndarray) -> None:
        sound = pcm.astype(np.float32) / np.float32(FULL_SCALE)
        self._speech = np.append(self._speech, self._silero.feed(sound))

    def _judge(self) -> Found:
        first = len(self.kinds)
        middles = (np.arange(first, len(self._voiced)) + 0.5) * self.frame_s
        windows = (middles * silero.RATE_HZ).astype(int) // silero.WINDOW
        windows = windows[windows < len(self._speech)]
        voiced = self._voiced[first : first + len(windows)]
        kinds = voiced.astype(np.uint8)
        kinds[voiced & (self._speech[windows] >= self._min_speech)] = SPEECH
        self.kinds = np.append(self.kinds, kinds)
        step = self._vad.frame_samples
        sound = self.sound[first * step : len(self.kinds) * step]
        sound = np.pad(sound, (0, len(kinds) * step - len(sound))).reshape(-1, step) >> 8
        low, high = (edge(axis=1).astype(np.int8) for edge in (sound.min, sound.max))
        return Found(first, low, high, kinds)

    def _spoken(self) -> np.ndarray:
        """Which frames are speech, or a short pause in it (bool)."""
        spoken = self.kinds == SPEECH
        for one, other in pairwise(np.flatnonzero(spoken)):
            if (other - one - 1) * self.frame_s <= PAUSE_S:
                spoken[one:other] = True
        return spoken
