"""Makes clips with a flash and a beep every second, and finds both as the pipeline sees them.

The flash is white at the full second and fades over 0.8 s, so that any frame tells how long ago it
was, whichever frames are decoded.
"""

import subprocess
from pathlib import Path

import imageio_ffmpeg
import numpy as np

from voiceface.media.audio import decode_pcm, first_sound_us
from voiceface.media.frames import decode_looks

RATE = 16_000
FADE_S = 0.8
_WHITE, _DARK = 235, 35  # luma
_SOUND_CODECS = {".webm": "libopus", ".avi": "libmp3lame", ".mkv": "libopus"}
_QUALITY = {
    "libx264": "-preset ultrafast -crf 8",
    "libx265": "-preset ultrafast -crf 8 -x265-params log-level=none:pools=1",
    "libvpx-vp9": "-crf 8 -b:v 0 -deadline realtime -cpu-used 8",
    "libsvtav1": "-crf 8 -preset 12",
}


def make_flashes(
    path: Path,
    *,
    fps: str = "30000/1001",
    seconds: float = 5,
    picture: str = "libx264",
    sound: str | None = None,
    rate: int = 48_000,
    delay_s: tuple[float, float] = (0, 0),
    filters: str = "",
    size: str = "128:96",
    options: str = "",
) -> Path:
    """Write a clip with a flash and a beep at each full second.

    Args:
        sound: the encoder; by default one that goes with the container.
        delay_s: of the picture's and of the sound's timestamps.
        filters: of the picture, applied after the flashes are drawn.
        options: more of ffmpeg's output options.
    """
    fade = f"{_WHITE + 0.5}-{_WHITE - _DARK}*min(mod(T+1e-6,1)/{FADE_S},1)"
    flashes = (
        f"color=black:s=2x2:r={fps}:d={seconds},format=yuv420p,geq=lum='{fade}':cb=128:cr=128"
        f",scale={size}:flags=neighbor"
    )
    beeps = f"aevalsrc='0.5*sin(2*PI*1000*t)*lt(mod(t,1),0.05)':s={rate}:d={seconds}"
    inputs = [
        part
        for source, delay in zip((flashes, beeps), delay_s, strict=True)
        for part in ("-itsoffset", str(delay), "-f", "lavfi", "-i", source)
    ]
    coding = ["-c:v", picture, *_QUALITY.get(picture, "-q:v 2").split(), "-pix_fmt", "yuv420p"]
    coding += ["-g", "60", "-c:a", sound or _SOUND_CODECS.get(path.suffix, "aac"), "-threads", "1"]
    coding += ["-vf", filters] if filters else []
    return ffmpeg(path, *inputs, *coding, *options.split())


def ffmpeg(path: Path, *arguments: str) -> Path:
    """Run the ffmpeg that the pipeline uses; `path` is what it writes."""
    program = imageio_ffmpeg.get_ffmpeg_exe()
    command = [program, "-nostdin", "-v", "error", "-y", *arguments, "-bitexact", str(path)]
    subprocess.run(command, check=True)
    return path


def heard_s(media: Path) -> np.ndarray:
    """PTS in seconds at which each beep begins, as the speech stage hears it."""
    start_us = first_sound_us(media)
    assert start_us is not None
    pcm = np.concatenate(list(decode_pcm(media, RATE, start_us)))
    loud = np.flatnonzero(np.abs(pcm.astype(int)) > 5000)
    first = loud[np.flatnonzero(np.diff(loud, prepend=-RATE) > RATE // 5)]
    return start_us / 1e6 + first / RATE


def seen_s(media: Path, near_s: np.ndarray) -> np.ndarray:
    """PTS in seconds of the flash of each of the times, as the faces stage sees it.

    Not-a-number where no frame of the 0.8 s after the time was had.
    """
    spans = [(round(near * 1e6), round((near + FADE_S) * 1e6)) for near in near_s]
    found = np.full(len(spans), np.nan)
    for frame in decode_looks(media, spans, 1):
        luma = 16 + (float(frame.rgb.mean()) + 0.5) * 219 / 255
        age_s = (_WHITE - luma) / (_WHITE - _DARK) * FADE_S
        found[frame.segment] = frame.time_us / 1e6 - age_s
    return found
