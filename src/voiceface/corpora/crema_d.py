"""CREMA-D: 91 actors who say twelve sentences in six emotions.

Layout: `VideoFlash/1001_DFA_ANG_XX.flv`, `AudioWAV/1001_DFA_ANG_XX.wav`: actor, sentence, emotion,
level; actors in `VideoDemographics.csv`. Source: Cao et al., "CREMA-D: Crowd-sourced Emotional
Multimodal Actors Dataset", IEEE Transactions on Affective Computing 2014;
https://github.com/CheyneyComputerScience/CREMA-D (Open Database License).
"""

import re
from pathlib import Path

from voiceface.corpora.found import Found, Item, media_files, rows_of
from voiceface.corpora.tables import People
from voiceface.fetch.local import SOUND_TYPES

_NAME = re.compile(r"(1\d{3})_([A-Z]{3})_(ANG|DIS|FEA|HAP|NEU|SAD)_(LO|MD|HI|XX?)")
_EMOTIONS = {
    "ANG": "anger",
    "DIS": "disgust",
    "FEA": "fear",
    "HAP": "happiness",
    "NEU": "neutral",
    "SAD": "sadness",
}


def find(top: Path, people: People) -> Found:
    """Of each take the video; where there is none, its sound."""
    found = Found()
    takes: dict[str, Path] = {}
    for path in media_files(top):
        if not _NAME.fullmatch(path.stem):
            found.leave_out(path, "not a name of CREMA-D")
        elif path.stem not in takes or takes[path.stem].suffix.lower() in SOUND_TYPES:
            takes[path.stem] = path
    found.sources = rows_of(top, (_item(path, people) for path in takes.values()))
    return found


def _item(path: Path, people: People) -> Item:
    match = _NAME.fullmatch(path.stem)
    assert match
    return Item(
        path,
        speaker=f"crema-d-{match[1]}",
        gender=people.gender.get(match[1], ""),
        language="en",
        licence="ODbL 1.0",
        emotion=_EMOTIONS[match[3]],
    )
