"""Sound other than voices: rooms, music, noise and overdrive. All arrays are mono, within ±1."""

from typing import Any

import numpy as np
import numpy.typing as npt

Sound = npt.NDArray[Any]  # float32

_CHORDS = ((0, 4, 7), (9, 12, 16), (5, 9, 12), (7, 11, 14))  # I vi IV V, in semitones


def room_tone(samples: int, rng: np.random.Generator) -> Sound:
    """The hiss of a quiet room, at about -66 dB."""
    return (rng.standard_normal(samples) * 0.0005).astype(np.float32)


def music(samples: int, rate_hz: int, rng: np.random.Generator) -> Sound:
    """Chords, bass and a beat, at about 0.10 RMS: louder than speech."""
    beat = int(rate_hz * rng.uniform(0.38, 0.55))
    root = 110.0 * 2 ** (rng.integers(0, 12) / 12)
    out = np.zeros(samples + beat, np.float32)
    for number in range(samples // beat + 1):
        chord = _CHORDS[(number // 4) % 4]
        note = chord[int(rng.integers(0, 3))] + 12
        part = sum((_tone(root * 2 ** (n / 12), beat, rate_hz) for n in chord), np.float32(0))
        part = part + 0.8 * _tone(root * 2 ** (note / 12), beat, rate_hz)
        part = part + 1.2 * _tone(root / 2 * 2 ** (chord[0] / 12), beat, rate_hz)
        part = part + _hit(beat, rate_hz, rng)
        at = number * beat
        out[at : at + beat] += part[: len(out) - at]
    return _level(out[:samples], 0.10)


def noise(samples: int, rate_hz: int, rng: np.random.Generator) -> Sound:
    """A street: pink-like noise that swells and falls, at about 0.055 RMS."""
    spectrum = np.fft.rfft(rng.standard_normal(samples))
    hz = np.fft.rfftfreq(samples, 1 / rate_hz)
    spectrum /= np.sqrt(np.maximum(hz, 60.0))
    swell = 1 + 0.35 * np.sin(np.arange(samples) / rate_hz * 2.1 + rng.uniform(0, 6))
    return _level(np.fft.irfft(spectrum, samples) * swell, 0.055)


def overdriven(sound: Sound) -> Sound:
    """Far too loud for the recorder: cut flat at full scale."""
    return np.clip(sound * 30.0, -1.0, 1.0).astype(np.float32)


def jingle(rate_hz: int, seconds: float) -> Sound:
    """The same few bars at the start of every video that has them."""
    return faded(music(int(seconds * rate_hz), rate_hz, np.random.default_rng(77)), rate_hz)


def faded(sound: Sound, rate_hz: int, seconds: float = 0.04) -> Sound:
    """`sound` with short ramps at both ends, so that a cut does not click."""
    ramp = np.linspace(0, 1, min(int(seconds * rate_hz), len(sound) // 2), dtype=np.float32)
    out = sound.copy()
    out[: len(ramp)] *= ramp
    out[len(out) - len(ramp) :] *= ramp[::-1]
    return out


def loudness(sound: Sound, rate_hz: int, at_s: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """RMS in a window of 60 ms around each time of `at_s` (seconds)."""
    power = np.concatenate([[0.0], np.cumsum(sound.astype(np.float64) ** 2)])
    first = np.clip(((at_s - 0.03) * rate_hz).astype(int), 0, len(sound))
    last = np.clip(((at_s + 0.03) * rate_hz).astype(int), 0, len(sound))
    return np.sqrt(np.maximum(power[last] - power[first], 0) / np.maximum(last - first, 1))


def _tone(hz: float, samples: int, rate_hz: int) -> Sound:
    t = np.arange(samples) / rate_hz
    wave = sum(np.sin(2 * np.pi * hz * k * t) / k**1.5 for k in (1, 2, 3, 4))
    return np.asarray(wave * np.exp(-2.5 * t) * np.minimum(t * 80, 1), np.float32)


def _hit(samples: int, rate_hz: int, rng: np.random.Generator) -> Sound:
    t = np.arange(samples) / rate_hz
    return np.asarray(rng.standard_normal(samples) * np.exp(-40 * t) * 0.7, np.float32)


def _level(sound: npt.NDArray[np.floating], rms: float) -> Sound:
    scaled = sound * (rms / (float(np.sqrt(np.mean(sound**2))) + 1e-9))
    return np.clip(scaled, -0.98, 0.98).astype(np.float32)
