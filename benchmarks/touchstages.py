"""A project of many videos whose stages write tiny files at once: what is left is the workflow.

The Snakefile, the rules, the profile, the settings and the digests of the code are the real ones.
Only what a job starts is another: in the project lies `src/voiceface`, which the rules put first
on the jobs' path.
"""

import csv
import shutil
import sys
from pathlib import Path
from typing import Any

import yaml

from voiceface.files import write_json, write_table
from voiceface.layout import VIDEO_LIST
from voiceface.sources import read_videos
from voiceface.tables import DATASET, FUNNEL, MANIFEST

ROOT = Path(__file__).parents[1]
PER_SPEAKER = 10

OUTPUTS = {
    "download": ["{media}", "{outcome}"],
    "downloads": ["{output}"],
    "speech": ["{output}", "{chunks}", "{timeline}"],
    "faces": ["{output}"],
    "samples": ["{output}"],
    "gather": ["{output}", "{outside}", "{people}"],
    "manifest": ["{output}", "{funnel}"],
    "dataset": ["{output}", "{leakage}"],
    "pack": [f"{{output}}/{name}" for name in
             ("faces.npy", "audio.npy", "descriptors.npy", "samples.parquet", "pack.json")],
    "train": [f"{{output}}/{name}" for name in
              ("generator.safetensors", "model.json", "history.parquet", "grid.png",
               "README.md")],
    "evaluate": [f"{{output}}/{name}" for name in ("metrics.json", "generated.png")],
    "report": ["{output}"],
}  # fmt: skip
"""Of each stage the files that it writes, told by its flags."""

_OTHERS = {
    "manifests/sources.csv",
    "manifests/videos.csv",
    "data/resolve.json",
    "logs/build.log",
    "logs/speeds.json",
}
"""Files beside them that no job writes."""

_STAGE = """\
import sys
from pathlib import Path

flags = dict(word[2:].split("=", 1) for word in sys.argv[1:])
for name in {outputs!r}:
    path = Path(name.format(**flags))
    known = Path("known") / path
    path.write_bytes(known.read_bytes() if known.exists() else str(path).encode())
"""


def make_project(root: Path, videos: int, settings: dict[str, Any] | None = None) -> None:
    """Make a project of so many videos, `PER_SPEAKER` of each speaker.

    Args:
        settings: laid over the shipped config.yaml, section by section.
    """
    (root / "manifests").mkdir(parents=True)
    # A copy: the jobs' package lies beside the Snakefile, and a link would be followed.
    shutil.copyfile(ROOT / "Snakefile", root / "Snakefile")
    for name in ("workflow", "profiles", "envs"):
        (root / name).symlink_to(ROOT / name)
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    for name, section in (settings or {}).items():
        config[name] |= section
    (root / "config.yaml").write_text(yaml.safe_dump(config))
    stages = root / "src" / "voiceface" / "stages"
    stages.mkdir(parents=True)
    for folder in (stages, stages.parent):
        (folder / "__init__.py").touch()
    for name, outputs in OUTPUTS.items():
        (stages / f"{name}.py").write_text(_STAGE.format(outputs=outputs))
    _write_known(root / "known")
    speakers = [f"speaker-{number:05d}" for number in range((videos - 1) // PER_SPEAKER + 1)]
    with open(root / "manifests/sources.csv", "w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["speaker", "location"])
        table.writerows([speaker, f"videos/{speaker}"] for speaker in speakers)
    for number in range(videos):
        add_video(root, number, number // PER_SPEAKER)


def add_video(root: Path, number: int, speaker: int = 0) -> None:
    """Put one more file where a speaker's are."""
    path = root / f"videos/speaker-{speaker:05d}/{number:07d}.mp4"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"video {number}")


def make_outputs(root: Path, like: Path) -> None:
    """Write what the stages would write for all videos of a project that is resolved.

    Args:
        like: a project that is built; each file of its first video is written for each video.
    """
    built, videos = ([one.video for one in read_videos(top / VIDEO_LIST)] for top in (like, root))
    for path in outputs(like):
        content = (like / path).read_bytes()
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        if path.stem == built[0]:
            for video in videos:
                mine = content.replace(path.stem.encode(), video.encode())
                (root / path.with_stem(video)).write_bytes(mine)
        elif path.stem not in built:
            (root / path).write_bytes(content)


def outputs(root: Path) -> list[Path]:
    """The files that the jobs of a built project wrote, their logs too, from its folder, sorted."""
    tops = ("data", "logs", "manifests", "models", "reports")
    files = (path.relative_to(root) for top in tops for path in (root / top).rglob("*"))
    return sorted(path for path in files if (root / path).is_file() and str(path) not in _OTHERS)


def _write_known(folder: Path) -> None:
    """What `voiceface build` reads of a built project, for its last words."""
    write_table(folder / "manifests/samples.parquet", MANIFEST.empty_table())
    write_table(folder / "manifests/dataset.parquet", DATASET.empty_table())
    write_table(folder / "manifests/funnel.parquet", FUNNEL.empty_table())
    evaluation = {
        "paper": None,
        "input_s": None,
        "classifier": "",
        **{name: [] for name in ("groups", "headlines")},
        **{name: {} for name in ("metrics", "noise", "seconds", "babble")},
    }
    write_json(folder / "reports/wav2pix/metrics.json", evaluation)


if __name__ == "__main__":
    make_project(Path(sys.argv[1]), int(sys.argv[2]))
