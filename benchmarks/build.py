"""CPU time of the dataset stages for each second of 720p video, beside a full decode by ffmpeg.

    python benchmarks/build.py [--quick] [--json PATH]

Each stage runs as its rule runs it, in a process of its own, over a demo world. The time to start a
process (the same command with --help, which imports everything and does nothing) is measured and
taken off. Written: `cpu_s_per_video_s` (all dataset stages), the same for each stage,
`full_decode_cpu_s_per_video_s` (ffmpeg decoding the same files on one thread, the reference),
`start_up_cpu_s` per process, `render_cpu_s_per_video_s` (of the demo world), and the machine.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import imageio_ffmpeg
from machine import describe_machine, write_result

from voiceface.config import Section, Settings
from voiceface.demo.world import render_world
from voiceface.sources import Video, read_videos
from voiceface.stages import resolve
from voiceface.tables import SPLITS

STAGES = ("download", "speech", "faces", "samples", "manifest", "dataset", "pack")


def main() -> None:
    """Measure, print a table, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="3 minutes of video instead of 30")
    parser.add_argument("--json", type=Path, default=Path("benchmarks/results/build.json"))
    options = parser.parse_args()
    target = options.json.absolute()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        seconds = 45.0 if options.quick else 450.0
        before = _children_cpu_s()
        render_world(Path("world"), speakers=4, videos=1, seconds=seconds, seed=1)
        rendered = (_children_cpu_s() - before) / (4 * seconds)
        result = _measure()
    result |= {"render_cpu_s_per_video_s": round(rendered, 5), "machine": describe_machine()}
    write_result(target, result)
    for name, value in result.items():
        print(f"{name:45} {value}")


def _measure() -> dict[str, object]:
    settings = Settings()
    _write_sources()
    resolve.run(settings.resolve, Path("sources.csv"), Path("videos.csv"))
    videos = read_videos(Path("videos.csv"))
    per_stage = dict.fromkeys(STAGES, 0.0)
    start_ups = {name: _cpu_s([*_stage(name), "--help"]) for name in STAGES}
    processes = 0
    for name in STAGES:
        for arguments in _runs(name, settings, videos):
            per_stage[name] += max(0.0, _cpu_s([*_stage(name), *arguments]) - start_ups[name])
            processes += 1
    length_s = sum(_length_s(video) for video in videos)
    reference = sum(_cpu_s(_full_decode(video)) for video in videos)
    return {
        "video_s": round(length_s, 1),
        "cpu_s_per_video_s": round(sum(per_stage.values()) / length_s, 5),
        **{
            f"{name}_cpu_s_per_video_s": round(cpu / length_s, 5) for name, cpu in per_stage.items()
        },
        "full_decode_cpu_s_per_video_s": round(reference / length_s, 5),
        "start_up_cpu_s": round(sum(start_ups.values()) / len(start_ups), 3),
        "processes": processes,
        "bytes_of_video": sum(Path(video.location).stat().st_size for video in videos),
    }


def _runs(name: str, settings: Settings, videos: list[Video]) -> list[list[str]]:
    """The command lines of a stage, as its rule has them."""
    section: Section | None = getattr(settings, name, None)
    config = [f"--config={section.model_dump_json()}"] if section is not None else []
    if name == "pack":
        folders = ["--dataset=dataset.parquet", "--speech=speech", "--faces=faces"]
        return [[*folders, f"--split={split}", f"--output=packed/{split}"] for split in SPLITS]
    if name == "dataset":
        files = "--manifest=samples.parquet --output=dataset.parquet --leakage=leakage.json"
        return [[*config, *files.split()]]
    if name == "manifest":
        files = (
            "--videos=videos.csv --downloads=download --timelines=timeline --samples=samples"
            " --reviews=reviews --output=samples.parquet --funnel=funnel.parquet"
            " --people=people.parquet"
        )
        return [[*config, *files.split()]]
    return [[*config, *_video_files(name, video.video)] for video in videos]


def _video_files(name: str, video: str) -> list[str]:
    media, outcome = f"--media=media/{video}.mkv", f"--outcome=download/{video}.json"
    speech, faces = f"--speech=speech/{video}.parquet", f"--faces=faces/{video}.parquet"
    output = f"--output={name}/{video}.parquet"
    match name:
        case "download":
            files = [media, outcome, "--videos=videos.csv", '--local-roots=["."]']
            return [f"--video={video}", *files]
        case "speech":
            chunks, timeline = (f"--{n}={n}/{video}.parquet" for n in ("chunks", "timeline"))
            return [f"--video={video}", media, outcome, output, chunks, timeline]
        case "faces":
            return [media, outcome, speech, output]
        case _:
            return [speech, faces, output]


def _write_sources() -> None:
    speakers = sorted(path.name for path in Path("world").iterdir() if path.is_dir())
    rows = [f"{speaker},,,world/{speaker},,synthetic," for speaker in speakers]
    header = "speaker,gender,language,location,licence,consent,note"
    Path("sources.csv").write_text("\n".join([header, *rows, ""]))


def _length_s(video: Video) -> float:
    import av

    with av.open(video.location) as container:
        return (container.duration or 0) / 1e6


def _full_decode(video: Video) -> list[str]:
    program = imageio_ffmpeg.get_ffmpeg_exe()
    return [
        program,
        *["-v", "error", "-nostdin", "-threads", "1", "-i"],
        video.location,
        *["-f", "null", "-"],
    ]


def _stage(name: str) -> list[str]:
    return [sys.executable, "-m", f"voiceface.stages.{name}"]


def _cpu_s(command: list[str]) -> float:
    before = _children_cpu_s()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command[:6])}: {done.stderr.strip()[-500:]}")
    return _children_cpu_s() - before


def _children_cpu_s() -> float:
    """CPU seconds of all processes that this one has started and that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
