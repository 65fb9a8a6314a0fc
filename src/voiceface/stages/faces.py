"""Faces stage: the picture of one video → one good frame of each voiced segment, and its face."""

import hashlib
import itertools
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from voiceface.config import Faces
from voiceface.files import read_table, writing_media
from voiceface.media import faces
from voiceface.media.frames import Frame, decode_looks
from voiceface.outcome import check_media, read_outcome
from voiceface.stages.shim import stage_main
from voiceface.tables import FACES, SPEECH

_ALIKE = 0.8  # correlation of two aligned crops above which they are surely one person's

Look = dict[str, Any]


def run(config: Faces, media: Path, outcome: Path, speech: Path, output: Path) -> None:
    """Find the face of each voiced segment of a video."""
    record = read_outcome(outcome)
    check_media(media, record)
    rows = read_table(speech, SPEECH, ["video", "start_us", "end_us"]).to_pylist()
    for row in rows:
        row |= {"faces": 0, "face_number": 0}
    if record.status == "ok":
        spans = [(row["start_us"], row["end_us"]) for row in rows]
        frames = decode_looks(media, spans, config.frames_per_segment, config.detect_width)
        # They come in the order of their times, so a segment is done when the next one begins.
        for number, own in itertools.groupby(frames, key=lambda frame: frame.segment):
            rows[number] |= _face_of(config, own)
    with writing_media(output, FACES) as add:
        for row in rows:
            add(row)


def _face_of(config: Faces, frames: Iterable[Frame]) -> dict[str, Any]:
    """The columns of a segment's row: how many faces there are, and the best one."""
    most = 0
    looks = []
    for frame in frames:
        found = faces.find_faces(frame.rgb, config.detect_width, config.upsample_on_miss)
        most = max(most, len(found))
        if found:
            looks.append(_look(config, frame, found[0]))
    return {"faces": most} | (_finish(config, looks) if looks else {})


def _look(config: Faces, frame: Frame, face: faces.Face) -> Look:
    landmarks = faces.find_landmarks(frame.rgb, face)
    crop, in_crop = faces.align(frame.rgb, landmarks, config.size, config.margin)
    height, width = frame.rgb.shape[:2]
    yaw, pitch, roll = faces.head_pose(landmarks, width, height)
    return {
        "frame_us": frame.time_us,
        "face_px": face.height,
        "detector_score": face.score,
        "sharpness": faces.sharpness(crop),
        "brightness": faces.brightness(crop),
        "yaw_deg": yaw,
        "pitch_deg": pitch,
        "roll_deg": roll,
        "motion": frame.motion,
        "landmarks": in_crop,
        "crop": crop,
        "chip": faces.descriptor_chip(frame.rgb, landmarks) if config.descriptor else None,
    }


def _finish(config: Faces, looks: list[Look]) -> Look:
    """The row's columns of the best look, with how far the segment's other faces are from it.

    The best is the one that the detector is surest of: it scores sharp, lit, frontal faces higher.
    """
    best = max(looks, key=lambda look: look["detector_score"])
    crop: np.ndarray = best["crop"]
    _, png = cv2.imencode(".png", cv2.cvtColor(crop, cv2.COLOR_RGB2BGR))
    descriptor = faces.describe_chip(best["chip"]) if config.descriptor else None
    kept = {key: value for key, value in best.items() if key in FACES.names}
    return kept | {
        "landmarks": best["landmarks"].ravel(),
        "descriptor": descriptor,
        "face_change": None if descriptor is None else _face_change(descriptor, best, looks),
        "face_sha256": hashlib.sha256(crop.tobytes()).hexdigest(),
        "face": {"bytes": png.tobytes(), "path": None},
    }


def _face_change(descriptor: np.ndarray, best: Look, looks: list[Look]) -> float:
    """Descriptor distance to the look that is least like the best; 0 where all are alike.

    The descriptor is the stage's largest cost, so it is computed for the least alike crop only, and
    only if that could be another person.
    """
    alike = [faces.likeness(best["crop"], look["crop"]) for look in looks]
    if min(alike) >= _ALIKE:
        return 0.0
    other = looks[int(np.argmin(alike))]
    return float(np.linalg.norm(descriptor - faces.describe_chip(other["chip"])))


if __name__ == "__main__":
    sys.exit(stage_main(run))
