"""Precision and recall of the clean flag, against what the demo world really planted.

    python benchmarks/clean.py [--quick] [--seed N] [--world FOLDER] [--json PATH] [--markdown PATH]

A world that no threshold was tuned on (they were on seeds 101 and 303) is built up to the manifest
with the shipped settings. Written:

- `precision`: of the samples flagged clean, the share that truly is (demo.truth.is_clean: the
  speaker's good face at the frame, and at most 5 % foul sound in the segment);
- `recall`: of the truly clean stretches (picture and sound good all the time, and long enough for a
  segment), the share in which a sample was found: one that passed as clean, is it, and lies in the
  stretch for more than its half;
- `recall_inside`: the share in which such a sample lies from end to end. Speech that goes on is cut
  every 4 s, so that a stretch of less than 8 s need not hold a whole segment;
- `recall_of_windows`: of the segments cut that are truly clean, the share flagged clean;
- `recall_of_room`: of the segments that would fit into the clean stretches if each were cut to its
  very edge, the share found: a segment begins with a voiced frame and keeps off the edges, and
  across those that are not told some are cut;
- `by_trouble`: for each planted trouble, the segments that touch it, those that it spoils, and
  how many of these are flagged, are told by the reason that is meant for it, and passed as clean;
- `by_reason`: for each reason, the segments it flags, those of them that are truly not clean
  (`precision`) or touch trouble at all, and the segments spoilt by the troubles that it is meant
  for: how many are flagged by any reason (`recall`) or by one meant for them (`recall_own`);
- `duplicates`: pairs of segments that hold the same second of a video and of its re-upload and have
  nothing else against them, and how many of these pairs were not both kept;
- `people`: wrong labels that are made by relabelling, see people.py.
"""

import argparse
import contextlib
import io
import json
import os
import tempfile
from collections import Counter, defaultdict
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from machine import describe_machine, result_path, write_result
from people import find_wrong_labels, mislabelled
from verdicts import TELLS, Verdict, judge

from voiceface.config import Settings
from voiceface.demo.truth import Row, clean_stretches
from voiceface.demo.world import render_world
from voiceface.sources import built_videos
from voiceface.stages import download, faces, gather, manifest, resolve, samples, speech

FULL = {"speakers": 12, "videos": 3, "seconds": 64.0, "clean_s": 5.0}
QUICK = {"speakers": 6, "videos": 2, "seconds": 40.0, "clean_s": 5.0}
_SLACK_US = 300_000  # a segment may begin a little before its stretch: in the pause
_MIN_US = 4_500_000  # a shorter stretch need not hold a whole segment of speech
_COMMON_US = 1_000_000
_REASON_COLUMNS = (
    "flagged", "right", "precision", "touching_trouble", "troubles", "found", "recall",
    "recall_own",
)  # fmt: skip
_TROUBLE_COLUMNS = ("segments", "spoilt", "found", "passed_wrongly", "recall", "recall_own")


def main() -> None:
    """Render, build, compare, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="8 minutes of video instead of 39")
    parser.add_argument("--world", type=Path, help="keep the rendered videos there for a next run")
    parser.add_argument("--json", type=Path, help="where to write, if not to results/")
    parser.add_argument("--markdown", type=Path, help="write the tables of docs/quality.md there")
    parser.add_argument("--seed", type=int, default=202)
    options = parser.parse_args()
    target = options.json or result_path("clean", quick=options.quick)
    json_path, markdown = target.absolute(), options.markdown and options.markdown.absolute()
    size = QUICK if options.quick else FULL
    with tempfile.TemporaryDirectory() as folder:
        world = options.world.absolute() if options.world else Path(folder) / "world"
        os.chdir(folder)
        render_world(world, seed=options.seed, jobs=os.cpu_count() or 1, **size)
        build(world)
        result = compare(world, Path("manifest.parquet"), Path("videos.csv"))
        result["people"] = _wrong_labels(world)
    result |= {"world": {**size, "seed": options.seed}, "machine": describe_machine()}
    write_result(json_path, result)
    tables = as_markdown(result)
    if markdown:
        markdown.write_text(tables)
    print(tables)


def build(world: Path) -> None:
    """Build the world's manifest in the current folder, `manifest.parquet`."""
    settings = Settings()
    speakers = sorted(path.name for path in world.iterdir() if path.name.startswith("demo-"))
    rows = [f"{speaker},,,{world / speaker},,synthetic," for speaker in speakers]
    header = "speaker,gender,language,location,licence,consent,note"
    Path("sources.csv").write_text("\n".join([header, *rows, ""]))
    roots = settings.resolve.model_copy(update={"local_roots": [str(world)]})
    with contextlib.redirect_stdout(io.StringIO()):
        resolve.run(roots, Path("sources.csv"), Path("videos.csv"))
    videos = [video.video for video in built_videos(Path("videos.csv"), Path("download"))]
    with ProcessPoolExecutor() as pool:
        list(pool.map(_build_video, videos, [json.dumps([str(world)])] * len(videos)))
    listed, gathered, outside = map(Path, ("videos.csv", "gathered.parquet", "outside.parquet"))
    folders = map(Path, ("download", "timeline", "samples"))
    gather.run(settings.gather, listed, *folders, gathered, outside, Path("people.parquet"))
    outputs = (Path("manifest.parquet"), Path("funnel.parquet"))
    manifest.run(settings.manifest, listed, gathered, outside, Path("reviews"), *outputs)


def _build_video(video: str, roots: str) -> None:
    settings = Settings()
    media, outcome = Path(f"media/{video}.mkv"), Path(f"download/{video}.json")
    tables = {
        name: Path(f"{name}/{video}.parquet")
        for name in ("speech", "chunks", "timeline", "faces", "samples")
    }
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        download.run(settings.download, video, Path("videos.csv"), media, outcome, roots)
    sound = (tables["speech"], tables["chunks"], tables["timeline"])
    speech.run(settings.speech, video, media, outcome, *sound)
    faces.run(settings.faces, media, outcome, tables["speech"], tables["faces"])
    samples.run(settings.samples, tables["speech"], tables["faces"], tables["samples"])


def compare(world: Path, manifest_path: Path, videos: Path) -> dict[str, Any]:
    """The manifest's flags against the world's truth; keys as in the module's docstring."""
    truth = _truth(world)
    judged = judged_segments(world, manifest_path, videos)
    every = [verdict for found in judged.values() for verdict in found]
    counts = Counter(_fate(verdict) for verdict in every)
    for file, rows in truth.items():
        if not rows[0]["repeats"]:  # what a re-upload repeats counts where it was first
            counts += _stretches(rows, _clean_spans(file, truth, judged))
    good, bad = counts["clean_good"], counts["clean_bad"]
    duplicates = _duplicates(truth, judged)
    by_reason = _by_reason(every)
    pairs = {"troubles": duplicates["pairs"], "found": duplicates["told"]}
    by_reason["duplicate"] |= pairs | _recalls(duplicates["pairs"], duplicates["told"])
    return {
        "precision": _share(good, good + bad),
        "recall": _share(counts["stretches_found"], counts["stretches"]),
        "recall_inside": _share(counts["stretches_found_inside"], counts["stretches"]),
        "recall_of_windows": _share(good, good + counts["flagged_good"]),
        "recall_of_room": _share(counts["slots_found"], counts["slots"]),
        "counts": dict(sorted(counts.items())),
        "duplicates": duplicates,
        "by_reason": by_reason,
        "by_trouble": _by_trouble(every),
    }


def _truth(world: Path) -> dict[str, list[Row]]:
    truth: dict[str, list[Row]] = defaultdict(list)
    for row in pq.read_table(world / "truth.parquet").to_pylist():
        truth[row["file"]].append(row)
    return truth


def judged_segments(world: Path, manifest_path: Path, videos: Path) -> dict[str, list[Verdict]]:
    """The verdicts on each file's segments."""
    truth = _truth(world)
    again: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for row in (row for rows in truth.values() for row in rows):
        if row["repeats"]:
            long = row["end_us"] - row["start_us"]
            again[row["repeats"]].append((row["repeats_us"], row["repeats_us"] + long))
        if row["repeats"] or row["trouble"] == "jingle":
            again[row["file"]].append((row["start_us"], row["end_us"]))
    names = {
        video.video: str(Path(video.location).relative_to(world))
        for video in built_videos(videos, Path("download"))
    }
    judged: dict[str, list[Verdict]] = defaultdict(list)
    for sample in pq.read_table(manifest_path).to_pylist():
        if sample["face_number"] == 0:
            file = names[sample["video"]]
            judged[file].append(judge(sample, truth[file], again[file]))
    return judged


def _wrong_labels(world: Path) -> dict[str, Any]:
    judged = judged_segments(world, Path("manifest.parquet"), Path("videos.csv"))
    good = {v.sample["sample"] for found in judged.values() for v in found if v.good}
    cases = mislabelled(built_videos(Path("videos.csv"), Path("download")))
    return find_wrong_labels(Settings().gather, cases, good)


def _fate(verdict: Verdict) -> str:
    if verdict.flags == {"duplicate"} and verdict.repeated:
        return "flagged_duplicate"
    flag = "clean" if verdict.sample["clean"] else "flagged"
    return f"{flag}_{'good' if verdict.good else 'bad'}"


def _clean_spans(
    file: str, truth: dict[str, list[Row]], judged: dict[str, list[Verdict]]
) -> list[tuple[int, int]]:
    """The samples rightly found clean in a file or its re-uploads, in the file's time."""
    spans = []
    for other, rows in truth.items():
        if file in (other, rows[0]["repeats"]):
            shift = 0 if file == other else _shift(rows)
            spans += [
                (v.sample["start_us"] + shift, v.sample["end_us"] + shift)
                for v in judged[other]
                if v.sample["clean"] and v.good
            ]
    return spans


def _shift(rows: list[Row]) -> int:
    """What to add to a re-upload's time for that of the video that it repeats, µs."""
    return int(rows[0]["repeats_us"] - rows[0]["start_us"])


def _stretches(rows: list[Row], clean: list[tuple[int, int]]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for start, end in clean_stretches(rows, _MIN_US):
        inside = sum(
            start - _SLACK_US <= first and last <= end + _SLACK_US for first, last in clean
        )
        found = any(
            2 * (min(last, end) - max(first, start)) > last - first for first, last in clean
        )
        slots = (end - start) // 4_000_000
        counts.update(slots=slots, slots_found=min(inside, slots))
        counts.update(stretches=1, stretches_found=found, stretches_found_inside=inside > 0)
    return counts


def _duplicates(
    truth: dict[str, list[Row]], judged: dict[str, list[Verdict]]
) -> dict[str, int | float]:
    pairs = told = 0
    for file, rows in truth.items():
        for copy in judged[file] if rows[0]["repeats"] else []:
            start = copy.sample["start_us"] + _shift(rows)
            end = copy.sample["end_us"] + _shift(rows)
            for first in judged[rows[0]["repeats"]]:
                common = min(end, first.sample["end_us"]) - max(start, first.sample["start_us"])
                if common >= _COMMON_US and (copy.flags | first.flags) <= {"duplicate"}:
                    pairs += 1
                    told += bool(copy.flags | first.flags)
    return {"pairs": pairs, "told": told, "recall": _share(told, pairs)}


def _by_reason(verdicts: list[Verdict]) -> dict[str, dict[str, Any]]:
    reasons = set().union(*TELLS.values(), *(verdict.flags for verdict in verdicts), {"duplicate"})
    result = {}
    for reason in sorted(reasons - {"no_speech"}):  # that is in no segment
        meant = {trouble for trouble, by in TELLS.items() if reason in by}
        flagged = [verdict for verdict in verdicts if reason in verdict.flags]
        right = sum(
            verdict.repeated if reason == "duplicate" else not verdict.good for verdict in flagged
        )
        spoilt = [verdict for verdict in verdicts if verdict.spoilt & meant]
        own = sum(bool(verdict.flags & _told_by(verdict.spoilt & meant)) for verdict in spoilt)
        found = sum(bool(verdict.flags) for verdict in spoilt)
        result[reason] = {
            "flagged": len(flagged),
            "right": right,
            "precision": _share(right, len(flagged)),
            "touching_trouble": sum(bool(verdict.touched) for verdict in flagged),
            "troubles": len(spoilt),
            "found": found,
            **_recalls(len(spoilt), found, own),
        }
    return result


def _by_trouble(verdicts: list[Verdict]) -> dict[str, dict[str, Any]]:
    result = {}
    for trouble in sorted(set().union(*(verdict.touched for verdict in verdicts))):
        spoilt = [verdict for verdict in verdicts if trouble in verdict.spoilt]
        own = sum(bool(verdict.flags & TELLS.get(trouble, set())) for verdict in spoilt)
        found = sum(bool(verdict.flags) for verdict in spoilt)
        result[trouble] = {
            "segments": sum(trouble in verdict.touched for verdict in verdicts),
            "spoilt": len(spoilt),
            "found": found,
            "passed_wrongly": len(spoilt) - found,
            **_recalls(len(spoilt), found, own),
        }
    return result


def _told_by(troubles: frozenset[str]) -> set[str]:
    return set().union(*(TELLS[trouble] for trouble in troubles))


def _recalls(there: int, found: int, own: int | None = None) -> dict[str, float | None]:
    return {
        "recall": _share(found, there),
        "recall_own": _share(found if own is None else own, there),
    }


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def as_markdown(result: dict[str, Any]) -> str:
    """The tables of docs/quality.md."""
    shares = ("precision", "recall", "recall_inside", "recall_of_windows", "recall_of_room")
    duplicates, people = result["duplicates"], result.get("people", {})
    parts = [
        _table(("", "share"), [(name, _words(result[name])) for name in shares]),
        _rows(result["by_reason"], "reason", _REASON_COLUMNS),
        _rows(result["by_trouble"], "trouble", _TROUBLE_COLUMNS),
        f"Re-uploads: {duplicates['told']} of {duplicates['pairs']} pairs of segments that hold the"
        " same second were told.",
        _rows(people, "wrong label", ("there", "found", "found_wrongly")),
    ]
    return "\n\n".join(parts) + "\n"


def _rows(rows: dict[str, dict[str, Any]], name: str, columns: tuple[str, ...]) -> str:
    head = (name, *(column.replace("_", " ") for column in columns))
    return _table(head, [(key, *(_words(row[c]) for c in columns)) for key, row in rows.items()])


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, ("---", *("---:" for _ in head[1:])), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _words(value: float | None) -> str:
    if value is None:
        return ""
    return f"{100 * value:.1f} %" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    main()
