"""Faces stage: the picture of one video → good frames of each voiced segment, and their faces."""

import hashlib
import io
import itertools
import sys
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow.parquet as pq

from voiceface.config import Faces
from voiceface.files import read_table, writing_media
from voiceface.media import faces, mouth, quality
from voiceface.media.container import first_time_us
from voiceface.media.descriptor import describe
from voiceface.media.frames import Frame, decode_looks
from voiceface.media.pictures import STEP_US, picture_frames, picture_times
from voiceface.media.voice_print import voice_distances
from voiceface.media.watch import Finding, Place, Sight, Watcher
from voiceface.outcome import Outcome, check_media, read_outcome
from voiceface.sources import face_places, parse_clips
from voiceface.stages.shim import stage_main
from voiceface.tables import FACES, SPEECH

_ALIKE = 0.8  # correlation of two aligned faces above which they are surely one person's
_WEIGHT = 50  # of the faces seen before, at most, in the main person's mean descriptor

_SILENT_US = 4_000_000  # of a video without sound, for each of which there is a face
_SHORT_US = 400_000  # a shorter video may have no frame where looks are: its first one is taken
_EARLY_US = 100_000  # looks keep that far from a segment's start

# Of a mouth, more frames are seen where the voice is no usual one (see `media.voice_print`): there
# they have to tell whose it is.
_USUAL_VOICE, _UNUSUAL_VOICE = 0.8, 1.3
_SURE_FRAMES = 20

_SHARPNESS_PX = 128  # size of the crop whose sharpness is given, whatever the stored one's

Row = dict[str, Any]


def run(
    config: Faces, media: Path, outcome: Path, speech: Path, output: Path, clips: str = ""
) -> None:
    """Find the faces of each voiced segment of a video.

    Of what has no sound, those of each picture, or of each 4 s: they go with other sound of the
    same person.

    Args:
        clips: as in sources.csv: where the face is, and which stretches of a video without sound
            to use; empty: all.
    """
    record = read_outcome(outcome)
    check_media(media, record)
    segments = read_table(speech, SPEECH, ["video", "start_us", "end_us", "voice_print"])
    voices = _voice_distances(segments.column("voice_print").to_pylist())
    rows = segments.drop_columns("voice_print").to_pylist()
    sounds = _sounds(speech)
    early = 0
    if record.video_codec and not record.audio_codec:
        early = _EARLY_US if (record.duration_us or 0) < _SHORT_US else 0
        rows = _rows_without_sound(record, media, clips)
        sounds, voices = itertools.repeat(b"", len(rows)), [0.0] * len(rows)
    ready = rows if record.status == "ok" else []
    spans = [(row["start_us"] - early, row["end_us"]) for row in ready]
    person = _Person()
    watcher = Watcher(
        detect_width=config.detect_width,
        upsample_on_miss=config.upsample_on_miss,
        keep=config.per_segment,
        choose=person.choose,
        place=partial(_place, face_places(clips)),
    )
    talk = _Talk(watcher)
    frames = (
        picture_frames(media)
        if record.pictures
        else decode_looks(media, spans, config.frames_per_segment, talk.unclear)
    )
    # They come in the order of their times, so a segment is done when the next one begins.
    seen = itertools.groupby(frames, key=lambda frame: frame.segment)
    of_segment, own = next(seen, (-1, iter(())))
    with writing_media(output, FACES) as add:
        for number, (row, flac) in enumerate(zip(rows, sounds, strict=True)):
            finding = Finding()
            if of_segment == number:
                talk.begin(row["start_us"], flac, voices[number])
                finding = watcher.segment(own)
                of_segment, own = next(seen, (-1, iter(())))
            for face in _face_rows(config, finding, person, talk):
                if record.pictures:
                    face["occlusion"] = None  # each has a light and a pose of its own
                add(row | face)


def _place(places: list[tuple[int, int, float, float]], time_us: int) -> Place | None:
    """Where the face is by the clip that began last."""
    return next(((x, y) for start, end, x, y in places[::-1] if start <= time_us < end), None)


def _rows_without_sound(record: Outcome, media: Path, clips: str) -> list[Row]:
    if record.pictures:
        starts, step = picture_times(media), STEP_US
    else:
        step = _SILENT_US
        begin = first_time_us(media)
        end = begin + max(record.duration_us or 0, step)
        stretches = parse_clips(clips) or [(begin, end)]
        starts = [
            at
            for first, last in stretches
            for at in range(max(first, begin), min(last, end) - step + 1, step)
        ]
    return [{"video": record.video, "start_us": at, "end_us": at + step} for at in starts]


def _sounds(speech: Path) -> Iterator[bytes]:
    """The segments' sound as FLAC, a row group at a time."""
    with open(speech, "rb") as source, pq.ParquetFile(source, pre_buffer=False) as table:
        for group in range(table.num_row_groups):
            for sound in table.read_row_group(group, ["audio.bytes"])["audio"].to_pylist():
                yield sound["bytes"]


def _voice_distances(prints: list[list[float]]) -> list[float]:
    """How far the voice of each of a video's segments is from that of most of them."""
    if not prints:
        return []
    return voice_distances(np.array(prints), np.ones(len(prints), bool)).tolist()


def _face_rows(config: Faces, finding: Finding, person: "_Person", talk: "_Talk") -> Iterator[Row]:
    """The columns of each face of a segment; of a segment without face: of none."""
    if not finding.best:
        yield {"faces": finding.faces, "face_number": 0}
        return
    shared = {
        "faces": finding.faces,
        "motion": finding.motion,
        "mouth_motion": mouth.mouth_motion(finding.mouth.openings),
        "lip_sync": talk.lip_sync(),
        "other_mouth_motion": max(
            (moved for other in finding.others if (moved := mouth.mouth_motion(other.openings))),
            default=None,
        ),
    }
    for number, sight in enumerate(finding.best):
        face, chip = _face(config, sight)
        face["occlusion"] = person.look.occlusion(sight.thumb)
        if config.descriptor:
            face |= _described(chip, sight, finding.looks)
            if number == 0 and finding.faces == 1:
                person.add(face["descriptor"])
        if number == 0 and finding.faces == 1:
            person.look.add(sight.thumb)
        yield shared | face | {"face_number": number}


def _face(config: Faces, sight: Sight) -> tuple[Row, np.ndarray]:
    """The columns of one face, and its chip for the descriptor, from the frame's full pixels."""
    rgb = sight.frame.rgb
    height, width = rgb.shape[:2]
    landmarks = sight.landmarks
    crop, in_crop = faces.align(rgb, landmarks, config.size, config.margin)
    yaw, pitch, roll = faces.head_pose(landmarks, width, height)
    _, png = cv2.imencode(".png", cv2.cvtColor(crop, cv2.COLOR_RGB2BGR))
    row = {
        "frame_us": sight.frame.time_us,
        "face_px": faces.face_height(landmarks),
        "detector_score": sight.face.score,
        "sharpness": quality.sharpness(_resized(crop)),
        "brightness": quality.brightness(crop),
        "yaw_deg": yaw,
        "pitch_deg": pitch,
        "roll_deg": roll,
        "frame_score": sight.score,
        "outside": faces.outside_share(landmarks, width, height, config.margin),
        "landmarks": in_crop.ravel(),
        "face_sha256": hashlib.sha256(crop.tobytes()).hexdigest(),
        "face_print": quality.face_print(crop),
        "face": {"bytes": png.tobytes(), "path": None},
    }
    return row, faces.descriptor_chip(rgb, landmarks) if config.descriptor else crop


def _resized(crop: np.ndarray) -> np.ndarray:
    """The crop at the size whose sharpness is given: one least sharpness holds for all sizes."""
    if len(crop) == _SHARPNESS_PX:
        return crop
    how = cv2.INTER_AREA if len(crop) > _SHARPNESS_PX else cv2.INTER_LINEAR
    return cv2.resize(crop, (_SHARPNESS_PX, _SHARPNESS_PX), interpolation=how)


def _described(chip: np.ndarray, sight: Sight, looks: Iterable[Sight]) -> Row:
    """The descriptor, and its distance to the look that is farthest from it; 0 where all are alike.

    A descriptor costs as much as a look, so it is computed only for looks that could be another
    person; of all these, for the least alike may be the same person behind a hand.
    """
    others = [look for look in looks if quality.likeness(sight.thumb, look.thumb) < _ALIKE]
    chips = [faces.descriptor_chip(look.frame.rgb, look.landmarks) for look in others]
    descriptors = describe(np.stack([chip, *chips]))
    changes = np.linalg.norm(descriptors - descriptors[0], axis=1)
    return {"descriptor": descriptors[0], "face_change": float(changes.max())}


class _Talk:
    """Whether the main face's mouth goes with the sound, as far as a segment has been looked at."""

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher
        self._start_us = 0
        self._flac = b""
        self._voice = 0.0
        self._sound: mouth.Sound | None = None
        self._known: tuple[int, float | None] = (0, None)

    def begin(self, start_us: int, flac: bytes, voice: float) -> None:
        """Begin a segment with its sound, whose voice is so far from the usual one."""
        self._voice = voice
        self._start_us, self._flac, self._sound, self._known = start_us, flac, None, (0, None)

    def unclear(self) -> bool:
        """Whether more frames may tell: the fewer there are, the better must both agree."""
        finding = self._watcher.finding
        seen = len(finding.mouth.times_us)
        if not seen or finding.faces != 1:
            return False
        agreement = self.lip_sync()
        if agreement is not None and self._voice < _USUAL_VOICE:
            return False
        if self._voice > _UNUSUAL_VOICE and seen < _SURE_FRAMES:
            return True
        return agreement is None or agreement < 0.4 + 0.2 * max(0, 28 - seen) / 20

    def lip_sync(self) -> float | None:
        """See `mouth.lip_sync`; None while too few frames have been seen."""
        import soundfile

        seen = self._watcher.finding.mouth
        if len(seen.times_us) < mouth.LEAST_FRAMES or not self._flac:
            return None
        if self._sound is None:
            self._sound = mouth.Sound(*soundfile.read(io.BytesIO(self._flac), dtype="int16"))
        if self._known[0] != len(seen.times_us):
            times_s = (np.array(seen.times_us) - self._start_us) / 1_000_000
            agreement = mouth.lip_sync(seen.openings, times_s, self._sound)
            self._known = len(times_s), agreement
        return self._known[1]


class _Person:
    """Who the main person of the video is: the mean of the descriptors of faces that were alone."""

    def __init__(self) -> None:
        self.look = quality.UsualFace()
        self._mean: np.ndarray | None = None
        self._count = 0

    def add(self, descriptor: np.ndarray) -> None:
        """Take in the descriptor of a face that was alone in its segment."""
        self._count = min(self._count + 1, _WEIGHT)
        mean = descriptor if self._mean is None else self._mean
        self._mean = mean + (descriptor - mean) / self._count

    def choose(self, frame: Frame, landmarks: list[np.ndarray]) -> int | None:
        """The face that is nearest to the main person; None where that is not known."""
        if self._mean is None:
            return None
        rgb = frame.rgb
        chips = np.stack([faces.descriptor_chip(rgb, own) for own in landmarks])
        return int(np.argmin(np.linalg.norm(describe(chips) - self._mean, axis=1)))


if __name__ == "__main__":
    sys.exit(stage_main(run))
