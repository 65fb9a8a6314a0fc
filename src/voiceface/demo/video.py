"""One demo video: filmed, encoded, and its truth written. Runs in a process of its own.

espeak-ng keeps state for its whole process; a fresh process for each video makes the result
independent of what was rendered before.
"""

import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from voiceface.codehash import code_digest
from voiceface.demo.camera import Camera
from voiceface.demo.script import RATE_HZ, Stretch, deck, write_script
from voiceface.demo.traits import guest_traits, speaker_name, speaker_traits
from voiceface.demo.truth import TRUTH
from voiceface.files import replacing, write_table

_CLOCK_HZ = 90_000  # of the video's PTS: whole ticks for every rate below
_RATES = (Fraction(25), Fraction(30000, 1001), Fraction(30), Fraction(60), None)  # None: variable
_KEYFRAME_S = 2
PROGRESS = "progress "
"""What a line on standard output begins with that tells the share done; others are problems."""


@dataclass(frozen=True)
class Job:
    """Everything that a video depends on."""

    speaker: int
    """From 0."""
    video: int
    """From 0."""
    seconds: float
    seed: int
    troubles: list[str] | None = None
    """Instead of the video's own."""
    clean_s: float = 7.0
    """Least length of the clean passages between them; 0 leaves them out."""

    @property
    def name(self) -> str:
        """As in demo-01-02."""
        return f"{speaker_name(self.speaker)}-{self.video + 1:02d}"

    @property
    def file(self) -> str:
        """Path within the world's folder."""
        ending = "mkv" if (self.speaker + self.video) % 2 else "mp4"
        return f"{speaker_name(self.speaker)}/{self.name}.{ending}"

    @property
    def frames_per_s(self) -> Fraction | None:
        """None is a variable rate."""
        return _RATES[(self.speaker + 3 * self.video) % len(_RATES)]

    def digest(self) -> str:
        """Changes when the video would."""
        return json.dumps(asdict(self), sort_keys=True) + code_digest("voiceface.demo.video")


def truth_path(folder: Path, job: Job) -> Path:
    """Where the truth of one video is kept; it is written last, so it says the video is whole."""
    return folder / "truth" / f"{job.name}.parquet"


def render_video(folder: Path, job: Job, progress: Callable[[float], None] | None = None) -> None:
    """Render one video and its truth into `folder`.

    Args:
        progress: is told the share that is done, about once per second of video.
    """
    cv2.setNumThreads(1)
    seed = [job.seed, job.speaker, job.video]
    rng = np.random.default_rng(seed)
    person = speaker_traits(job.speaker, job.seed)
    guest = guest_traits(int(rng.integers(0, 6)), job.seed, person)
    troubles = job.troubles or deck(job.speaker, job.video, job.seed)
    jingle = not job.troubles and job.seconds > 20 and (job.speaker + job.video) % 3 == 0
    script = write_script(
        person, guest, job.seconds, troubles, seed, jingle=jingle, clean_s=job.clean_s
    )
    ticks = frame_ticks(job.frames_per_s, job.seconds, rng)
    camera = Camera(person, guest, script, ticks / _CLOCK_HZ, seed)
    truth_path(folder, job).unlink(missing_ok=True)
    path = folder / job.file
    with replacing(path) as temporary:
        kind = path.suffix[1:]
        encode(temporary, kind, job.frames_per_s, ticks, camera.frame, script.mix, progress)
    rows = [_row(stretch, person.speaker, job.file) for stretch in script.stretches]
    table = pa.Table.from_pylist(rows, schema=TRUTH)
    write_table(truth_path(folder, job), table.replace_schema_metadata({"job": job.digest()}))


def frame_ticks(
    rate: Fraction | None, seconds: float, rng: np.random.Generator
) -> npt.NDArray[np.int64]:
    """PTS of all frames in ticks of 1/90000 s; without a rate as uneven as from a webcam."""
    if rate is not None:
        count = int(np.ceil(seconds * rate - 1e-6))
        return np.arange(count) * int(_CLOCK_HZ / rate)
    gaps = rng.choice([3000, 3000, 3600, 4500, 6030, 9000], int(seconds * 30) + 1)
    ticks = np.concatenate([[0], np.cumsum(gaps)])
    return ticks[ticks < seconds * _CLOCK_HZ]


def encode(
    path: Path,
    container: str,
    rate: Fraction | None,
    ticks: npt.NDArray[np.int64],
    frame_of: Callable[[int], npt.NDArray[np.uint8]],
    sound: npt.NDArray[np.float32],
    progress: Callable[[float], None] | None = None,
) -> None:
    """Write H.264 and AAC, the same bytes for the same input.

    Args:
        container: mp4 or mkv.
        rate: frames per second, for the file's header; None is variable.
        ticks: PTS of the frames.
        frame_of: gives frame i as I420, (1080, 1280) uint8; asked in order.
        sound: mono, RATE_HZ.
    """
    sound_hz = 44100 if container == "mp4" else 48000
    frames_per_s = rate or Fraction(30)
    sound = _resampled(sound, sound_hz)
    name = {"mp4": "mp4", "mkv": "matroska"}[container]
    with av.open(str(path), "w", format=name, options={"fflags": "+bitexact"}) as out:
        video, audio = _streams(out, container, frames_per_s, sound_hz)
        written = 0
        for number, tick in enumerate(ticks.tolist()):
            frame = av.VideoFrame.from_ndarray(frame_of(number), format="yuv420p")
            frame.pts, frame.time_base = tick, Fraction(1, _CLOCK_HZ)
            out.mux(video.encode(frame))
            if tick >= (written + sound_hz) * _CLOCK_HZ // sound_hz:
                # A second of sound at a time, so that the streams interleave.
                out.mux(_sound_packets(audio, sound, written, sound_hz))
                written += sound_hz
                if progress:
                    progress(number / len(ticks))
        out.mux(_sound_packets(audio, sound, written, len(sound)))
        out.mux(video.encode(None))
        out.mux(audio.encode(None))


def _streams(
    out: av.container.OutputContainer, container: str, frames_per_s: Fraction, sound_hz: int
) -> tuple[av.VideoStream, av.AudioStream]:
    video = out.add_stream("libx264", rate=frames_per_s)
    video.width, video.height, video.pix_fmt = 1280, 720, "yuv420p"
    # Both kinds are found in the wild: with B-frames, whose order is not that of their times.
    bframes = "2" if container == "mkv" else "0"
    video.options = {"preset": "superfast", "crf": "23", "bf": bframes}
    video.codec_context.time_base = Fraction(1, _CLOCK_HZ)
    video.codec_context.gop_size = round(frames_per_s * _KEYFRAME_S)
    video.codec_context.thread_count = 1  # more threads would make other bytes
    video.codec_context.flags |= av.codec.context.Flags.bitexact
    audio = out.add_stream("aac", rate=sound_hz, layout="mono")
    audio.codec_context.flags |= av.codec.context.Flags.bitexact
    return video, audio


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


def _row(stretch: Stretch, speaker: str, file: str) -> dict[str, object]:
    trouble = stretch.trouble
    return {
        "speaker": speaker,
        "file": file,
        "start_us": round(stretch.start_s * 1e6),
        "end_us": round(stretch.end_s * 1e6),
        "trouble": trouble,
        "face": stretch.face,
        "voice": stretch.voice,
        "speaking": stretch.voice != "none",
        "music": trouble in ("music", "music_only", "jingle"),
        "noise": trouble == "noise",
        "clipped": trouble == "clipping",
        "blurred": trouble == "blur",
        "dark": trouble == "dark",
        "frozen": trouble == "frozen",
        "emotion": stretch.emotion,
    }


def _tell(share: float) -> None:
    print(f"{PROGRESS}{share:.3f}", flush=True)


def _main() -> int:
    folder, job = sys.argv[1:]
    render_video(Path(folder), Job(**json.loads(job)), _tell)
    return 0


if __name__ == "__main__":
    sys.exit(_main())
