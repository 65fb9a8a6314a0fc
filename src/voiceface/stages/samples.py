"""Samples stage: segment × face = sample, with its id, its content and what speaks against it."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from voiceface.config import Samples
from voiceface.errors import VoicefaceError
from voiceface.files import read_table, write_table
from voiceface.ids import content_digest, sample_id
from voiceface.media.voice_print import voice_distances
from voiceface.stages.shim import stage_main
from voiceface.tables import FACES, REASONS, SAMPLES, SOUND_REASONS, SPEECH

_STILL_LIP_SYNC = 0.5  # agreement up to which a mouth that hardly moves counts as shut
_SURELY_SHUT = 0.75  # of the least motion; a mouth that moves less is shut whatever the agreement
_WEAK_LIP_SYNC = 0.5  # a video's usual agreement from which on a third of the least one is asked
_LEAST_ROWS = 4  # of a video, to tell what is usual in it
_NEAR_VOICE = 1.2  # distance up to which a voice is the usual one, whatever the mouth does
_FAIR_LIP_SYNC = 0.5  # agreement at which a voice may be as far as `max_voice_distance` says


def run(config: Samples, speech: Path, faces: Path, output: Path) -> None:
    """Join the segments of a video with their faces and flag them by the thresholds.

    Raises:
        VoicefaceError: a table is missing or damaged, or the two are not of the same segments.
    """
    segments = read_table(speech, SPEECH, [n for n in SPEECH.names if n != "audio"]).to_pylist()
    found = read_table(faces, FACES, [n for n in FACES.names if n in SAMPLES.names]).to_pylist()
    of_start = {segment["start_us"]: segment for segment in segments}
    if not segments:
        # What has no sound has its faces alone, which the manifest stage joins with sound.
        of_start = {face["start_us"]: dict.fromkeys(SPEECH.names) for face in found}
    if of_start.keys() != {face["start_us"] for face in found}:
        raise VoicefaceError(f"{faces}: not of the segments in {speech}; delete it and build again")
    rows = []
    for face in found:
        row = of_start[face["start_us"]] | face
        row["sample"] = sample_id(row["video"], row["start_us"], row["face_number"])
        if row["face_sha256"] and row["audio_sha256"]:
            row["content"] = content_digest(row["face_sha256"], row["audio_sha256"])
        rows.append(row)
    _add_voice_distances(config, rows)
    least = least_talk(config, rows)
    for row in rows:
        row["flags"] = flags(config, row, least)
    write_table(output, pa.Table.from_pylist(rows, SAMPLES))


def _add_voice_distances(config: Samples, rows: list[dict[str, Any]]) -> None:
    """Tell each voice against those of the good samples, or of good sounds if these are few."""
    for row in rows:
        row["voice_distance"] = None
    heard = [row for row in rows if row["voice_print"] is not None]
    against = [set(flags(config, row, Least())) for row in heard]
    for bad in (set(REASONS), SOUND_REASONS):
        usual = np.array([not found & bad for found in against], bool)
        if usual.sum() >= _LEAST_ROWS:
            distances = voice_distances(np.stack([row["voice_print"] for row in heard]), usual)
            for row, distance in zip(heard, distances, strict=True):
                row["voice_distance"] = float(distance)
            return


@dataclass(frozen=True)
class Least:
    """What the mouth must at least do in one video; None where there is no telling.

    Attributes:
        lip_sync: agreement with the sound, -1 to 1.
        mouth_motion: see `media.mouth`.
    """

    lip_sync: float | None = None
    mouth_motion: float | None = None


def least_talk(config: Samples, rows: list[dict[str, Any]]) -> Least:
    """What is out of the usual for the mouth of this video's speaker.

    How well mouth and sound agree depends on the speaker and on the size of the face; where they
    never agree well, nothing is told by a segment in which they do not.

    Args:
        rows: of one video, named as in `tables.SAMPLES`; what else is wrong with them is left out.
    """
    good = [r for r in rows if r["face_number"] == 0 and not flags(config, r, Least())]
    known = np.array([r["lip_sync"] for r in good if r["lip_sync"] is not None])
    moved = [r["mouth_motion"] for r in good if r["mouth_motion"] is not None]
    if config.min_lip_sync is None or len(known) < _LEAST_ROWS:
        return Least()
    motion = config.min_mouth_share * float(np.median(moved))
    usual = float(np.median(known))
    if usual < _WEAK_LIP_SYNC:
        return Least(mouth_motion=motion)
    weak = config.min_lip_sync / 3
    if usual < config.usual_lip_sync:
        return Least(weak, motion)
    spread = 1.4826 * float(np.median(np.abs(known - usual)))
    return Least(max(weak, min(config.min_lip_sync, usual - 3 * spread)), motion)


def flags(config: Samples, row: dict[str, Any], least: Least) -> list[str]:
    """Every reason against a sample, in the order of `tables.REASONS`.

    Args:
        row: the scores, named as in `tables.SAMPLES`.
        least: of this video.
    """
    other, most = row["other_mouth_motion"], config.max_other_mouth * (row["mouth_motion"] or 0)
    against = {
        "several_faces": row["faces"] > config.max_faces,
        "other_talks": other is not None and other > most,
        "no_face": row["face_sha256"] is None,
    }
    if row["snr_db"] is not None:
        against |= {
            "not_speech": row["speech"] < config.min_speech,
            "noise_or_music": row["snr_db"] < config.min_snr_db,
            "second_voice": row["second_voice"] > config.max_second_voice,
            "voice_changes": row["voice_change"] > config.max_voice_change,
            "other_voice": _is_other_voice(config, row, least),
            "quiet": row["loudness_db"] < config.min_loudness_db,
            "clipped": row["clipped"] > config.max_clipped,
        }
    if row["face_sha256"] is not None:
        against |= {
            "face_changes": (row["face_change"] or 0) > config.max_face_change,
            "small_face": row["face_px"] < config.min_face_px,
            "uncertain_face": row["detector_score"] < config.min_detector_score,
            "turned": abs(row["yaw_deg"]) > config.max_yaw_deg
            or abs(row["pitch_deg"]) > config.max_pitch_deg
            or abs(row["roll_deg"]) > config.max_roll_deg,
            "cut_off": (row["outside"] or 0) > config.max_outside,
            "occluded": (row["occlusion"] or 0) > config.max_occlusion,
            "dark": row["brightness"] < config.min_brightness,
            "overexposed": row["brightness"] > config.max_brightness,
            "blurred": row["sharpness"] < config.min_sharpness,
            "still_picture": row["motion"] is not None and row["motion"] < config.min_motion,
            "dubbed": _is_dubbed(row, least),
        }
    return [reason for reason in REASONS if against.get(reason)]


def _is_other_voice(config: Samples, row: dict[str, Any], least: Least) -> bool:
    """Another voice than is usual in the video, as far as the mouth is no reason to think so.

    A person who is moved speaks in another voice, but the mouth goes with it; where it does not, a
    voice that is only somewhat unlike is somebody else's.
    """
    greatest, lip_sync = config.max_voice_distance, row["lip_sync"]
    if greatest is None or row["voice_distance"] is None:
        return False
    if least.lip_sync is not None and lip_sync is not None:
        share = (max(lip_sync, 0.0) / _FAIR_LIP_SYNC) ** 2
        near = min(_NEAR_VOICE, greatest)
        greatest = near + (greatest - near) * share
    return bool(row["voice_distance"] > greatest)


def _is_dubbed(row: dict[str, Any], least: Least) -> bool:
    lip_sync, mouth_motion = row["lip_sync"], row["mouth_motion"]
    if lip_sync is None or mouth_motion is None:
        return False
    distance = row["voice_distance"]
    # A few frames of a mouth are no proof against a voice that is the usual one.
    usual = distance is not None and distance < _NEAR_VOICE
    if least.lip_sync is not None and lip_sync < least.lip_sync and not usual:
        return True
    if least.mouth_motion is None:
        return False
    # A mouth that is shut moves a little, and that may agree with anything.
    if mouth_motion < _SURELY_SHUT * least.mouth_motion:
        return True
    return mouth_motion < least.mouth_motion and lip_sync < _STILL_LIP_SYNC


if __name__ == "__main__":
    sys.exit(stage_main(run))
