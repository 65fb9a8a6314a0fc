"""Whether a mouth goes with a sound: its opening over a burst of frames, beside the loudness."""

import numpy as np

_LIPS = ([50, 51, 52], [58, 57, 56])  # of the 68 landmarks: the outer lips, upper and lower
_EYES = (36, 45)  # outer corners
_HALF_WINDOW_S = 0.06
_LAGS_S = (0.0, 0.04, 0.08)  # by which the sound may come after the picture
_FLOOR = 1e-4  # of the power, at which silence is cut off: -40 dB of full scale
LEAST_FRAMES = 6
"""Of a mouth, to tell anything of it."""


def mouth_openings(landmarks: np.ndarray) -> np.ndarray:
    """Distance of the outer lips in units of that of the eyes' outer corners.

    Args:
        landmarks: (n, 68, 2), any scale.

    Returns: float (n,), about 0.2 (shut) to 0.8.
    """
    upper, lower = _LIPS
    gap = np.linalg.norm(landmarks[:, upper] - landmarks[:, lower], axis=2).mean(axis=1)
    eyes = np.linalg.norm(landmarks[:, _EYES[0]] - landmarks[:, _EYES[1]], axis=1)
    return np.asarray(gap / np.maximum(eyes, 1e-6))


def mouth_motion(openings: np.ndarray) -> float | None:
    """Standard deviation of the mouth's opening; None with fewer than 6 frames."""
    return float(openings.std()) if len(openings) >= LEAST_FRAMES else None


class Sound:
    """The level of a sound over time."""

    def __init__(self, pcm: np.ndarray, rate_hz: int) -> None:
        """Take in int16 mono samples."""
        # The difference of neighbours: a first-order high-pass, against hum and room noise.
        power = np.square(np.diff(pcm.astype(np.float32) / 32768, prepend=np.float32(0)))
        self._total = np.concatenate([[0.0], np.cumsum(power, dtype=np.float64)])
        self._rate_hz = rate_hz

    def level(self, times_s: np.ndarray) -> np.ndarray:
        """Level within 60 ms of some times (s) from the start, in dB of full scale, from -40."""
        half = _HALF_WINDOW_S
        ends = np.round(np.stack([times_s - half, times_s + half]) * self._rate_hz).astype(int)
        low, high = np.clip(ends, 0, len(self._total) - 1)
        mean = (self._total[high] - self._total[low]) / np.maximum(high - low, 1)
        return np.asarray(10 * np.log10(mean + _FLOOR))


def lip_sync(openings: np.ndarray, times_s: np.ndarray, sound: Sound) -> float | None:
    """Correlation (-1 to 1) of the mouth's opening with the level of the sound.

    The best of three lags: sound may come up to 80 ms after the picture. None with fewer than 6
    frames, or where either does not change at all.

    Args:
        openings: of the mouth, (n,).
        times_s: of the frames, from the start of the sound, (n,).
    """
    if len(openings) < LEAST_FRAMES or openings.std() < 1e-6:
        return None
    levels = sound.level(times_s + np.array(_LAGS_S)[:, None])
    changing = levels[levels.std(axis=1) > 1e-6]
    if not len(changing):
        return None
    changing = changing - changing.mean(axis=1, keepdims=True)
    opening = openings - openings.mean()
    scales = np.sqrt(np.square(changing).sum(axis=1) * np.square(opening).sum())
    return float((changing @ opening / scales).max())
