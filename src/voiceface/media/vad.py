"""Voiced segments: where somebody speaks."""

from dataclasses import dataclass, field

import numpy as np
import webrtcvad


@dataclass
class VoicedFrames:
    """webrtcvad over a stream of sound, frame by frame.

    The detector keeps a state, so blocks must be fed in order; what doesn't fill a frame waits for
    the next block.
    """

    sample_rate_hz: int
    mode: int
    frame_ms: int
    _rest: np.ndarray = field(default_factory=lambda: np.empty(0, np.int16))

    def __post_init__(self) -> None:
        self._vad = webrtcvad.Vad(self.mode)

    @property
    def frame_samples(self) -> int:
        """Samples in a frame."""
        return self.sample_rate_hz * self.frame_ms // 1000

    def feed(self, pcm: np.ndarray) -> np.ndarray:
        """Voicing (bool) of each frame that int16 `pcm` completes."""
        pcm = np.concatenate([self._rest, pcm])
        count = pcm.size // self.frame_samples
        self._rest = pcm[count * self.frame_samples :]
        data = pcm.astype("<i2").tobytes()
        step = 2 * self.frame_samples
        return np.fromiter(
            (
                self._vad.is_speech(data[at : at + step], self.sample_rate_hz)
                for at in range(0, count * step, step)
            ),
            bool,
            count,
        )

    def finish(self, least: int) -> np.ndarray:
        """Voicing (bool) of what waits, filled up with silence; empty under `least` samples."""
        missing = self.frame_samples - self._rest.size
        if self._rest.size < max(least, 1):
            return np.empty(0, bool)
        return self.feed(np.zeros(missing, np.int16))


def segment_starts(
    voiced: np.ndarray, length: int, min_voiced: float, allowed: np.ndarray | None = None
) -> np.ndarray:
    """The frames at which a segment may begin, ascending.

    A segment begins with a voiced frame and holds at least `min_voiced` (0 to 1) voiced frames in
    its `length` frames, all of them `allowed`. Each depends on nothing after its end, so a stream
    can be cut as it comes.
    """
    total = np.concatenate([[0], np.cumsum(voiced)])
    starts = np.arange(max(0, len(voiced) - length + 1))
    good = voiced[: len(starts)] & (total[starts + length] - total[starts] >= min_voiced * length)
    if allowed is not None and not allowed.all():
        inside = np.concatenate([[0], np.cumsum(allowed)])
        good &= inside[starts + length] - inside[starts] == length
    return np.flatnonzero(good)
