"""VGGFace and VGGFace2: pictures of celebrities, a folder for each.

Layout: VGGFace `<Name>/<picture>.jpg`, or as VoxCeleb1's faces,
`unzippedFaces/<Name>/1.6/<ytid>/…`; VGGFace2 `train/n000002/0001_01.jpg`, `test/n000001/…`, people
in `identity_meta.csv`. With VoxCeleb's tables a person has the label that VoxCeleb gives, so that
faces and voices meet. Sources: Parkhi, Vedaldi, Zisserman, "Deep Face Recognition", BMVC 2015; Cao
et al., "VGGFace2", FG 2018; https://www.robots.ox.ac.uk/~vgg/data/vgg_face2/ ; joined as by Wen,
Singh, Raj, "Face Reconstruction from Voice using Generative Adversarial Networks", NeurIPS 2019.
"""

import os
from pathlib import Path

from voiceface.corpora.found import Found, folders_named, label, source
from voiceface.corpora.tables import People
from voiceface.errors import VoicefaceError
from voiceface.fetch.local import PICTURE_TYPES


def find(top: Path, people: People) -> Found:
    """VGGFace: a row for each folder of `top` that is a person's."""
    faces = top / "unzippedFaces"
    top = faces if faces.is_dir() else top
    found = Found()
    owners: dict[str, Path] = {}
    for folder in sorted(path for path in top.iterdir() if path.is_dir()):
        if not folder.name.startswith(".") and _has_pictures(folder):
            _add(found, folder, people, owners)
    return found


def find_2(top: Path, people: People) -> Found:
    """VGGFace2: a row for each folder named as in n000002."""
    found = Found()
    owners: dict[str, Path] = {}
    for folder, _ in folders_named(top, r"n\d{6}"):
        _add(found, folder, people, owners)
    return found


def _add(found: Found, folder: Path, people: People, owners: dict[str, Path]) -> None:
    name = folder.absolute().name
    speaker = people.voxceleb.get(name.rstrip("."), "")
    gender = people.gender.get(speaker, "") or people.gender.get(name, "")
    speaker = speaker or label(name)
    first = owners.setdefault(speaker.lower(), folder)
    if first != folder:
        raise VoicefaceError(f"{first} and {folder}: both would be {speaker!r}; rename one")
    found.sources.append(source(folder, speaker, gender=gender))


def _has_pictures(folder: Path) -> bool:
    return any(
        name.lower().endswith(PICTURE_TYPES) for _, _, names in os.walk(folder) for name in names
    )
