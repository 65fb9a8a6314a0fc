"""GRID: 34 talkers who say 1,000 six-word sentences each.

Layout: `s1/bbaf2n.mpg`, `s1/video/mpg_6000/bbaf2n.mpg` or `video/s1/…`, sound alone in
`audio/s1/bbaf2n.wav`: a letter for each word of the sentence (command, colour, preposition, letter,
digit, adverb). Source: Cooke, Barker, Cunningham, Shao, "An audio-visual corpus for speech
perception and automatic speech recognition", JASA 2006; https://spandh.dcs.shef.ac.uk/gridcorpus/ .
"""

import re
from pathlib import Path

from voiceface.corpora.found import Found, Item, media_files, rows_of
from voiceface.corpora.tables import People
from voiceface.fetch.local import SOUND_TYPES

_TALKER = re.compile(r"s(\d{1,2})")
_SENTENCE = re.compile(r"[blps][bgrw][abiw][a-z][0-9z][anps]")


def find(top: Path, people: People) -> Found:
    """Of each sentence the video; where there is none (as of talker 21), its sound."""
    found = Found()
    takes: dict[tuple[str, str], Path] = {}
    for path in media_files(top):
        talkers = [part for part in path.absolute().parent.parts if _TALKER.fullmatch(part)]
        if not talkers or not _SENTENCE.fullmatch(path.stem):
            found.leave_out(path, "not a sentence of GRID in a folder of a talker (`s1`)")
            continue
        key = (talkers[-1], path.stem)
        if key not in takes or takes[key].suffix.lower() in SOUND_TYPES:
            takes[key] = path
    items = (Item(path, f"grid-{talker}", language="en") for (talker, _), path in takes.items())
    found.sources = rows_of(top, items)
    return found
