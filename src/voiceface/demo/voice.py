"""A person's voice: espeak-ng, called in this process through its C interface."""

import ctypes
import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import espeakng_loader
import numpy as np
import numpy.typing as npt

from voiceface.demo.traits import VARIANTS, Traits
from voiceface.errors import VoicefaceError

Sound = npt.NDArray[Any]  # float32, mono, within ±1

ESPEAK_RATE_HZ = 22050
_SYNCHRONOUS, _DONT_EXIT, _UTF8, _BY_CHARACTER = 2, 0x8000, 1, 1
_RATE, _VOLUME, _PITCH, _RANGE = 1, 2, 3, 4
# Pitch in Hz that espeak gives each variant at its setting 50, and its growth per step (measured).
_VARIANT_HZ = {
    "f1": 181, "f2": 197, "f3": 212, "f4": 179, "f5": 206,
    "m1": 96, "m2": 101, "m3": 106, "m4": 95, "m5": 104, "m6": 102, "m7": 109,
}  # fmt: skip
_STEP = 0.009

EMOTIONS = ("neutral", "happiness", "sadness", "anger", "surprise")
# Emotion → factor of pitch, of its range, of the rate, of the loudness.
_PROSODY = {
    "neutral": (1.00, 1.0, 1.00, 1.00),
    "happiness": (1.12, 1.4, 1.08, 1.10),
    "sadness": (0.90, 0.5, 0.82, 0.75),
    "anger": (1.05, 0.9, 1.12, 1.30),
    "surprise": (1.20, 1.6, 0.98, 1.10),
}


@dataclass(frozen=True)
class Voice:
    """What makes a voice this person's."""

    name: str
    """espeak-ng's voice and variant, as in `en-us+m3`."""
    pitch_hz: float
    words_per_minute: float
    tract: float
    """Length of the vocal tract, 1 is espeak's own; formants go with its inverse."""


def voice_of(person: Traits) -> Voice:
    """The voice that goes with the person's shared traits."""
    woman = person.gender == "f"
    # A long face speaks low: over the unit range of `length`, a bit more than half an octave.
    top = 250.0 if woman else 150.0
    pitch = top * math.exp(-0.45 * person.length - 0.12 * person.masculine)
    variant = VARIANTS[person.gender][person.timbre]
    return Voice(
        name=f"{'es' if person.language == 'es' else 'en-us'}+{variant}",
        pitch_hz=pitch,
        words_per_minute=185.0 - 45.0 * person.age,
        tract=0.88 + 0.22 * person.size + 0.04 * person.masculine,
    )


def speak(text: str, voice: Voice, emotion: str) -> Sound:
    """Speak `text`: mono, ESPEAK_RATE_HZ, about 0.06 RMS, within ±1, no silence at the ends."""
    pitch, spread, rate, loudness = _PROSODY[emotion]
    variant = voice.name.split("+")[1]
    # The sound is stretched by `tract` afterwards, which lowers pitch and tempo with the formants.
    hz = voice.pitch_hz * pitch * voice.tract
    setting = 50 + math.log(hz / _VARIANT_HZ[variant]) / _STEP
    raw = _espeak()(
        text,
        voice.name,
        {
            _RATE: round(voice.words_per_minute * rate * voice.tract),
            _VOLUME: 90,
            _PITCH: round(min(max(setting, 0), 99)),
            _RANGE: round(50 * spread),
        },
    )
    sound = _stretch(_trim(raw.astype(np.float32) / 32768), voice.tract)
    level = math.sqrt(float(np.mean(sound**2))) + 1e-9
    return np.clip(sound * (0.06 * loudness / level), -0.97, 0.97).astype(np.float32)


def _stretch(sound: Sound, factor: float) -> Sound:
    positions = np.arange(int(len(sound) * factor)) / factor
    return np.interp(positions, np.arange(len(sound)), sound).astype(np.float32)


def _trim(sound: Sound) -> Sound:
    heard = np.flatnonzero(np.abs(sound) > 0.005)
    return sound[heard[0] : heard[-1] + 1] if len(heard) else sound


@cache
def _espeak() -> Callable[[str, str, dict[int, int]], npt.NDArray[np.int16]]:
    """espeak-ng, started once: its state is global to the process, so one thread at a time."""
    library: Any = ctypes.CDLL(espeakng_loader.get_library_path())
    data = espeakng_loader.get_data_path().encode()
    if library.espeak_Initialize(_SYNCHRONOUS, 0, data, _DONT_EXIT) != ESPEAK_RATE_HZ:
        raise VoicefaceError("espeak-ng does not start; install espeakng-loader again")
    parts: list[npt.NDArray[np.int16]] = []

    def take(samples: Any, count: int, _events: Any) -> int:
        if samples and count > 0:
            parts.append(np.ctypeslib.as_array(samples, (count,)).copy())
        return 0

    kind = ctypes.CFUNCTYPE(
        ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
    )
    callback = kind(take)
    library.espeak_SetSynthCallback(callback)

    def say(text: str, voice: str, settings: dict[int, int]) -> npt.NDArray[np.int16]:
        _ = callback  # the library holds it by address only: it must outlive this call
        parts.clear()
        if library.espeak_SetVoiceByName(voice.encode()) != 0:
            raise VoicefaceError(f"espeak-ng has no voice {voice!r}; install espeakng-loader again")
        for number, value in settings.items():
            library.espeak_SetParameter(number, value, 0)
        data = text.encode()
        # It draws the breath in a voice at random, and begins with the time of day.
        library.espeak_ng_SetRandSeed(ctypes.c_long(zlib.crc32(data)))
        size = ctypes.c_size_t(len(data) + 1)
        library.espeak_Synth(data, size, 0, _BY_CHARACTER, 0, _UTF8, None, None)
        library.espeak_Synchronize()
        return np.concatenate(parts) if parts else np.zeros(0, np.int16)

    return say
