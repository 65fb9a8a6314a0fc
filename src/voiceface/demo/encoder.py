"""Pictures and sound into a file: H.264 and AAC, the same bytes for the same input."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from voiceface.demo.script import RATE_HZ

CLOCK_HZ = 90_000
"""Of the video's PTS: whole ticks for every rate that the world has."""
_KEYFRAME_S = 2
# Twice as fast as the next preset; what makes a file dear to decode is switched on again, so that
# it costs a reader what a file from elsewhere does.
_X264 = {
    "preset": "ultrafast",
    "x264-params": "cabac=1:no-deblock=0:deblock=0,0:scenecut=40",
}


def frame_ticks(
    rate: Fraction | None, seconds: float, rng: np.random.Generator
) -> npt.NDArray[np.int64]:
    """PTS of all frames in ticks of 1/90000 s; without a rate as uneven as from a webcam."""
    if rate is not None:
        count = int(np.ceil(seconds * rate - 1e-6))
        return np.arange(count) * int(CLOCK_HZ / rate)
    gaps = rng.choice([3000, 3000, 3600, 4500, 6030, 9000], int(seconds * 30) + 1)
    ticks = np.concatenate([[0], np.cumsum(gaps)])
    return ticks[ticks < seconds * CLOCK_HZ]


def encode(
    path: Path,
    container: str,
    rate: Fraction | None,
    ticks: npt.NDArray[np.int64],
    frame_of: Callable[[int], npt.NDArray[np.uint8]],
    sound: npt.NDArray[np.float32],
    progress: Callable[[float], None] | None = None,
    *,
    crf: int = 23,
    sound_bit_s: int = 128_000,
) -> None:
    """Write one file.

    Args:
        container: mp4 or mkv.
        rate: frames per second, for the file's header; None is variable.
        ticks: PTS of the frames.
        frame_of: gives frame i as I420, (1080, 1280) uint8; asked in order.
        sound: mono, RATE_HZ.
        crf: x264's quality, 0 (best) to 51.
        sound_bit_s: bits per second of the sound.
    """
    sound_hz = 44100 if container == "mp4" else 48000
    frames_per_s = rate or Fraction(30)
    sound = _resampled(sound, sound_hz)
    name = {"mp4": "mp4", "mkv": "matroska"}[container]
    with av.open(str(path), "w", format=name, options={"fflags": "+bitexact"}) as out:
        video = _video_stream(out, container, frames_per_s, crf)
        audio = out.add_stream("aac", rate=sound_hz, layout="mono")
        audio.codec_context.bit_rate = sound_bit_s
        audio.codec_context.flags |= av.codec.context.Flags.bitexact
        written = 0
        for number, tick in enumerate(ticks.tolist()):
            frame = av.VideoFrame.from_ndarray(frame_of(number), format="yuv420p")
            frame.pts, frame.time_base = tick, Fraction(1, CLOCK_HZ)
            out.mux(video.encode(frame))
            if tick >= (written + sound_hz) * CLOCK_HZ // sound_hz:
                # A second of sound at a time, so that the streams interleave.
                out.mux(_sound_packets(audio, sound, written, sound_hz))
                written += sound_hz
                if progress:
                    progress(number / len(ticks))
        out.mux(_sound_packets(audio, sound, written, len(sound)))
        out.mux(video.encode(None))
        out.mux(audio.encode(None))


def _video_stream(
    out: av.container.OutputContainer, container: str, frames_per_s: Fraction, crf: int
) -> av.VideoStream:
    video = out.add_stream("libx264", rate=frames_per_s)
    video.width, video.height, video.pix_fmt = 1280, 720, "yuv420p"
    # Both kinds are found in the wild: with B-frames, whose order is not that of their times.
    bframes = "2" if container == "mkv" else "0"
    video.options = {**_X264, "crf": str(crf), "bf": bframes}
    video.codec_context.time_base = Fraction(1, CLOCK_HZ)
    video.codec_context.gop_size = round(frames_per_s * _KEYFRAME_S)
    video.codec_context.thread_count = 1  # more threads would make other bytes
    video.codec_context.flags |= av.codec.context.Flags.bitexact
    return video


def _sound_packets(
    stream: av.AudioStream, sound: npt.NDArray[np.float32], first: int, count: int
) -> list[av.Packet]:
    part = sound[first : first + count]
    if not len(part):
        return []
    frame = av.AudioFrame.from_ndarray(part[None], format="fltp", layout="mono")
    frame.sample_rate, frame.pts = stream.rate, first
    frame.time_base = Fraction(1, stream.rate)
    return stream.encode(frame)


def _resampled(sound: npt.NDArray[np.float32], rate_hz: int) -> npt.NDArray[np.float32]:
    at = np.arange(round(len(sound) * rate_hz / RATE_HZ)) * (RATE_HZ / rate_hz)
    return np.interp(at, np.arange(len(sound)), sound).astype(np.float32)
