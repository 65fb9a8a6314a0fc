"""Precision and recall of the clean flag, against what the demo world really planted.

    python benchmarks/clean.py [--quick] [--json PATH]

A world that no threshold was tuned on (another seed than the demo's) is built up to the manifest
with the shipped settings. Written:

- `precision`: of the samples flagged clean, the share that truly is (demo.truth.is_clean: the
  speaker's good face at the frame, and at most 5 % foul sound in the segment);
- `recall`: of the truly clean stretches (picture and sound good all the time, and long enough for a
  segment), the share in which a sample was found;
- `recall_of_windows`: of the segments cut that are truly clean, the share flagged clean;
- `recall_of_room`: of the segments that would fit into the clean stretches if each were cut to its
  very edge, the share found: cutting begins at the first voiced frame and does not know of trouble
  in the picture, so some of that room is lost to segments that straddle an edge;
- `by_trouble`: for each planted trouble, the segments that touch it, and how many passed as clean.
"""

import argparse
import contextlib
import io
import os
import tempfile
from collections import Counter, defaultdict
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from machine import describe_machine, write_result

from voiceface.config import Settings
from voiceface.demo.truth import clean_stretches, is_clean
from voiceface.demo.world import render_world
from voiceface.sources import built_videos
from voiceface.stages import download, faces, manifest, resolve, samples, speech

_SLACK_US = 300_000  # a segment may begin a little before its stretch: in the pause
_MIN_US = 4_500_000  # a shorter stretch need not hold a whole segment of speech


def main() -> None:
    """Render, build, compare, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="6 minutes of video instead of 36")
    parser.add_argument("--json", type=Path, default=Path("benchmarks/results/clean.json"))
    parser.add_argument("--seed", type=int, default=101)
    options = parser.parse_args()
    target = options.json.absolute()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        size = {"speakers": 4, "videos": 2, "seconds": 45.0}
        if not options.quick:
            size = {"speakers": 12, "videos": 3, "seconds": 60.0}
        render_world(Path("world"), seed=options.seed, **size)
        build(Path("world"))
        result = compare(Path("world"), Path("manifest.parquet"), Path("videos.csv"))
    result |= {"world": size | {"seed": options.seed}, "machine": describe_machine()}
    write_result(target, result)
    for name, value in result.items():
        print(f"{name:22} {value}")


def build(world: Path) -> None:
    """Build the world's manifest in the current folder, `manifest.parquet`."""
    settings = Settings()
    speakers = sorted(path.name for path in world.iterdir() if path.name.startswith("demo-"))
    rows = [f"{speaker},,,{world / speaker},,synthetic," for speaker in speakers]
    header = "speaker,gender,language,location,licence,consent,note"
    Path("sources.csv").write_text("\n".join([header, *rows, ""]))
    with contextlib.redirect_stdout(io.StringIO()):
        resolve.run(settings.resolve, Path("sources.csv"), Path("videos.csv"))
    videos = [video.video for video in built_videos(Path("videos.csv"), Path("download"))]
    with ProcessPoolExecutor() as pool:
        list(pool.map(_build_video, videos))
    manifest.run(
        settings.manifest,
        *map(Path, ("videos.csv", "download", "timeline", "samples", "reviews")),
        Path("manifest.parquet"),
        Path("funnel.parquet"),
        Path("people.parquet"),
    )


def _build_video(video: str) -> None:
    settings = Settings()
    media, outcome = Path(f"media/{video}.mkv"), Path(f"download/{video}.json")
    tables = {
        name: Path(f"{name}/{video}.parquet")
        for name in ("speech", "chunks", "timeline", "faces", "samples")
    }
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        download.run(settings.download, video, Path("videos.csv"), media, outcome, '["."]')
    sound = (tables["speech"], tables["chunks"], tables["timeline"])
    speech.run(settings.speech, video, media, outcome, *sound)
    faces.run(settings.faces, media, outcome, tables["speech"], tables["faces"])
    samples.run(settings.samples, tables["speech"], tables["faces"], tables["samples"])


def compare(world: Path, manifest_path: Path, videos: Path) -> dict[str, Any]:
    """The manifest's clean flags against the world's truth; keys as in the module's docstring."""
    truth: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in pq.read_table(world / "truth.parquet").to_pylist():
        truth[row["file"]].append(row)
    by_video: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for sample in pq.read_table(manifest_path).to_pylist():
        by_video[sample["video"]].append(sample)
    counts: Counter[str] = Counter()
    touched: Counter[str] = Counter()
    passed: Counter[str] = Counter()
    for video in built_videos(videos, Path("download")):
        rows = truth[str(Path(video.location).relative_to(world))]
        found = by_video[video.video]
        for sample in found:
            good = sample["frame_us"] is not None and is_clean(
                rows, sample["frame_us"], sample["start_us"], sample["end_us"]
            )
            counts[f"{'clean' if sample['clean'] else 'flagged'}_{'good' if good else 'bad'}"] += 1
            for trouble in _troubles(rows, sample["start_us"], sample["end_us"]):
                touched[trouble] += 1
                passed[trouble] += bool(sample["clean"] and not good)
        counts += _stretches(rows, [sample for sample in found if sample["clean"]])
    good, bad = counts["clean_good"], counts["clean_bad"]
    return {
        "precision": round(good / (good + bad), 4),
        "recall": round(counts["stretches_found"] / counts["stretches"], 4),
        "recall_of_windows": round(good / (good + counts["flagged_good"]), 4),
        "recall_of_room": round(counts["slots_found"] / counts["slots"], 4),
        "counts": dict(sorted(counts.items())),
        "by_trouble": {
            name: {"segments": touched[name], "passed_wrongly": passed[name]}
            for name in sorted(touched)
        },
    }


def _stretches(rows: list[dict[str, Any]], clean: list[dict[str, Any]]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for start, end in clean_stretches(rows, _MIN_US):
        inside = sum(
            start - _SLACK_US <= sample["start_us"] and sample["end_us"] <= end + _SLACK_US
            for sample in clean
        )
        slots = (end - start) // 4_000_000
        counts.update(slots=slots, slots_found=min(inside, slots))
        counts.update(stretches=1, stretches_found=int(inside > 0))
    return counts


def _troubles(rows: list[dict[str, Any]], start_us: int, end_us: int) -> set[str]:
    return {
        row["trouble"]
        for row in rows
        if row["trouble"] and row["start_us"] < end_us and row["end_us"] > start_us
    }


if __name__ == "__main__":
    main()
