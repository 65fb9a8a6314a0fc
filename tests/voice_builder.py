"""Speech for the tests: the demo world's voices, whole or through an encoder. All int16, mono."""

import subprocess
from pathlib import Path

import imageio_ffmpeg
import numpy as np

from voiceface.demo.sentences import sentence
from voiceface.demo.sound import room_tone
from voiceface.demo.traits import speaker_traits
from voiceface.demo.voice import ESPEAK_RATE_HZ, speak, voice_of

RATE = 16_000


def spoken(person: int, seconds: float = 4, seed: int = 0) -> np.ndarray:
    """Somebody speaks, sentence after sentence, in a quiet room."""
    rng = np.random.default_rng((seed, person))
    traits = speaker_traits(person, 0)
    heard = np.zeros(0, np.float32)
    while len(heard) < seconds * ESPEAK_RATE_HZ:
        heard = np.append(heard, speak(sentence(traits.language, rng), voice_of(traits), "neutral"))
    times = np.arange(round(seconds * RATE)) * (ESPEAK_RATE_HZ / RATE)
    heard = np.interp(times, np.arange(len(heard)), heard)
    return as_pcm(heard + room_tone(len(heard), rng))


def as_pcm(sound: np.ndarray) -> np.ndarray:
    """From floats within ±1."""
    return np.clip(sound * 32767, -32768, 32767).astype(np.int16)


def recoded(
    pcm: np.ndarray, path: Path, *arguments: str, rate: int = RATE, to: int = RATE
) -> np.ndarray:
    """What is left of `pcm` after ffmpeg has written it to `path` with `arguments`."""
    program = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-y"]
    raw = ["-f", "s16le", "-ac", "1"]
    command = [*program, *raw, "-ar", str(rate), "-i", "pipe:", *arguments, str(path)]
    subprocess.run(command, input=pcm.tobytes(), check=True)
    command = [*program, "-i", str(path), *raw, "-ar", str(to), "pipe:"]
    return np.frombuffer(subprocess.run(command, capture_output=True, check=True).stdout, "<i2")
