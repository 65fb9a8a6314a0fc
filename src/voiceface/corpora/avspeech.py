"""AVSpeech: 290,000 YouTube videos in which one visible person speaks at a time.

Layout: `avspeech_train.csv`, `avspeech_test.csv` without a header: `ytid,start,end,x,y`, in seconds
and in shares of the frame (the face's middle at the start). Source: Ephrat et al., "Looking to
Listen at the Cocktail Party", SIGGRAPH 2018; https://looking-to-listen.github.io/avspeech/ .

The place goes with the clip, so that of several faces the right one is taken. Identities are not
told, so the label is the video's; clips of two people of one video come out as one person, whose
faces the gather stage then compares.
"""

import csv
import re
from pathlib import Path

from voiceface.corpora.found import Found, source
from voiceface.corpora.tables import People
from voiceface.errors import VoicefaceError

WATCH = "https://www.youtube.com/watch?v="
_ID = re.compile(r"[A-Za-z0-9_-]{11}")


def find(top: Path, people: People) -> Found:
    """A row for each video, with its clips. `top` is one of the lists, or the folder with them."""
    found = Found()
    clips: dict[str, list[str]] = {}
    lists = [top] if top.is_file() else sorted(top.glob("avspeech_*.csv"))
    if not lists:
        raise VoicefaceError(f"{top}: no avspeech_train.csv or avspeech_test.csv there")
    for path in lists:
        with open(path, encoding="utf-8", newline="") as rows:
            for line, cells in enumerate(csv.reader(rows), 1):
                try:
                    video, start, end, x, y = cells[0], *map(float, cells[1:5])
                    if not _ID.fullmatch(video) or not 0 <= start < end < 1e6:
                        raise ValueError
                except (ValueError, IndexError):
                    found.leave_out(f"{path}:{line}", "not `ytid,start,end,x,y`")
                    continue
                clips.setdefault(video, []).append(_clip(start, end, x, y))
    for video, stretches in clips.items():
        joined = ";".join(stretches)
        found.sources.append(source(f"{WATCH}{video}", f"avspeech-{video}", clips=joined))
    return found


def _clip(start: float, end: float, x: float, y: float) -> str:
    clip = f"{seconds(start)}-{seconds(end)}"
    inside = 0 <= x <= 1 and 0 <= y <= 1
    return f"{clip}@{seconds(x)}x{seconds(y)}" if inside else clip


def seconds(value: float) -> str:
    """Seconds or shares as they stand in a list of sources: 12.5, 20."""
    return f"{value:.6f}".rstrip("0").rstrip(".")
