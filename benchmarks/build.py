"""CPU time and memory of the dataset stages, beside a full decode and a plain pipeline.

    python benchmarks/build.py [--quick] [--parts PARTS] [--world FOLDER] [--json PATH]

Every stage from `download` to `pack` runs as its rule runs it, in processes of its own whose start
counts. The parts:

speed   720p30 H.264, over 30 minutes of it: CPU seconds per second of video, with the descriptor
        and without, of each stage, of ffmpeg decoding the same files, of a plain pipeline.
1080p   the same 3 minutes at 720p and at 1080p, encoded alike.
growth  one video of 1, 10 and 100 minutes.
memory  one video of 6 hours (6 GB of disk for a while).

The long videos repeat a minute, with picture and sound in step. A part that is not run keeps the
figures that are in the JSON from an earlier run on the same kind of machine.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from clips import cut, full_decode, length_s, looped, render, scaled
from line import Run, cpu_s, measured, peak_rss_mb, run_line
from machine import describe_machine, earlier, result_path, write_result

Files = dict[str, list[Path]]
Result = dict[str, Any]


def main() -> None:
    """Measure, print tables, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="speed alone, over 6 minutes")
    parser.add_argument("--parts", help=f"of {', '.join(PARTS)}, separated by commas")
    parser.add_argument("--world", type=Path, help="keep the rendered videos there for a next run")
    parser.add_argument("--json", type=Path, help="where to write, if not to results/")
    options = parser.parse_args()
    parts = (options.parts or ("speed" if options.quick else ",".join(PARTS))).split(",")
    if unknown := set(parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    kind = {"quick": options.quick, "machine": describe_machine()}
    target = options.json or result_path("build", quick=options.quick)
    result = earlier(target, kind)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        # Videos are linked into the projects, so they must lie on one disk.
        videos = _videos(options.world or folder / "world", options.quick)
        for part in parts:
            print(f"\n{part}", flush=True)
            result |= PARTS[part](videos, folder / part, options.quick)
            write_result(target, result | kind)
    print(f"\nwritten: {target}")


def speed(videos: Files, folder: Path, quick: bool) -> Result:
    """CPU seconds per second of 720p30 video, of all and of each stage, and two references."""
    media = [path for files in videos.values() for path in files]
    total_s = sum(length_s(path) for path in media)
    runs = run_line(folder / "with", videos)
    bare = run_line(folder / "without", videos, {"faces": {"descriptor": False}})
    decoded = sum(measured(full_decode(path), folder)[0].cpu_s for path in media)
    part = cut(media[0], folder / f"part{media[0].suffix}", 12 if quick else 25)
    program = Path(__file__).with_name("plain.py")
    plain, _ = measured([sys.executable, str(program), str(part)], folder)
    result = {
        "video_s": round(total_s, 1),
        "cpu_s_per_video_s": round(cpu_s(runs) / total_s, 5),
        "cpu_s_per_video_s_without_descriptor": round(cpu_s(bare) / total_s, 5),
        "full_decode_cpu_s_per_video_s": round(decoded / total_s, 5),
        "plain_pipeline_cpu_s_per_video_s": round(plain.cpu_s / length_s(part), 5),
        "peak_rss_mb": round(max(peak_rss_mb(runs), peak_rss_mb(bare)), 1),
        "processes": len(runs),
        "stages": _by_stage(runs, total_s),
    }
    _print_stages(result["stages"])
    for name, value in result.items():
        if name != "stages":
            print(f"{name:40} {value}")
    return result


def ratio_1080p(videos: Files, folder: Path, quick: bool) -> Result:
    """How much more 1080p costs than 720p: the same content, encoded alike."""
    seconds = 60 if quick else 180
    source = next(iter(videos.values()))[0]
    costs = {}
    for height in (720, 1080):
        made = scaled(source, folder / f"{height}.mkv", height, seconds)
        runs = run_line(folder / f"at-{height}", {"one": [made]})
        costs[height] = cpu_s(runs) / length_s(made)
    result = {
        "cpu_s_per_video_s_720p": round(costs[720], 5),
        "cpu_s_per_video_s_1080p": round(costs[1080], 5),
        "ratio_1080p": round(costs[1080] / costs[720], 3),
    }
    print(result)
    return result


def growth(videos: Files, folder: Path, quick: bool) -> Result:
    """CPU seconds for one video of 1, 10 and 100 minutes; linear is a ratio of 1."""
    source = next(iter(videos.values()))[0]
    minute = cut(source, folder / f"minute{source.suffix}", 10 if quick else 60)
    points = []
    for times in (1, 10, 100):
        made = looped(minute, folder / f"{times}{source.suffix}", times)
        runs = run_line(folder / f"times-{times}", {"one": [made]})
        minutes = length_s(made) / 60
        stages = _by_stage(runs, 60 * minutes)
        point = {
            "minutes": round(minutes, 2),
            "cpu_s": round(cpu_s(runs), 2),
            "peak_rss_mb": round(peak_rss_mb(runs), 1),
            "cpu_s_of_stage": {name: figures["cpu_s"] for name, figures in stages.items()},
        }
        print(point, flush=True)
        points.append(point)
    one, ten, hundred = points
    # Of what each further minute costs: starting the processes costs the same for all three.
    first = (ten["cpu_s"] - one["cpu_s"]) / (ten["minutes"] - one["minutes"])
    later = (hundred["cpu_s"] - ten["cpu_s"]) / (hundred["minutes"] - ten["minutes"])
    result = {"growth": points, "growth_ratio": round(later / first, 3)}
    print(f"a minute of the 100 costs {result['growth_ratio']} of a minute of the 10")
    return result


def memory(videos: Files, folder: Path, quick: bool) -> Result:
    """Memory of the largest process for a video of 6 hours."""
    source = next(iter(videos.values()))[0]
    hours = 0.25 if quick else 6
    minute = cut(source, folder / f"minute{source.suffix}", 60)
    times = round(hours * 3600 / length_s(minute))
    made = looped(minute, folder / f"long{source.suffix}", times)
    runs = run_line(folder / "line", {"one": [made]})
    stages = _by_stage(runs, length_s(made))
    _print_stages(stages)
    name = f"peak_rss_mb_{hours:g}h"
    return {
        name: round(peak_rss_mb(runs), 1),
        f"{name}_of_stage": {stage: figures["peak_rss_mb"] for stage, figures in stages.items()},
    }


PARTS: dict[str, Callable[[Files, Path, bool], Result]] = {
    "speed": speed,
    "1080p": ratio_1080p,
    "growth": growth,
    "memory": memory,
}


def _videos(world: Path, quick: bool) -> Files:
    """The 720p30 videos: over 30 minutes, all rendered; quick: 6, of which 2 are rendered."""
    if not quick:
        return render(world / "full", speakers=4, seconds=460)
    rendered = render(world / "quick", speakers=3, seconds=40)
    return {
        speaker: [looped(files[0], world / "looped" / files[0].name, 3)]
        for speaker, files in rendered.items()
    }


def _by_stage(runs: list[Run], total_s: float) -> dict[str, Result]:
    """Figures of each stage, in the order of the line."""
    stages: dict[str, list[Run]] = {}
    for run in runs:
        stages.setdefault(run.stage, []).append(run)
    figures = {}
    for stage, own in stages.items():
        cpu, wall = cpu_s(own), sum(run.cost.wall_s for run in own)
        figures[stage] = {
            "processes": len(own),
            "cpu_s": round(cpu, 3),
            "cpu_s_per_video_s": round(cpu / total_s, 5),
            "video_s_per_cpu_s": round(total_s / cpu, 1),
            "video_s_per_wall_s": round(total_s / wall, 1),
            "peak_rss_mb": round(peak_rss_mb(own), 1),
        }
    return figures


def _print_stages(stages: dict[str, Result]) -> None:
    names = next(iter(stages.values()))
    print("".join([f"{'stage':12}", *(f"{name:>20}" for name in names)]))
    for stage, figures in stages.items():
        print("".join([f"{stage:12}", *(f"{value:20}" for value in figures.values())]))


if __name__ == "__main__":
    main()
