"""Sound of a media file: decoding in step with its timestamps, levels, storing."""

import io
import math
import subprocess
from collections.abc import Iterator
from pathlib import Path

import ffmpeg
import imageio_ffmpeg
import numpy as np
import soundfile

from voiceface.errors import VoicefaceError
from voiceface.media.container import opened

FULL_SCALE = 32768.0
_BLOCK_S = 60
_SPOKEN = 0.75  # share of a half second that must be voiced for its level to count
_PARTLY_SPOKEN = 0.25  # and of a second
_STOPPED = (244, 255)  # ffmpeg's own exit status when out of memory, and when told to stop


def first_sound_us(media: Path) -> int | None:
    """PTS of the first sound in microseconds; None when there is no sound track.

    Raises:
        VoicefaceError: the file can't be opened.
    """
    with opened(media) as container:
        if not container.streams.audio:
            return None
        stream = container.streams.audio[0]
        if stream.start_time is not None and stream.time_base is not None:
            return round(stream.start_time * stream.time_base * 1_000_000)
        return container.start_time or 0  # in AV_TIME_BASE, which is µs


def decode_pcm(media: Path, sample_rate_hz: int, start_us: int) -> Iterator[np.ndarray]:
    """Yield the first sound track as mono int16 blocks of at most a minute.

    Sample i belongs to the PTS `start_us` + i / `sample_rate_hz`: gaps in the timestamps are filled
    with silence and overlaps are cut, so that sound never drifts against the picture. What a
    damaged file still holds is yielded.

    Raises:
        VoicefaceError: ffmpeg was killed, so that the rest of the sound is unknown.
    """
    timing = {"async": 1, "min_hard_comp": 0.02, "first_pts": 0}
    command = (
        # copyts: else ffmpeg moves the file's first timestamp to 0 before the filter sees it.
        ffmpeg.input(str(media.absolute()), threads=1, vn=None, sn=None, dn=None, copyts=None)[
            "a:0"
        ]
        .filter("asetpts", f"PTS-{start_us / 1_000_000:.6f}/TB")
        .filter("aresample", sample_rate_hz, **timing)
        # ffmpeg's threads wake each other for each packet, which takes as long as decoding: so let
        # it be a second at a time.
        .filter("asetnsamples", sample_rate_hz, p=0)
        .output("pipe:", format="s16le", acodec="pcm_s16le", ac=1, ar=sample_rate_hz)
        .global_args("-nostdin", "-v", "quiet")
        .compile(cmd=imageio_ffmpeg.get_ffmpeg_exe())
    )
    size = 2 * sample_rate_hz * _BLOCK_S
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        while block := process.stdout.read(size):
            yield np.frombuffer(block[: len(block) // 2 * 2], dtype="<i2")
        status = process.wait()
    if status < 0 or status in _STOPPED:
        raise VoicefaceError(
            f"{media}: ffmpeg was stopped (status {status}) before the sound's end,"
            " maybe out of memory; build again"
        )


def loudness_db(pcm: np.ndarray) -> float:
    """RMS level of int16 samples in dB of full scale; silence is -120."""
    power = float(np.mean(np.square(pcm / FULL_SCALE))) if pcm.size else 0.0
    return 10 * np.log10(max(power, 1e-12))


def quietest_db(pcm: np.ndarray, voiced: np.ndarray, sample_rate_hz: int) -> float:
    """`loudness_db` of what is voiced in the quietest half second: pauses don't count.

    Speech that is nearly inaudible is voiced in part only: so the quietest second counts, too, of
    those that are voiced for a quarter.

    Args:
        pcm: int16 mono samples.
        voiced: voicing (bool) of each sample.

    Returns: that of the whole when no half second is voiced for three quarters or more.
    """
    half, second = sample_rate_hz // 2, sample_rate_hz
    energy = np.square(pcm / FULL_SCALE)
    power, whole = (np.concatenate([[0.0], np.cumsum(e)]) for e in (energy * voiced, energy))
    spoken = np.concatenate([[0], np.cumsum(voiced)])
    length = spoken[half:] - spoken[:-half]
    enough = length >= _SPOKEN * half
    if not enough.any():
        return loudness_db(pcm)
    least = float(((power[half:] - power[:-half])[enough] / length[enough]).min())
    length = spoken[second:] - spoken[:-second]
    partly = length >= _PARTLY_SPOKEN * second
    seconds = (whole[second:] - whole[:-second])[partly] / np.maximum(length, half)[partly]
    return 10 * np.log10(max(min(least, float(seconds.min(initial=1.0))), 1e-12))


def clipped_share(pcm: np.ndarray, sample_rate_hz: int) -> float:
    """Share of the samples that lie in flat tops, in the second that has most of them.

    A flat top is two or more samples in a row at the peak of the whole. A limiter before the
    encoder clips below full scale, and a lossy codec smears the tops; within 2 % of the peak counts
    as the top, and only where the peak is loud (above a quarter of full scale).
    """
    level = np.abs(pcm.astype(np.int32))
    peak = int(level.max(initial=0))
    if peak < FULL_SCALE / 4:
        return 0.0
    top = level >= 0.98 * peak
    flat = np.concatenate([[0], np.cumsum(top[1:] & top[:-1])])
    second = min(sample_rate_hz, len(flat) - 1)
    return float((flat[second:] - flat[:-second]).max()) / second if second else 0.0


def snr_db(pcm: np.ndarray, sample_rate_hz: int) -> float:
    """Signal-to-noise ratio in dB, estimated from the levels of 20 ms frames; 0 under a second.

    Speech comes in syllables with near-silence between them; noise and music fill the gaps. The
    signal is the level of the loud frames (90th percentile), the noise that of the quiet ones (5th
    percentile) in the second that has the least quiet: noise for a part of the segment counts.
    """
    length = sample_rate_hz // 50
    frames = pcm[: pcm.size // length * length].reshape(-1, length) / FULL_SCALE
    levels = 10 * np.log10(np.maximum(np.square(frames).mean(axis=1), 1e-9))
    if len(levels) < 50:
        return 0.0
    seconds = np.lib.stride_tricks.sliding_window_view(levels, 50)[::5]
    return float(np.percentile(levels, 90) - np.percentile(seconds, 5, axis=1).max())


def resampled(
    pcm: np.ndarray, sample_rate_hz: int, to_hz: int, band_hz: tuple[int, int] | None = None
) -> np.ndarray:
    """Resample int16 mono samples to float32 within about ±1: len(pcm) · to_hz / sample_rate_hz.

    The spectrum is cut, or filled up with nothing: the ideal low-pass filter. For stretches of some
    seconds; the whole is transformed at once.

    Args:
        band_hz: cut off all below and above, too.
    """
    sound = pcm.astype(np.float32) / np.float32(FULL_SCALE)
    if sample_rate_hz == to_hz and band_hz is None:
        return sound
    # Whole at both rates, quick to transform, and at least 50 ms longer: the ends don't touch.
    unit = sample_rate_hz // math.gcd(sample_rate_hz, to_hz, 20)
    size = (-(-len(sound) // unit) + 1) * unit
    wanted = size * to_hz // sample_rate_hz
    spectrum = np.fft.rfft(sound, size)
    if band_hz is not None:
        low, high = (round(hz * size / sample_rate_hz) for hz in band_hz)
        spectrum[:low] = spectrum[high + 1 :] = 0
    out = np.fft.irfft(spectrum, wanted) * np.float32(to_hz / sample_rate_hz)
    return out[: len(sound) * to_hz // sample_rate_hz]


def at_rate(pcm: np.ndarray, sample_rate_hz: int, to_hz: int) -> np.ndarray:
    """`resampled`, as int16; the same where the rates are."""
    if sample_rate_hz == to_hz:
        return pcm
    sound = resampled(pcm, sample_rate_hz, to_hz) * FULL_SCALE
    return sound.round().clip(-FULL_SCALE, FULL_SCALE - 1).astype(np.int16)


def to_flac(pcm: np.ndarray, sample_rate_hz: int) -> bytes:
    """Encode int16 mono samples as FLAC, without loss."""
    target = io.BytesIO()
    soundfile.write(target, pcm, sample_rate_hz, format="FLAC", subtype="PCM_16")
    return target.getvalue()
