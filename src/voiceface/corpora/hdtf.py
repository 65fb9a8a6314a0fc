"""HDTF: talking heads in high definition, from YouTube.

Layout: `RD_video_url.txt` with `Radio11 https://www.youtube.com/watch?v=…` and
`RD_annotion_time.txt` with `Radio11.mp4 00:30-01:00 01:30-02:30`; also `WDA_` and `WRA_`, where the
names are those of people (`RandPaul0`, `RandPaul1`). Source: Zhang, Li, Ding, Fan, "Flow-guided
One-shot Talking Face Generation with a High-resolution Audio-visual Dataset", CVPR 2021;
https://github.com/MRzzm/HDTF .
"""

import re
from pathlib import Path

from voiceface.corpora.found import Found, label, source
from voiceface.corpora.tables import People
from voiceface.errors import VoicefaceError

_TIME = re.compile(r"(?:(\d+):)?(\d+):(\d\d)")
_UNNAMED = "RD"  # videos of radio hosts under numbers


def find(top: Path, people: People) -> Found:
    """A row for each video, with its clips. `top` is the folder with the lists."""
    found = Found()
    lists = sorted(top.glob("*_video_url.txt"))
    if not lists:
        raise VoicefaceError(f"{top}: no *_video_url.txt there")
    taken: dict[str, str] = {}
    for path in lists:
        kind = path.name.removesuffix("_video_url.txt")
        times = _read(path.with_name(f"{kind}_annotion_time.txt"))
        for name, (url, *_) in _read(path).items():
            url = re.sub(r"&t=\d+s?$", "", url)  # where a player is to start
            clips = [clip for text in times.get(name, []) if (clip := _clip(text))]
            if not clips:
                found.leave_out(f"{kind}/{name}", f"no stretch of it in {kind}_annotion_time.txt")
            elif url in taken:
                found.leave_out(f"{kind}/{name}", f"the same video as {taken[url]}")
            else:
                taken[url] = f"{kind}/{name}"
                person = name if kind == _UNNAMED else re.sub(r"\d+$", "", name)
                row = source(url, label(f"hdtf-{person}"), language="en", clips=";".join(clips))
                found.sources.append(row)
    return found


def _read(path: Path) -> dict[str, list[str]]:
    """Lines of a name and what follows it, by the name without its ending."""
    words = [line.split() for line in path.read_text(encoding="utf-8").splitlines()]
    return {line[0].removesuffix(".mp4"): line[1:] for line in words if len(line) > 1}


def _clip(text: str) -> str:
    """`00:30-01:00` in seconds, as in a list of sources; empty when it is none."""
    match = re.fullmatch(rf"{_TIME.pattern}-{_TIME.pattern}", text)
    if match is None:
        return ""
    parts = [int(part or 0) for part in match.groups()]
    start, end = (3600 * h + 60 * m + s for h, m, s in (parts[:3], parts[3:]))
    return f"{start}-{end}" if start < end else ""
