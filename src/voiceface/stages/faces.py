"""Faces stage: the picture of one video → one good frame of each voiced segment, and its face."""

import hashlib
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa

from voiceface.config import Faces
from voiceface.files import read_table, write_table
from voiceface.media import faces
from voiceface.media.frames import Frame, decode_looks
from voiceface.outcome import read_outcome
from voiceface.stages.shim import stage_main
from voiceface.tables import FACES, SPEECH


def run(config: Faces, media: Path, outcome: Path, speech: Path, output: Path) -> None:
    """Find the face of each voiced segment of a video."""
    segments = read_table(speech, SPEECH, ["video", "start_us", "end_us"]).to_pylist()
    best: list[dict[str, Any] | None] = [None] * len(segments)
    counts = [0] * len(segments)
    if read_outcome(outcome).status == "ok":
        spans = [(segment["start_us"], segment["end_us"]) for segment in segments]
        for frame in decode_looks(media, spans, config.frames_per_segment, config.detect_width):
            found = faces.find_faces(frame.rgb, config.detect_width, config.upsample_on_miss)
            counts[frame.segment] = max(counts[frame.segment], len(found))
            if found:
                best[frame.segment] = _better(best[frame.segment], _look(config, frame, found[0]))
    rows = [
        segment | {"faces": count} | (_finish(config, face) if face else {})
        for segment, count, face in zip(segments, counts, best, strict=True)
    ]
    write_table(output, pa.Table.from_pylist(rows, FACES), media=True)


def _look(config: Faces, frame: Frame, face: faces.Face) -> dict[str, Any]:
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


def _better(one: dict[str, Any] | None, other: dict[str, Any]) -> dict[str, Any]:
    """The look that the detector is surer of: it scores sharp, lit, frontal faces higher."""
    return other if one is None or other["detector_score"] > one["detector_score"] else one


def _finish(config: Faces, look: dict[str, Any]) -> dict[str, Any]:
    """The row's columns of the chosen look; the costly descriptor is computed for it alone."""
    crop: np.ndarray = look["crop"]
    _, png = cv2.imencode(".png", cv2.cvtColor(crop, cv2.COLOR_RGB2BGR))
    chip = look["chip"]
    kept = {key: value for key, value in look.items() if key in FACES.names}
    return kept | {
        "landmarks": look["landmarks"].ravel(),
        "descriptor": None if chip is None else faces.describe_chip(chip),
        "face_sha256": hashlib.sha256(crop.tobytes()).hexdigest(),
        "face": {"bytes": png.tobytes(), "path": None},
    }


if __name__ == "__main__":
    sys.exit(stage_main(run))
