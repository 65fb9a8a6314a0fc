"""The videos that are measured: those of a demo world, and others made of them."""

import subprocess
import sys
from pathlib import Path

import imageio_ffmpeg
from line import measured

FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()


def render(folder: Path, speakers: int, seconds: float, videos: int = 1) -> dict[str, list[Path]]:
    """A demo world of so many 720p30 videos per speaker; returns the files of each.

    What is there already of the same world is not rendered again.
    """
    command = ["demo-world", "--output", str(folder), "--speakers", str(speakers)]
    command += ["--videos", str(videos), "--seconds", str(seconds), "--seed", "1"]
    folder.mkdir(parents=True, exist_ok=True)
    measured([sys.executable, "-m", "voiceface", *command], folder)
    people = sorted(path for path in folder.iterdir() if path.name.startswith("demo-"))
    # The first files: some speakers have re-uploads beside them.
    numbers = range(1, videos + 1)
    return {
        path.name: [found for n in numbers for found in sorted(path.glob(f"*-{n:02d}.m*"))[:1]]
        for path in people
    }


def looped(source: Path, target: Path, times: int) -> Path:
    """The same video over and over, without encoding: picture and sound keep step."""
    copy = ["-i", str(source), "-c", "copy"]
    return _made(["-stream_loop", str(times - 1), *copy], target)


def cut(source: Path, target: Path, seconds: float, start_s: float = 0) -> Path:
    """Some seconds of a video, without encoding: from the keyframe before the start on."""
    place = ["-ss", str(start_s)] if start_s else []
    return _made([*place, "-i", str(source), "-t", str(seconds), "-c", "copy"], target)


def scaled(source: Path, target: Path, height: int, seconds: float) -> Path:
    """The first seconds of a video, 16:9 at another height."""
    picture = ["-vf", f"scale=-2:{height}", "-c:v", "libx264", "-preset", "veryfast", "-g", "60"]
    return _made(["-i", str(source), "-t", str(seconds), *picture, "-c:a", "copy"], target)


def length_s(media: Path) -> float:
    """Length as the container states it."""
    import av

    with av.open(str(media)) as container:
        return (container.duration or 0) / 1e6


def full_decode(media: Path) -> list[str]:
    """The command that decodes a whole file, picture and sound, on one thread."""
    quiet = ["-v", "error", "-nostdin", "-threads", "1"]
    return [FFMPEG, *quiet, "-i", str(media), "-f", "null", "-"]


def _made(arguments: list[str], target: Path) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    command = [FFMPEG, "-v", "error", "-nostdin", "-y", *arguments, str(target)]
    subprocess.run(command, check=True)
    return target
