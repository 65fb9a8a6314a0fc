"""The demo world, with the emotion of each passage, which its shipped list of sources leaves out.

Layout: `demo-01/demo-01-00.mp4`, `truth.parquet` and `traits.parquet`, as `voiceface demo-world`
draws them, see `voiceface.demo.truth`.
"""

from itertools import groupby
from pathlib import Path
from typing import Any

from voiceface.corpora.found import Found, source
from voiceface.corpora.tables import People
from voiceface.demo.truth import TRAITS, TRUTH
from voiceface.files import read_table

_GENDERS = {"f": "female", "m": "male"}


def find(top: Path, people: People) -> Found:
    """A row for each video."""
    found = Found()
    traits = {row["speaker"]: row for row in read_table(top / "traits.parquet", TRAITS).to_pylist()}
    rows = read_table(top / "truth.parquet", TRUTH).to_pylist()
    for (speaker, file), passages in groupby(rows, lambda row: (row["speaker"], row["file"])):
        about = {
            "gender": _GENDERS[traits[speaker]["gender"]],
            "language": traits[speaker]["language"],
            "emotion": _by_time(list(passages)),
            "licence": "CC0-1.0",
            "consent": "synthetic",
        }
        found.sources.append(source(top / file, speaker, **about))
    return found


def _by_time(passages: list[dict[str, Any]]) -> str:
    """Passages that follow each other → as in `happiness@0-12.5;sadness@12.5-20`."""
    told = []
    for emotion, group in groupby(passages, lambda row: row["emotion"]):
        stretch = list(group)
        start_us, end_us = stretch[0]["start_us"], stretch[-1]["end_us"]
        told.append(f"{emotion}@{start_us / 1e6:.6f}-{end_us / 1e6:.6f}")
    return ";".join(told)
