"""Makes small media files of every kind, with the ffmpeg that the pipeline uses."""

import subprocess
from pathlib import Path

import imageio_ffmpeg

_SOUND_CODECS = {
    ".webm": "libopus",
    ".ogg": "libopus",
    ".mpg": "mp2",
    ".wav": "pcm_s16le",
    ".flac": "flac",
    ".mp3": "libmp3lame",
}
_PICTURE = "testsrc=s=320x240:r=25:d={seconds}"
_SOUND = "sine=440:d={seconds}"


def make_media(
    path: Path,
    *,
    seconds: float = 2,
    picture: str | None = _PICTURE,
    sound: str | None = _SOUND,
    fps: str = "25",
    codec: str | None = None,
    pixels: str = "yuv420p",
    keyframe_every: int | None = None,
    rate: int | None = None,
    layout: str | None = None,
    sound_offset_s: float = 0,
    remux_of: Path | None = None,
    rotate: int | None = None,
) -> Path:
    """Write a media file from ffmpeg's generators (`picture`, `sound`: filter descriptions).

    With `remux_of`, copies the streams of that file instead, its display matrix set to `rotate`.

    Returns `path`.
    """
    if remux_of is not None:
        return _ffmpeg(path, ["-display_rotation", str(rotate), "-i", str(remux_of), "-c", "copy"])
    inputs: list[str] = []
    outputs: list[str] = []
    for source in (picture, sound):
        if source is not None:
            offset = ["-itsoffset", str(sound_offset_s)] if source is sound else []
            graph = source.format(seconds=seconds, fps=fps)
            inputs += [*offset, "-f", "lavfi", "-i", graph]
    if picture is not None:
        default = "libvpx-vp9" if path.suffix == ".webm" else "libx264"
        outputs += ["-c:v", codec or default, "-pix_fmt", pixels]
        outputs += ["-g", str(keyframe_every), "-keyint_min", "1"] if keyframe_every else []
    if sound is not None:
        outputs += ["-c:a", _SOUND_CODECS.get(path.suffix, "aac")]
        outputs += ["-ar", str(rate)] if rate else []
        outputs += ["-channel_layout", layout] if layout else []
    return _ffmpeg(path, [*inputs, *outputs, "-shortest" if sound_offset_s == 0 else "-y"])


def _ffmpeg(path: Path, arguments: list[str]) -> Path:
    program = imageio_ffmpeg.get_ffmpeg_exe()
    command = [program, "-nostdin", "-v", "error", "-y", *arguments, "-bitexact", str(path)]
    subprocess.run(command, check=True)
    return path
