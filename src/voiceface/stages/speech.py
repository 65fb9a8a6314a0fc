"""Speech stage: the sound of one video → voiced segments of 4 s, their chunks, and the rest."""

import hashlib
import itertools
import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from voiceface.config import Speech
from voiceface.files import write_table, writing_media
from voiceface.media import audio
from voiceface.media.cepstra import Cepstra
from voiceface.media.container import first_time_us
from voiceface.media.cutting import Change, Cutter, shot_edges
from voiceface.media.fingerprint import content_prints, sound_marks
from voiceface.media.packets import picture_changes
from voiceface.media.second_voice import second_voice
from voiceface.media.silero import speech_probability
from voiceface.media.vad import VoicedFrames, segment_starts
from voiceface.media.voice_change import VoiceStream, voice_change
from voiceface.media.voice_print import voice_print
from voiceface.outcome import Outcome, check_media, read_outcome
from voiceface.sources import parse_clips
from voiceface.stages.shim import stage_main
from voiceface.tables import CHUNKS, SPEECH, TIMELINE

# Noise that only reaches into a segment's edge is heard with what is around it: the signal-to-noise
# ratio takes the worst whole second, of which 0.4 s within the segment then suffice.
_AROUND_S = 0.6
_ACROSS = 0.9  # what a segment across a change of the picture loses of its worth
_MAY_CHANGE = 0.4  # of `max_voice_change`: a gain from which on the voice may change


Clips = list[tuple[int, int]]
"""Start and end of each stretch to use, µs PTS; empty: all."""


@dataclass(frozen=True)
class Segment:
    """A voiced segment.

    Attributes:
        start_us: its start, µs PTS.
        pcm: int16 mono samples.
        voiced: voicing of each of its VAD frames (bool).
        around: the same sound with up to 0.6 s before and after it, of the same voice.
        cepstra: of its sound.
    """

    start_us: int
    pcm: np.ndarray
    voiced: np.ndarray
    around: np.ndarray
    cepstra: Cepstra


@dataclass
class Tally:
    """What the whole sound track held, beside its segments."""

    frames: int = 0
    voiced_frames: int = 0
    segment_voiced_frames: int = 0
    segments: int = 0


def run(
    config: Speech,
    video: str,
    media: Path,
    outcome: Path,
    output: Path,
    chunks: Path,
    timeline: Path,
    clips: str = "",
) -> None:
    """Cut the sound of a video into voiced segments.

    Args:
        clips: the stretches to use, as in sources.csv; empty: all.
    """
    record = read_outcome(outcome)
    check_media(media, record)
    tally = Tally()
    chunk_rows: list[dict[str, Any]] = []
    with writing_media(output, SPEECH) as add:
        stretches = parse_clips(clips)
        for segment in _segments(config, media, record, stretches, tally):
            row = _segment_row(config, video, segment)
            add(row)
            chunk_rows.extend(_chunk_rows(config, row, segment))
        write_table(chunks, pa.Table.from_pylist(chunk_rows, CHUNKS))
        begin_us = first_time_us(media) if clips and record.status == "ok" else 0
        stretches = [(start - begin_us, end - begin_us) for start, end in stretches]
        parts = _timeline(config, video, record, stretches, tally)
        write_table(timeline, pa.Table.from_pylist(parts, TIMELINE))


def _segments(
    config: Speech, media: Path, record: Outcome, clips: Clips, tally: Tally
) -> Iterator[Segment]:
    """The voiced segments in order; memory stays at a minute of sound."""
    start_us = audio.first_sound_us(media) if record.status == "ok" else None
    if start_us is None:
        return
    rate = config.sample_rate_hz
    vad = VoicedFrames(rate, config.vad_mode, config.vad_frame_ms)
    step, frame_s = vad.frame_samples, config.vad_frame_ms / 1000
    size = round(config.segment_s * rate)
    length, around = math.ceil(size / step), round(_AROUND_S / frame_s)
    voices = VoiceStream(rate, _MAY_CHANGE * config.max_voice_change)
    cutter = Cutter(length, frame_s)
    shots = _shots(media, start_us, length, frame_s)
    voiced = allowed = np.empty(0, bool)  # of the frames from `first` on
    pcm = np.empty(0, np.int16)
    first = 0  # frame where `voiced` and `pcm` begin
    for block in itertools.chain(audio.decode_pcm(media, rate, start_us), [None]):
        # At the end of the sound, part of a frame suffices if a segment's last one needs no more.
        flags = vad.finish(size - (length - 1) * step) if block is None else vad.feed(block)
        if len(flags):
            inside = _inside(clips, start_us, tally.frames, len(flags), config.vad_frame_ms)
            tally.voiced_frames += int((flags & inside).sum())
            voiced = np.concatenate([voiced, flags])
            allowed = np.concatenate([allowed, inside])
        if block is not None:
            tally.frames += len(flags)
            pcm = np.concatenate([pcm, block])
            voices.feed(block)
        else:
            voices.finish()
        starts = first + segment_starts(voiced, length, config.min_voiced, allowed)
        heard_changes = [
            Change(round(change.at_s / frame_s), _cost(change.gain, config.max_voice_change))
            for change in voices.changes()
        ]
        changes = sorted([*shots, *heard_changes])
        # What is around a segment must be there, too, until the end of the sound.
        until = first + len(voiced) - length - around if block is not None else math.inf
        for cut in cutter.cut(starts.tolist(), changes, min(until, voices.until_s / frame_s)):
            at = cut.start - first
            begin = int(max(0, at - around, cut.before - first))
            end = int(min(at + length + around, cut.after - first))
            tally.segments += 1
            tally.segment_voiced_frames += int(voiced[at : at + length].sum())
            yield Segment(
                start_us + cut.start * step * 1_000_000 // rate,
                pcm[at * step : at * step + size],
                voiced[at : at + length],
                pcm[begin * step : end * step],
                voices.cepstra(cut.start * frame_s, config.segment_s),
            )
        if len(starts) == 0 or starts[-1] < cutter.next:
            cutter.next = max(cutter.next, first + len(voiced) - length + 1)
        done = max(0, min(cutter.next - around - first, len(voiced)))
        voiced, allowed, pcm, first = (
            voiced[done:],
            allowed[done:],
            pcm[done * step :],
            first + done,
        )
        voices.forget((cutter.next - around) * frame_s)


def _shots(media: Path, start_us: int, length: int, frame_s: float) -> list[Change]:
    """Where the picture changes beside a shot that holds a segment."""
    frames = [round((time_us - start_us) / 1e6 / frame_s) for time_us in picture_changes(media)]
    return [Change(at, _ACROSS) for at in shot_edges(frames, length, frame_s)]


def _cost(gain: float, greatest: float) -> float:
    """Of a segment across a change of the voice: infinite where it surely is one."""
    return math.inf if gain > greatest else _ACROSS * gain / greatest


def _inside(clips: Clips, start_us: int, first: int, count: int, frame_ms: int) -> np.ndarray:
    """Which of `count` frames of the sound, from the `first` on, lie wholly in a clip (bool)."""
    if not clips:
        return np.ones(count, bool)
    begin = start_us + (first + np.arange(count)) * frame_ms * 1000
    inside = np.zeros(count, bool)
    for clip_start, clip_end in clips:
        inside |= (begin >= clip_start) & (begin + frame_ms * 1000 <= clip_end)
    return inside


def _segment_row(config: Speech, video: str, segment: Segment) -> dict[str, Any]:
    pcm, rate = segment.pcm, config.sample_rate_hz
    voiced = np.repeat(segment.voiced, rate * config.vad_frame_ms // 1000)[: len(pcm)]
    return {
        "video": video,
        "start_us": segment.start_us,
        "end_us": segment.start_us + round(config.segment_s * 1_000_000),
        "voiced": segment.voiced.mean(),
        "loudness_db": audio.quietest_db(pcm, voiced, rate),
        "clipped": audio.clipped_share(pcm, rate),
        "snr_db": audio.snr_db(segment.around, rate),
        "speech": speech_probability(pcm, rate),
        "second_voice": second_voice(pcm, rate),
        "voice_change": voice_change(segment.cepstra).gain,
        "voice_print": voice_print(segment.cepstra),
        "audio_sha256": hashlib.sha256(pcm.astype("<i2").tobytes()).hexdigest(),
        "audio_prints": content_prints(pcm),
        "audio_marks": sound_marks(pcm, rate),
        "audio": {"bytes": audio.to_flac(pcm, rate), "path": None},
    }


def _chunk_rows(config: Speech, row: dict[str, Any], segment: Segment) -> Iterator[dict[str, Any]]:
    frames = config.chunk_s * 1000 / config.vad_frame_ms
    for number in range(int(config.segment_s / config.chunk_s + 1e-6)):
        inside = segment.voiced[round(number * frames) : round((number + 1) * frames)]
        yield {
            "video": row["video"],
            "start_us": row["start_us"],
            "end_us": row["end_us"],
            "chunk": number,
            "chunk_start_us": row["start_us"] + round(number * config.chunk_s * 1_000_000),
            "chunk_voiced": inside.mean(),
        }


def _timeline(
    config: Speech, video: str, record: Outcome, clips: Clips, tally: Tally
) -> list[dict[str, Any]]:
    """Where the video's whole time went; the parts add up to its duration.

    Args:
        clips: counted from the video's start.
    """
    frame_us = config.vad_frame_ms * 1000
    in_segments = tally.segments * round(config.segment_s * 1_000_000)
    # Sound may run on after the picture, or the container may not know its length.
    total = max(record.duration_us or 0, tally.frames * frame_us, in_segments)
    used = sum(max(0, min(end, total) - max(start, 0)) for start, end in clips) if clips else total
    outside = min(total - used, total - in_segments)
    voiced_rest = (tally.voiced_frames - tally.segment_voiced_frames) * frame_us
    too_short = min(voiced_rest, total - in_segments - outside)
    times = {
        "segment": in_segments,
        "outside_clips": outside,
        "too_short": too_short,
        "no_speech": total - in_segments - outside - too_short,
    }
    return [
        {"video": video, "reason": reason, "duration_us": time}
        for reason, time in times.items()
        if time
    ]


if __name__ == "__main__":
    sys.exit(stage_main(run))
