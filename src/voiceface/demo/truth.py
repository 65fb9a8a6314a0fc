"""What is really in a demo video, stretch by stretch.

Only tests and benchmarks read this; of the emotions, `voiceface import-corpus demo-world` too.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow as pa

Row = dict[str, Any]


def _column(name: str, kind: pa.DataType, about: str) -> pa.Field:
    return pa.field(name, kind, nullable=False, metadata={"about": about})


TRUTH = pa.schema(
    [
        _column("speaker", pa.string(), "whose channel it is, as in demo-01"),
        _column("file", pa.string(), "path of the video, relative to the world's folder"),
        _column("start_us", pa.int64(), "start of the stretch, µs of the file's PTS"),
        _column("end_us", pa.int64(), "end of the stretch, µs PTS; the next one starts here"),
        _column(
            "trouble", pa.string(), "the planted trouble (script.TROUBLES or jingle), or empty"
        ),
        _column("face", pa.string(), "main, turned, none, two (main and another) or guest"),
        _column("voice", pa.string(), "main, guest, both (at the same time) or none"),
        _column("speaking", pa.bool_(), "that voice speaks, with natural pauses under 0.5 s"),
        _column("music", pa.bool_(), "music is heard"),
        _column("noise", pa.bool_(), "loud noise is heard"),
        _column("clipped", pa.bool_(), "the sound is cut at full scale"),
        _column("blurred", pa.bool_(), "the picture is out of focus"),
        _column("dark", pa.bool_(), "the picture is nearly black"),
        _column("frozen", pa.bool_(), "the picture stands still while the sound goes on"),
        _column("dubbed", pa.bool_(), "the main face is shown, and its mouth does not say this"),
        _column("occluded", pa.bool_(), "something is before mouth and nose"),
        _column("overexposed", pa.bool_(), "the picture is washed out"),
        _column("cut_off", pa.bool_(), "the face is partly out of the picture"),
        _column("small", pa.bool_(), "the face is less than about 40 pixels high"),
        _column("quiet", pa.bool_(), "the speech is nearly inaudible"),
        _column("emotion", pa.string(), "of the main speaker, see voice.EMOTIONS"),
        _column("repeats", pa.string(), "the file of which this is a re-upload, or empty"),
        _column("repeats_us", pa.int64(), "where this stretch begins there, µs; 0 without one"),
    ]
)
"""`truth.parquet`: the rows of a file follow each other and cover its whole duration."""

TRAITS = pa.schema(
    [
        _column("speaker", pa.string(), "as in truth.parquet"),
        _column("gender", pa.string(), "f or m"),
        _column("language", pa.string(), "en or es"),
        _column("masculine", pa.float64(), "0 to 1, shared by voice and face"),
        _column("length", pa.float64(), "0 to 1: low voice, long face"),
        _column("size", pa.float64(), "0 to 1: low formants, wide head"),
        _column("age", pa.float64(), "0 to 1: slow speech, grey hair, lines"),
        _column("timbre", pa.int64(), "voice variant, and colour and style of the hair"),
        _column("pitch_hz", pa.float64(), "usual pitch of the voice, Hz"),
        _column("words_per_minute", pa.float64(), "usual rate of speech"),
        _column("tract", pa.float64(), "length of the vocal tract, 1 is espeak-ng's own"),
        _column("hair_style", pa.string(), "see hair.py"),
        _column("glasses", pa.int64(), "0 is none"),
        _column("beard", pa.int64(), "0 is none"),
        _column("hair", pa.string(), "colour, #rrggbb"),
        _column("skin", pa.string(), "colour, #rrggbb"),
        _column("eyes", pa.string(), "colour, #rrggbb"),
    ]
)
"""`traits.parquet`: one row per speaker."""

_EDGE_US = 100_000
_FOUL_SHARE = 0.05  # 0.2 s of a segment of 4 s
_SPEAKING_SHARE = 0.7


_SPOILS_PICTURE = (
    "blurred", "dark", "frozen", "dubbed", "occluded", "overexposed", "cut_off", "small",
)  # fmt: skip
_SPOILS_SOUND = ("music", "noise", "clipped")


def picture_is_good(row: Row) -> bool:
    """The main speaker's face alone: frontal, sharp, lit, whole, near, moving with the voice."""
    return row["face"] == "main" and not any(row[name] for name in _SPOILS_PICTURE)


def sound_is_foul(row: Row) -> bool:
    """Music, noise, clipping, or someone else's voice."""
    return row["voice"] in ("guest", "both") or any(row[name] for name in _SPOILS_SOUND)


def main_is_heard(row: Row) -> bool:
    """The main speaker speaks, and not so low that it is as good as a pause."""
    return bool(row["voice"] == "main" and row["speaking"] and not row["quiet"])


def is_clean(rows: Sequence[Row], frame_us: int, start_us: int, end_us: int) -> bool:
    """Whether a sample of one file is truly good: its frame and its stretch of sound.

    A re-upload is as good as what it repeats: which of the two is kept is the builder's choice,
    so repeats are measured apart.

    Args:
        rows: the truth of that file.
        frame_us: PTS of the frame; within 0.1 s of a good picture counts as good.
        start_us, end_us: the segment; at most 5 % of it may be foul, and in at least 70 % of it
            the main speaker must be speaking.
    """
    near = _within(rows, frame_us - _EDGE_US, frame_us + _EDGE_US + 1)
    if not any(picture_is_good(row) for row, _ in near):
        return False
    heard = _within(rows, start_us, end_us)
    foul = sum(us for row, us in heard if sound_is_foul(row))
    spoken = sum(us for row, us in heard if main_is_heard(row))
    length = end_us - start_us
    return foul <= _FOUL_SHARE * length and spoken >= _SPEAKING_SHARE * length


def clean_stretches(rows: Iterable[Row], min_us: int) -> list[tuple[int, int]]:
    """The longest stretches of one file in which picture and sound are good all the time.

    Returns: (start_us, end_us) of those of at least `min_us`, in order.
    """
    found: list[tuple[int, int]] = []
    for row in sorted(rows, key=lambda row: int(row["start_us"])):
        if not (picture_is_good(row) and main_is_heard(row)) or sound_is_foul(row):
            continue
        if found and found[-1][1] == row["start_us"]:
            found[-1] = (found[-1][0], row["end_us"])
        else:
            found.append((row["start_us"], row["end_us"]))
    return [(start, end) for start, end in found if end - start >= min_us]


def _within(rows: Iterable[Row], start_us: int, end_us: int) -> list[tuple[Row, int]]:
    """The rows that overlap a stretch of time, each with the overlap in µs."""
    shares = [(r, min(r["end_us"], end_us) - max(r["start_us"], start_us)) for r in rows]
    return [(row, us) for row, us in shares if us > 0]
