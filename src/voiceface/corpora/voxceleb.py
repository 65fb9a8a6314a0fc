"""VoxCeleb1 and VoxCeleb2: utterances of celebrities, cut from YouTube.

Layout: `wav/id10001/<ytid>/00001.wav` (VoxCeleb1), `aac/id00012/<ytid>/00001.m4a` and
`mp4/id00012/<ytid>/00001.mp4` (VoxCeleb2), below `dev` and `test` as they are unpacked; people in
`vox1_meta.csv` and `vox2_meta.csv`. Sources: Nagrani, Chung, Zisserman, "VoxCeleb", Interspeech
2017; Chung, Nagrani, Zisserman, "VoxCeleb2", Interspeech 2018;
https://www.robots.ox.ac.uk/~vgg/data/voxceleb/ .
"""

from pathlib import Path

from voiceface.corpora.found import Found, folders_named, source
from voiceface.corpora.tables import People


def find(top: Path, people: People) -> Found:
    """A row for each person's folder in each tree: a million files are not looked at one by one."""
    found = Found()
    trees: dict[str, list[Path]] = {}
    for folder, match in folders_named(top, r"id\d{5}"):
        speaker = match.group()
        gender = people.gender.get(speaker, "")
        found.sources.append(source(folder, speaker, gender=gender))
        trees.setdefault(speaker, []).append(folder)
    for speaker, folders in trees.items():
        if len({folder.parent.name for folder in folders}) > 1:
            names = " and ".join(map(str, folders))
            found.note("two_trees", speaker, f"{names}: the same speech twice; import one tree")
    return found
