"""A re-upload: a part of another video of the same speaker, decoded and encoded anew."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt

from voiceface.demo.encoder import CLOCK_HZ, encode
from voiceface.demo.script import RATE_HZ

_CRF, _SOUND_BIT_S = 29, 64_000  # another bit rate than the first upload had


def copy_part(source: Path, target: Path, container: str, start_s: float, end_s: float) -> None:
    """Write [start_s, end_s) of `source` to `target`, at a lower bit rate.

    Args:
        container: mp4 or mkv.
    """
    times = [at for at, _ in _frames(source, start_s, end_s)]
    ticks = np.round((np.array(times) - times[0]) * CLOCK_HZ).astype(np.int64)
    pictures = (
        np.asarray(frame.to_ndarray(), np.uint8) for _, frame in _frames(source, start_s, end_s)
    )
    with av.open(str(source)) as clip:
        rate = clip.streams.video[0].average_rate or Fraction(30)
    sound = _sound(source, times[0], end_s)
    encode(
        target, container, Fraction(rate), ticks, lambda number: next(pictures),
        sound, crf=_CRF, sound_bit_s=_SOUND_BIT_S,
    )  # fmt: skip


def moved(
    rows: list[dict[str, Any]], file: str, start_s: float, end_s: float
) -> list[dict[str, Any]]:
    """The truth of a re-upload `file`, from the truth `rows` of the video that it repeats."""
    start_us, end_us = round(start_s * 1e6), round(end_s * 1e6)
    parts = []
    for row in rows:
        first, last = max(row["start_us"], start_us), min(row["end_us"], end_us)
        if first < last:
            times = {"start_us": first - start_us, "end_us": last - start_us, "repeats_us": first}
            parts.append({**row, **times, "repeats": row["file"], "file": file})
    return parts


def _frames(source: Path, start_s: float, end_s: float) -> Iterator[tuple[float, av.VideoFrame]]:
    with av.open(str(source)) as clip:
        for frame in clip.decode(video=0):
            at = float(frame.time or 0)
            if at >= end_s:
                return
            if at >= start_s:
                yield at, frame


def _sound(source: Path, start_s: float, end_s: float) -> npt.NDArray[np.float32]:
    """Mono, RATE_HZ."""
    resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE_HZ)
    parts = []
    with av.open(str(source)) as clip:
        for frame in clip.decode(audio=0):
            parts += [part.to_ndarray()[0] for part in resampler.resample(frame)]
    whole = np.concatenate(parts)
    return np.asarray(whole[round(start_s * RATE_HZ) : round(end_s * RATE_HZ)], np.float32)
