"""RAVDESS: 24 actors who say two sentences in eight emotions.

Layout: `Actor_12/02-01-06-01-02-01-12.mp4`, also .wav: modality (01 picture and sound, 02 picture,
03 sound), channel (01 speech, 02 song), emotion, intensity, statement, repetition, actor; actors
with odd numbers are men. Source: Livingstone, Russo, "The Ryerson Audio-Visual Database of
Emotional Speech and Song", PLoS ONE 2018; https://zenodo.org/records/1188976 (CC BY-NC-SA 4.0).
"""

import re
from pathlib import Path

from voiceface.corpora.found import Found, Item, media_files, rows_of
from voiceface.corpora.tables import People

_NAME = re.compile(r"(0[123])-((0[12])-(0[1-8])-(0[12])-(0[12])-(0[12])-(\d\d))")
_EMOTIONS = {
    "01": "neutral",
    "02": "calm",
    "03": "happiness",
    "04": "sadness",
    "05": "anger",
    "06": "fear",
    "07": "disgust",
    "08": "surprise",
}
_WHOLE = "01"


def find(top: Path, people: People) -> Found:
    """Speech without song; where a take is there with picture and sound, not its other forms."""
    found = Found()
    takes: dict[str, list[tuple[Path, re.Match[str]]]] = {}
    for path in media_files(top):
        match = _NAME.fullmatch(path.stem)
        if match is None:
            found.leave_out(path, "not a name of RAVDESS")
        elif match[3] == "02":
            found.leave_out(path, "song")
        else:
            takes.setdefault(match[2], []).append((path, match))
    items = []
    for forms in takes.values():
        whole = [form for form in forms if form[1][1] == _WHOLE]
        items += [_item(path, match) for path, match in whole or forms]
    found.sources = rows_of(top, items)
    return found


def _item(path: Path, match: re.Match[str]) -> Item:
    actor = match[8]
    return Item(
        path,
        speaker=f"ravdess-{actor}",
        gender="male" if int(actor) % 2 else "female",
        language="en",
        licence="CC BY-NC-SA 4.0",
        emotion=_EMOTIONS[match[4]],
    )
