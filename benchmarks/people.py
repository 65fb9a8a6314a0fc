"""Wrong labels, made of a built world by relabelling its videos: nothing is rendered or decoded."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from voiceface.config import Gather
from voiceface.sources import Video, write_videos
from voiceface.stages import gather

_GROUP = 6  # speakers that one set of the three cases takes; people of one gender are two apart


@dataclass
class Cases:
    """A world with wrong labels, and what there is to be found in it."""

    videos: list[Video]
    alien: dict[str, str] = field(default_factory=dict)
    """Video that is somebody else's all through → the label that it got."""
    split: set[frozenset[str]] = field(default_factory=set)
    """Pairs of labels that are one person."""
    merged: set[str] = field(default_factory=set)
    """Labels that hide two people who have as many videos each."""


def mislabelled(videos: Sequence[Video]) -> Cases:
    """Of every six speakers: a stranger's video under the first, one person as two labels, two
    people under one label."""
    by_speaker: dict[str, list[Video]] = defaultdict(list)
    for video in sorted(videos, key=lambda video: video.location):
        by_speaker[video.speaker].append(video)
    names, cases = sorted(by_speaker), Cases([])
    labels = {video.video: video.speaker for video in videos}
    for start in range(0, len(names) - _GROUP + 1, _GROUP):
        host, twin, stranger, one, _, other = names[start : start + _GROUP]
        alien = by_speaker[stranger][-1].video
        labels[alien] = cases.alien[alien] = host
        again = f"{twin}-again"
        labels |= {by_speaker[twin][0].video: again}
        cases.split.add(frozenset((twin, again)))
        labels |= {video.video: one for video in by_speaker[other]}
        cases.merged.add(one)
    cases.videos = [replace(video, speaker=labels[video.video]) for video in videos]
    return cases


def find_wrong_labels(config: Gather, cases: Cases, good: set[str]) -> dict[str, Any]:
    """Run the gather stage on the wrong labels, and count what it says.

    Args:
        good: the samples that are clean in truth, but for the labels.
    """
    folder = Path("mislabelled")
    folder.mkdir(exist_ok=True)
    write_videos(folder / "videos.csv", cases.videos)
    gathered, found = folder / "gathered.parquet", folder / "people.parquet"
    gather.run(
        config,
        videos=folder / "videos.csv",
        downloads=Path("download"),
        timelines=Path("timeline"),
        samples=Path("samples"),
        output=gathered,
        outside=folder / "outside.parquet",
        people=found,
    )
    samples = pq.read_table(gathered, columns=["sample", "video", "flags"])
    rows = [row for row in samples.to_pylist() if row["sample"] in good]
    strange = [row for row in rows if row["video"] in cases.alien]
    told = sum("wrong_person" in row["flags"] for row in strange)
    others = [row for row in rows if row["video"] not in cases.alien]
    hosts = set(cases.alien.values())
    apart = {video.video for video in cases.videos if video.speaker in cases.merged}
    wrongly = [
        row for row in others if row["video"] not in apart and "wrong_person" in row["flags"]
    ]
    findings = pq.read_table(found).to_pylist()
    pairs = {frozenset((f["speaker"], f["other"])) for f in findings if f["kind"] == "same_person"}
    several = {f["speaker"] for f in findings if f["kind"] == "several_people"}
    return {
        "strangers_video": _counts(len(strange), told, len(wrongly)),
        "one_person_two_labels": _counts(
            len(cases.split), len(pairs & cases.split), len(pairs - cases.split)
        ),
        # A stranger's whole video may be reported as a second person, too.
        "two_people_one_label": _counts(
            len(cases.merged), len(several & cases.merged), len(several - cases.merged - hosts)
        ),
    }


def _counts(there: int, found: int, wrong: int) -> dict[str, int]:
    return {"there": there, "found": found, "found_wrongly": wrong}
