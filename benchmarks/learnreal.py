"""Packed splits of real people: a few minutes of video, and the sample released with Wav2Pix.

Neither may be passed on, nor anything that was trained on them: figures alone leave this.
"""

from pathlib import Path

import av
import cv2
import numpy as np
import pyarrow as pa
import soundfile
from clips import cut, length_s
from learnworld import PACKED_HZ, SEGMENT_S, described, write_split
from line import run_line

from voiceface.config import Faces
from voiceface.tables import PACKED

PEOPLE = ("videos", "videos-train")
"""Folders of people with videos of theirs below the shared one."""
NOBODY = "mixed"
"""A folder of several people."""
SAMPLE = "wav2pix-sample"


def pack_videos(folder: Path, shared: Path) -> Path:
    """The packed splits of the people's videos, made by the dataset stages.

    Most have one video, so each is cut in the middle: one half is to test on, of the same day and
    room. That is easier than another video would be.
    """
    videos: dict[str, list[Path]] = {}
    for person in sorted(path for name in PEOPLE for path in (shared / name).iterdir()):
        for media in sorted(person.glob("*.mp4")) if person.name != NOBODY else ():
            parts = ((0.0, middle_s := _middle_s(media)), (middle_s, length_s(media)))
            videos.setdefault(person.name, []).extend(
                cut(
                    media, folder / "parts" / f"{media.stem}-{number}.mp4", end_s - start_s, start_s
                )
                for number, (start_s, end_s) in enumerate(parts)
                if end_s > start_s
            )
    run_line(folder / "project", videos)
    return folder / "project" / "data" / "packed"


def _middle_s(media: Path) -> float:
    """Where a video can be cut in two: at the last keyframe before its middle."""
    with av.open(str(media)) as container:
        container.seek(round(length_s(media) / 2 * 1e6))
        packet = next(container.demux(video=0))
        return float((packet.pts or 0) * packet.time_base)


def pack_sample(folder: Path, shared: Path) -> Path:
    """The packed splits of Wav2Pix's sample as they were released, without unseen speakers.

    The test clips share sound with training clips, and the faces are alike: what is reached there
    is no unheard speech. A clip of a second is said four times over.
    """
    sample = shared / SAMPLE
    names = sorted(path.name for path in (sample / "train").iterdir())
    for split in ("train", "test", "unseen"):
        clips = sorted((sample / split).glob("*/preprocessed_frame_*.wav"))
        size = Faces().size
        faces = np.zeros((len(clips), size, size, 3), np.uint8)
        audio = np.zeros((len(clips), SEGMENT_S * PACKED_HZ), np.int16)
        rows = []
        for number, clip in enumerate(clips):
            frame = clip.stem.removeprefix("preprocessed_")
            # Red and blue are swapped in its files, and in what OpenCV gives.
            face = cv2.imread(str(clip.with_name(f"cropped_face_{frame}.png")))
            faces[number] = cv2.resize(face, (size, size), interpolation=cv2.INTER_AREA)
            audio[number] = np.resize(soundfile.read(clip, dtype="int16")[0], audio.shape[1])
            place = f"{clip.parent.name}-{frame}"
            about = {"speaker": clip.parent.name, "gender": "", "emotion": ""}
            rows.append({"sample": place, "video": place, "face_video": place, **about})
        table = pa.Table.from_pylist(rows, PACKED)
        write_split(folder / split, faces, audio, described(faces), table, names)
    return folder
