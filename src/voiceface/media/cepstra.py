"""Mel cepstra: the shape of a sound's spectrum over time, from which voices are told apart.

Davis & Mermelstein, "Comparison of parametric representations for monosyllabic word recognition in
continuously spoken sentences" (IEEE TASSP 1980).
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

from voiceface.media.audio import resampled

SIZE = 16
HOP_MS = 10
OVERHANG_MS = 15
"""A frame is longer than a hop by so much: n hops of sound and this much more give n frames."""
_RATE_HZ = 16000
_WINDOW, _HOP, _FFT = 400, 160, 512  # samples: 25, 10 and 32 ms
_BANDS = 30
_BAND_HZ = (100, 6500)
_BELOW_LOUDEST_DB = 25  # quieter frames are pauses
_TINY = 1e-7


@dataclass(frozen=True)
class Cepstra:
    """Cepstra of a stretch of sound, a frame every 10 ms.

    Attributes:
        levels_db: of the frames, (n,).
        values: without the level, float64 (n, 16).
    """

    levels_db: np.ndarray
    values: np.ndarray

    @classmethod
    def empty(cls) -> "Cepstra":
        """Of no sound."""
        return cls(np.empty(0, np.float32), np.empty((0, SIZE)))

    def heard(self) -> np.ndarray:
        """Numbers of the frames with sound: those that are no pause, beside the loudest."""
        if not len(self.levels_db):
            return np.empty(0, np.intp)
        return np.flatnonzero(self.levels_db > self.levels_db.max() - _BELOW_LOUDEST_DB)

    def between(self, first: int, last: int) -> "Cepstra":
        """The frames from the `first` to before the `last`."""
        return Cepstra(self.levels_db[first:last], self.values[first:last])

    def followed_by(self, other: "Cepstra") -> "Cepstra":
        """Both, one after the other."""
        return Cepstra(
            np.concatenate([self.levels_db, other.levels_db]),
            np.concatenate([self.values, other.values]),
        )


def cepstra(pcm: np.ndarray, sample_rate_hz: int) -> Cepstra:
    """The cepstra of int16 mono samples, of all frames that lie wholly in them."""
    sound = resampled(pcm, sample_rate_hz, _RATE_HZ)
    if len(sound) < _WINDOW:
        return Cepstra.empty()
    # The difference of neighbours lifts the treble, where voices differ.
    frames = np.lib.stride_tricks.sliding_window_view(np.diff(sound, prepend=sound[:1]), _WINDOW)
    filters, waves, window = _mel()
    spectra = np.fft.rfft(frames[::_HOP] * window, _FFT)
    bands = (np.square(spectra.real) + np.square(spectra.imag)) @ filters
    levels_db = 10 * np.log10(bands.sum(axis=1) + _TINY)
    return Cepstra(levels_db, np.asarray(np.log(bands + _TINY) @ waves, np.float64))


@cache
def _mel() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mel filters (257, 30), the cosine transform (30, 16), and the window (400,)."""
    low, high = (2595 * np.log10(1 + hz / 700) for hz in _BAND_HZ)
    edges = 700 * (10 ** (np.linspace(low, high, _BANDS + 2) / 2595) - 1)
    lower, middle, upper = edges[:-2], edges[1:-1], edges[2:]
    hz = np.fft.rfftfreq(_FFT, 1 / _RATE_HZ)[:, None]
    slopes = np.minimum((hz - lower) / (middle - lower), (upper - hz) / (upper - middle))
    order = np.arange(1, SIZE + 1)
    waves = np.cos(np.pi * np.outer(np.arange(_BANDS) + 0.5, order) / _BANDS)
    return tuple(  # type: ignore[return-value]
        part.astype(np.float32) for part in (np.clip(slopes, 0, None), waves, np.hanning(_WINDOW))
    )
