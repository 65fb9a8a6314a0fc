"""Sound that comes in memory: piece by piece from a microphone, or as a file's bytes."""

import io

import av
import av.container
import av.error
import numpy as np

from voiceface.errors import VoicefaceError

_LOCKED = {"protocol_whitelist": "none"}
"""A list of other files (m3u8, concat) opens none of them: neither on this disk nor elsewhere."""


class Resampler:
    """Mono int16 sound at one rate, piece by piece, to another."""

    def __init__(self, from_hz: int, to_hz: int) -> None:
        self._from_hz = from_hz
        self._resampler = av.AudioResampler(format="s16", layout="mono", rate=to_hz)

    def feed(self, pcm: np.ndarray) -> np.ndarray:
        """What of the sound is through by now; the last few milliseconds wait for the next."""
        if not len(pcm):
            return np.empty(0, np.int16)
        frame = av.AudioFrame.from_ndarray(pcm.astype("<i2")[None], format="s16", layout="mono")
        frame.sample_rate = self._from_hz
        return _samples(self._resampler.resample(frame))

    def finish(self) -> np.ndarray:
        """The rest."""
        return _samples(self._resampler.resample(None))


def decode_bytes(data: bytes, name: str, sample_rate_hz: int, most_s: float) -> np.ndarray:
    """The first sound track of a media file as mono int16 (samples,); nothing touches the disk.

    Args:
        name: of the file, for messages.
        most_s: longer ones are refused.

    Raises:
        VoicefaceError: it can't be read, has no sound, or is too long.
    """
    av.logging.set_level(None)
    try:
        container = av.open(io.BytesIO(data), "r", metadata_errors="ignore", options=_LOCKED)
    except MemoryError:  # PyAV's is both: the file is not to blame
        raise
    except (av.error.FFmpegError, ValueError) as error:
        raise VoicefaceError(f"{name}: can't be read ({_reason(error)}); is it sound?") from None
    with container:
        if not container.streams.audio:
            raise VoicefaceError(f"{name}: has no sound; give a recording of a voice")
        pcm = _decode(container, name, sample_rate_hz, most_s)
    if not len(pcm):
        raise VoicefaceError(f"{name}: damaged, no sound in it can be read; record it again")
    return pcm


def _decode(
    container: av.container.InputContainer, name: str, sample_rate_hz: int, most_s: float
) -> np.ndarray:
    resampler = av.AudioResampler(format="s16", layout="mono", rate=sample_rate_hz)
    parts: list[np.ndarray] = []
    count, most = 0, round(most_s * sample_rate_hz)
    try:
        for frame in container.decode(container.streams.audio[0]):
            parts.append(_samples(resampler.resample(frame)))
            count += len(parts[-1])
            if count > most:
                raise VoicefaceError(
                    f"{name}: over {most_s:g} s long; cut it to what is to be heard"
                )
        parts.append(_samples(resampler.resample(None)))
    except MemoryError:
        raise
    except av.error.FFmpegError:  # damaged: what can be read counts, as in the dataset
        pass
    return np.concatenate([np.empty(0, np.int16), *parts])


def _samples(frames: list[av.AudioFrame]) -> np.ndarray:
    return np.concatenate([np.empty(0, np.int16), *(frame.to_ndarray()[0] for frame in frames)])


def _reason(error: Exception) -> str:
    words = getattr(error, "strerror", None) or str(error)
    return words.splitlines()[0].lower() if words else "unknown format"
