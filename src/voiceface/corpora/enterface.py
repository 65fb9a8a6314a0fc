"""eNTERFACE'05: 44 people who say English sentences in six emotions.

Layout: `subject 1/anger/sentence 1/s1_an_1.avi` (one subject has no folders for the sentences; many
copies have `-` or `_` for the space). Source: Martin, Kotsia, Macq, Pitas, "The eNTERFACE'05
Audio-Visual Emotion Database", ICDEW 2006; https://enterface.net/enterface05/ .
"""

import re
from pathlib import Path

from voiceface.corpora.found import Found, Item, media_files, rows_of
from voiceface.corpora.tables import People

_SUBJECT = re.compile(r"subject[ _-]?(\d{1,2})", re.IGNORECASE)
_EMOTIONS = ("anger", "disgust", "fear", "happiness", "sadness", "surprise")


def find(top: Path, people: People) -> Found:
    """The subject and the emotion are told by the folders: files are named in several ways."""
    found = Found()
    items = []
    for path in media_files(top):
        folders = path.absolute().parent.parts
        subjects = [match[1] for part in folders if (match := _SUBJECT.fullmatch(part))]
        emotions = [part.lower() for part in folders if part.lower() in _EMOTIONS]
        if subjects and emotions:
            speaker = f"enterface05-{int(subjects[-1]):02d}"
            items.append(Item(path, speaker, language="en", emotion=emotions[-1]))
        else:
            found.leave_out(path, "not in folders named as in `subject 1/anger`")
    found.sources = rows_of(top, items)
    return found
