"""The tables of people that come with corpora: VoxCeleb's, VGGFace2's, CREMA-D's.

Layouts: `vox1_meta.csv`, tabs, `VoxCeleb1 ID, VGGFace1 ID, Gender, Nationality, Set`, and
`vox2_meta.csv`, commas with spaces, `VoxCeleb2 ID ,VGGFace2 ID ,Gender ,Set`, both from
https://www.robots.ox.ac.uk/~vgg/data/voxceleb/ ; `identity_meta.csv`, commas with spaces,
`Class_ID, Name, Sample_Num, Flag, Gender`, from https://www.robots.ox.ac.uk/~vgg/data/vgg_face2/ ;
`VideoDemographics.csv`, `ActorID, Age, Sex, Race, Ethnicity`, from
https://github.com/CheyneyComputerScience/CREMA-D .
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from voiceface.errors import VoicefaceError

TABLES = ("vox1_meta.csv", "vox2_meta.csv", "identity_meta.csv", "VideoDemographics.csv")
"""Names by which the tables are found beside a corpus."""

_GENDERS = {"m": "male", "male": "male", "f": "female", "female": "female"}
# By the first column's name: the columns of the other corpus' name (VGGFace) and of the gender.
_LAYOUTS = {
    "voxceleb1 id": ("vggface1 id", "gender"),
    "voxceleb2 id": ("vggface2 id", "gender"),
    "class_id": (None, "gender"),
    "actorid": (None, "sex"),
}


@dataclass
class People:
    """What the tables say of people."""

    gender: dict[str, str] = field(default_factory=dict)
    """by the corpus' own name of a person: female, male, or empty"""
    voxceleb: dict[str, str] = field(default_factory=dict)
    """VoxCeleb's name of a person by VGGFace's or VGGFace2's"""


def read_people(top: Path, named: Sequence[Path]) -> People:
    """Read the tables that are `named`, and those that lie in `top` or in the folder above it.

    Raises:
        VoicefaceError: a named table is missing, or is none of those known.
    """
    beside = [folder / name for folder in (top, top.parent) for name in TABLES]
    people = People()
    for path in [*(path for path in beside if path.is_file()), *named]:
        _read(path, people)
    return people


def _read(path: Path, people: People) -> None:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise VoicefaceError(f"{path}: not UTF-8; save it as such") from None
    first = text.split("\n", 1)[0]
    delimiter = "\t" if "\t" in first else ","
    rows = csv.reader(text.splitlines(), delimiter=delimiter, skipinitialspace=True)
    cells = [[cell.strip() for cell in row] for row in rows if any(row)]
    header = [name.lower() for name in cells[0]] if cells else [""]
    layout = _LAYOUTS.get(header[0])
    if layout is None or layout[1] not in header:
        raise VoicefaceError(f"{path}: not a table of people that is known; see docs/sources.md")
    other, gender = layout
    for row in cells[1:]:
        if len(row) != len(header):
            continue  # an empty or broken line says nothing of anybody
        values = dict(zip(header, row, strict=True))
        people.gender[row[0]] = _GENDERS.get(values[gender].lower(), "")
        if other:
            people.voxceleb[values[other].rstrip(".")] = row[0]
