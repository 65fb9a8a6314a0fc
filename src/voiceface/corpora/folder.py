"""Any tree of `speaker/clip.mp4`: a folder for each person, with videos, sound or pictures."""

import os
from pathlib import Path

from voiceface.corpora.found import MEDIA_TYPES, Found, label, source
from voiceface.corpora.tables import People
from voiceface.errors import VoicefaceError
from voiceface.fetch.local import PICTURE_TYPES


def find(top: Path, people: People) -> Found:
    """A row for each folder of `top`, labelled by its name."""
    found = Found()
    owners: dict[str, Path] = {}
    for path in sorted(top.iterdir()):
        if path.name.startswith("."):
            continue
        if not path.is_dir():
            if path.name.lower().endswith((*MEDIA_TYPES, *PICTURE_TYPES)):
                found.leave_out(path, "not in a folder of a person")
            continue
        if not _has_media(path):
            found.leave_out(path, "neither video, sound nor picture in it")
            continue
        speaker = label(path.name)
        first = owners.setdefault(speaker.lower(), path)
        if not speaker or first != path:
            other = f"{first} and {path}: both would be {speaker!r}" if speaker else f"{path}"
            raise VoicefaceError(f"{other}: rename it with letters or digits")
        found.sources.append(source(path, speaker))
    return found


def _has_media(folder: Path) -> bool:
    endings = (*MEDIA_TYPES, *PICTURE_TYPES)
    return any(name.lower().endswith(endings) for _, _, names in os.walk(folder) for name in names)
