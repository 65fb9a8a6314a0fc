"""Silero's voice activity detector: is what webrtcvad calls voiced really speech?"""

import importlib.util
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from voiceface.errors import VoicefaceError
from voiceface.media.audio import resampled

RATE_HZ = 16000
WINDOW = 512
"""Samples of a window."""
_CONTEXT = 64  # samples of the window before
# Of the wheel's models this one takes all windows of a stretch in one call. It gives exactly what
# the streaming one gives, costs the same, and loads in a tenth of the time.
_MODEL = "silero_vad_16k_sequence.onnx"


def speech_probability(pcm: np.ndarray, sample_rate_hz: int) -> float:
    """Mean probability of speech over windows of 32 ms, 0 to 1.

    The mean is near the share of the time in which somebody speaks. On real clips and on the demo
    world it tells speech from music and noise as well as any percentile or share does.

    Args:
        pcm: int16 mono samples, at least one.

    Raises:
        VoicefaceError: the model or onnxruntime is not installed.
    """
    sound = resampled(pcm, sample_rate_hz, RATE_HZ)
    probabilities = SpeechStream().feed(np.pad(sound, (0, -len(sound) % WINDOW)))
    return float(probabilities.mean())


class SpeechStream:
    """The probability of speech in each window of 32 ms of sound that comes in pieces."""

    def __init__(self) -> None:
        self._waiting = np.zeros(_CONTEXT, np.float32)
        self._state = [np.zeros((1, 1, 128), np.float32)] * 2

    def feed(self, sound: np.ndarray) -> np.ndarray:
        """Probabilities (0 to 1) of the windows that the sound completes.

        Args:
            sound: float32 within ±1, at `RATE_HZ`.
        """
        sound = np.concatenate([self._waiting, sound])
        count = (len(sound) - _CONTEXT) // WINDOW
        self._waiting = sound[count * WINDOW :]
        if not count:
            return np.empty(0, np.float32)
        windows = np.lib.stride_tricks.sliding_window_view(sound, _CONTEXT + WINDOW)[::WINDOW]
        whole, (h, c) = np.ascontiguousarray(windows[:count]), self._state
        feed = {"input": whole, "h": h, "c": c}
        probabilities, *self._state = _session().run(["speech_probs", "hn", "cn"], feed)
        return np.asarray(probabilities)


@cache
def _session() -> Any:
    # The package's own __init__ imports torch: find its files without it.
    spec = importlib.util.find_spec("silero_vad")
    places = spec.submodule_search_locations if spec else None
    model = Path(places[0]) / "data" / _MODEL if places else None
    if model is None or not model.exists() or importlib.util.find_spec("onnxruntime") is None:
        raise VoicefaceError(
            "Silero's model or onnxruntime is missing; pip install onnxruntime and, with"
            " --no-deps, silero-vad"
        )
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3  # else it warns of the model's unused parts
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
