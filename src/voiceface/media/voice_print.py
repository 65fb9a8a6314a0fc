"""Whose voice it is, as far as its spectrum tells: told against what is usual in a video."""

import numpy as np

from voiceface.media.cepstra import SIZE, Cepstra

_SHARE = 0.15  # of the cepstra's own deviation: means of a few seconds of one voice differ so much
_LEAST_SPREAD = 0.02


def voice_print(sound: Cepstra) -> np.ndarray:
    """Means, then deviations, of the cepstra without pauses: float32 (32,); zeros for no sound."""
    values = sound.values[sound.heard()]
    if not len(values):
        return np.zeros(2 * SIZE, np.float32)
    return np.concatenate([values.mean(axis=0), values.std(axis=0)]).astype(np.float32)


def voice_distances(prints: np.ndarray, usual: np.ndarray) -> np.ndarray:
    """How far each voice is from the one that is usual: (n,) ≥ 0, about 0.8 for the same voice.

    The root mean square, over the 16 cepstra, of the mean's distance to the median of the usual
    ones, in units of how far these are spread. One microphone and room are taken for granted.

    Args:
        prints: (n, 32) of one video, see `voice_print`.
        usual: which of them (bool) tell what is usual, one or more.
    """
    means, deviations = prints[:, :SIZE], prints[:, SIZE:]
    centre = np.median(means[usual], axis=0)
    spread = 1.4826 * np.median(np.abs(means[usual] - centre), axis=0) + _LEAST_SPREAD
    unit = np.square(spread) + np.square(_SHARE * deviations[usual].mean(axis=0))
    return np.asarray(np.sqrt((np.square(means - centre) / unit).mean(axis=1)))
