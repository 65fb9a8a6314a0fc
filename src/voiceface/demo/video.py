"""One demo video: filmed, encoded, and its truth written. Runs in a process of its own.

espeak-ng keeps state for its whole process; a fresh process for each video makes the result
independent of what was rendered before.
"""

import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa

from voiceface.codehash import code_digest
from voiceface.demo.camera import Camera
from voiceface.demo.encoder import CLOCK_HZ, encode, frame_ticks
from voiceface.demo.reupload import copy_part, moved
from voiceface.demo.script import Stretch, deck, write_script
from voiceface.demo.traits import guest_traits, speaker_name, speaker_traits
from voiceface.demo.truth import TRUTH
from voiceface.files import read_table, replacing, write_table

_RATES = (Fraction(25), Fraction(30000, 1001), Fraction(30), Fraction(60), None)  # None: variable
REUPLOADED_S = (3.7, 23.7)
"""From when to when a re-upload repeats a video."""
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
    repeats: int | None = None
    """The speaker's video, from 0, of which this is a re-upload of a part; None is a new one."""

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


def render_video(
    folder: Path,
    job: Job,
    progress: Callable[[float], None] | None = None,
    digest: str | None = None,
) -> None:
    """Render one video and its truth into `folder`.

    Args:
        digest: of the job, where it is known already.
        progress: is told the share that is done, about once per second of video.
    """
    truth_path(folder, job).unlink(missing_ok=True)
    if job.repeats is not None:
        rows = _render_reupload(folder, job, replace(job, video=job.repeats, repeats=None))
    else:
        rows = _render_new(folder, job, progress)
    table = pa.Table.from_pylist(rows, schema=TRUTH)
    table = table.replace_schema_metadata({"job": digest or job.digest()})
    write_table(truth_path(folder, job), table)


def _render_new(
    folder: Path, job: Job, progress: Callable[[float], None] | None
) -> list[dict[str, Any]]:
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
    camera = Camera(person, guest, script, ticks / CLOCK_HZ, seed)
    path = folder / job.file
    with replacing(path) as temporary:
        kind = path.suffix[1:]
        encode(temporary, kind, job.frames_per_s, ticks, camera.frame, script.mix, progress)
    return [_row(stretch, person.speaker, job.file) for stretch in script.stretches]


def _render_reupload(folder: Path, job: Job, source: Job) -> list[dict[str, Any]]:
    start_s, end_s = REUPLOADED_S[0], min(REUPLOADED_S[1], job.seconds)
    rows = read_table(truth_path(folder, source), TRUTH).to_pylist()
    path = folder / job.file
    with replacing(path) as temporary:
        copy_part(folder / source.file, temporary, path.suffix[1:], start_s, end_s)
    return moved(rows, job.file, start_s, end_s)


def _row(stretch: Stretch, speaker: str, file: str) -> dict[str, Any]:
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
        "frozen": trouble in ("frozen", "photo"),
        "dubbed": trouble in ("dubbed", "listening"),
        "occluded": trouble == "occluded",
        "overexposed": trouble == "overexposed",
        "cut_off": trouble == "cut_off",
        "small": trouble == "small",
        "quiet": trouble == "quiet",
        "emotion": stretch.emotion,
        "repeats": "",
        "repeats_us": 0,
    }


def _tell(share: float) -> None:
    print(f"{PROGRESS}{share:.3f}", flush=True)


def _main() -> int:
    folder, job, *digest = sys.argv[1:]
    render_video(Path(folder), Job(**json.loads(job)), _tell, digest[0] if digest else None)
    return 0


if __name__ == "__main__":
    sys.exit(_main())
