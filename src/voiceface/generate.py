"""A face for a voice in a sound file, drawn by a trained model."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import soundfile
import torch
import torchaudio

from voiceface.config import Samples, Speech
from voiceface.data.sheets import write_png
from voiceface.errors import VoicefaceError
from voiceface.models import saved
from voiceface.models.drawing import draw_faces
from voiceface.studio.listener import Listener

RATES_HZ = (1000, 768_000)
"""Sample rates that are read; below, there is no voice."""
SILENCE = 1e-3
"""Loudest sample below which a file counts as silent (full scale is 1): -60 dB."""
_MOST_TERM = 2000


def generate(wav: Path, output: Path, model: Path, *, seed: int = 0) -> None:
    """Draw a face from a sound file's speech, or from its loudest stretch, as the model does.

    Args:
        wav: any format that libsndfile reads, at any rate, with any number of channels.
        model: a trained model's folder.
        seed: of the generator's dropout; another one draws the voice another way.

    Raises:
        VoicefaceError: the sound is missing, unreadable, silent or too short, or the model is not
            there or not trained.
    """
    device = torch.device("cpu")
    trained = saved.load(model, device)
    rate, samples = trained.card["sample_rate_hz"], trained.card["input_samples"]
    sound = read_sound(wav, rate)
    if len(sound) < samples:
        raise VoicefaceError(
            f"{wav}: {len(sound) / rate:.2f} s long, but {model} draws from {samples / rate:.2f} s "
            "of sound; give a longer recording"
        )
    pcm = (sound.clamp(-1, 1) * 32767).round().to(torch.int16).numpy()
    if trained.model.whole:
        pcm = spoken(pcm, rate, samples)
    write_png(output, draw_faces(trained.model, pcm[None], device, seed)[0])


def spoken(pcm: np.ndarray, rate_hz: int, least: int) -> np.ndarray:
    """The parts of a sound (int16) in which somebody speaks, one after the other.

    All of it, where these come to less than `least` samples. The models have learnt from speech:
    what lies around it would be a part of the mean that they take.
    """
    config = Speech.model_validate({"sample_rate_hz": rate_hz})
    listener = Listener(config, Samples().min_speech, len(pcm) / rate_hz)
    listener.feed(pcm)
    listener.finish()
    speech = listener.speech(listener.sound_s)
    return speech if len(speech) >= least else pcm


def read_sound(path: Path, rate_hz: int) -> torch.Tensor:
    """A sound file as mono at `rate_hz`: float (n,), full scale 1.

    Raises:
        VoicefaceError: it is missing, unreadable, empty or silent, or of no rate for a voice.
    """
    if not path.is_file():
        raise VoicefaceError(f"{path}: no such file")
    try:
        channels, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        reason = str(error).splitlines()[0].split(": ", 1)[-1]
        raise VoicefaceError(f"{path}: not a sound file that can be read ({reason})") from None
    sound = np.nan_to_num(channels.mean(axis=1))
    if not len(sound) or np.abs(sound).max() < SILENCE:
        raise VoicefaceError(f"{path}: silent; give a recording of a voice")
    if not RATES_HZ[0] <= rate <= RATES_HZ[1]:
        raise VoicefaceError(f"{path}: {rate} samples a second; give one of 1 to 768 kHz")
    return torchaudio.functional.resample(torch.from_numpy(sound), *_near(rate, rate_hz))


def _near(rate: int, other: int) -> tuple[int, int]:
    """Small whole numbers in the ratio of two rates, to 0.05 %: exactly that of common ones.

    The resampling kernel's memory grows with their product, gigabytes for 44101 : 16000.
    """
    small, large = sorted((rate, other))
    ratio = Fraction(small, large).limit_denominator(_MOST_TERM)
    terms = (ratio.numerator, ratio.denominator)
    return terms if rate == small else (terms[1], terms[0])
