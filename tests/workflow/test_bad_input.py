"""Bad and odd files beside a good one: each ends as a record, none costs the build."""

import subprocess
from pathlib import Path

import imageio_ffmpeg
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from tests.media_builder import make_media
from tests.workflow.project import Project

LONG_NAME = "é" * 100 + " " + "long" * 8 + ".mp4"

UNREADABLE = ("zero-byte.mp4", "text.mp4", "truncated.mp4")
NO_SAMPLES = ("audio-only.m4a.mp4", "video-only.mp4", "no-face.mp4", "no-speech.mp4", "short.mp4")
ODD_BUT_GOOD = {
    "rotated.mp4": ["-c", "copy"],
    "ten-bit.mkv": [
        "-c:v",
        "libx265",
        "-pix_fmt",
        "yuv420p10le",
        "-preset",
        "ultrafast",
        "-c:a",
        "copy",
    ],
    "odd-size.mkv": [
        "-vf",
        "crop=641:359:320:180,format=yuv444p",
        "-preset",
        "ultrafast",
        "-c:a",
        "copy",
    ],
    "8-khz.mkv": ["-c:v", "copy", "-ar", "8000", "-c:a", "pcm_s16le"],
    "48-khz.mkv": ["-c:v", "copy", "-ar", "48000", "-c:a", "flac"],
    "surround.mkv": ["-c:v", "copy", "-af", "pan=5.1|FC=c0|LFE=0*c0", "-c:a", "ac3"],
    "ünïcode 名前 'quoted' $(x);.mp4": ["-c", "copy"],
    LONG_NAME: ["-c", "copy"],
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, demo_world: Path) -> Project:
    """A project whose one speaker filmed all of this, built up to the dataset."""
    folder = tmp_path_factory.mktemp("bad")
    media = folder / "media" / "demo-01"
    media.mkdir(parents=True)
    talking = sorted((demo_world / "demo-01").iterdir())[0]
    _make_odd(media, talking)
    _make_bad(media, talking)
    made = Project.make(
        folder / "project",
        [
            {"speaker": "demo-01", "location": str(media)},
            {"speaker": "demo-02", "location": str(demo_world / "demo-02")},
        ],
        {
            "resolve": {"local_roots": [str(folder), str(demo_world)]},
            "download": {"max_lost_fraction": 0.5},
        },
    )
    made.voiceface("resolve")
    made.snakemake("--cores=2", "manifests/dataset.parquet")
    return made


def _make_odd(media: Path, talking: Path) -> None:
    """The same talking head again and again, each in another dress."""
    for number, (name, options) in enumerate(ODD_BUT_GOOD.items()):
        # Each a moment longer than the last: same content would be the same video.
        length = ["-t", f"{18 + number / 5:.1f}"]
        turn = ["-display_rotation", "90"] if name == "rotated.mp4" else []
        source = talking
        if turn:
            source = _ffmpeg(media.parent / "sideways.mp4", talking, ["-vf", "transpose=clock"])
        _ffmpeg(media / name, source, [*length, *options], turn)


def _make_bad(media: Path, talking: Path) -> None:
    (media / "zero-byte.mp4").touch()
    (media / "text.mp4").write_text("this is no video\n" * 100)
    whole = make_media(media.parent / "whole.mp4", seconds=4).read_bytes()
    (media / "truncated.mp4").write_bytes(whole[: len(whole) // 3])
    _ffmpeg(media / "audio-only.m4a.mp4", talking, ["-t", "9", "-vn", "-c:a", "copy"])
    _ffmpeg(media / "video-only.mp4", talking, ["-t", "9", "-an", "-c:v", "copy"])
    hidden = "drawbox=0:0:iw:ih:gray:fill"
    _ffmpeg(media / "no-face.mp4", talking, ["-t", "9", "-vf", hidden, "-c:a", "copy"])
    _ffmpeg(media / "no-speech.mp4", talking, ["-t", "9", "-af", "volume=0", "-c:v", "copy"])
    _ffmpeg(media / "short.mp4", talking, ["-t", "0.5", "-c", "copy"])


def _ffmpeg(path: Path, source: Path, options: list[str], before: list[str] | None = None) -> Path:
    program = imageio_ffmpeg.get_ffmpeg_exe()
    command = [program, *["-nostdin", "-v", "error", "-y"], *(before or []), "-i", str(source)]
    subprocess.run([*command, *options, str(path)], check=True)
    return path


@pytest.mark.parametrize("name", UNREADABLE)
def test_an_unreadable_file_is_recorded_as_unavailable_with_its_reason(
    project: Project, name: str
) -> None:
    record = project.outcome(project.videos()[name])
    assert record["status"] == "unavailable"
    assert record["reason"]
    assert "\n" not in record["reason"]


@pytest.mark.parametrize("name", NO_SAMPLES)
def test_a_file_without_face_or_speech_gives_nothing_clean(project: Project, name: str) -> None:
    video = project.videos()[name]
    assert project.outcome(video)["status"] == "ok"
    manifest = pq.read_table(project.folder / "manifests" / "samples.parquet")
    assert manifest.filter(pc.field("clean") & (pc.field("video") == video)).num_rows == 0
    funnel = pq.read_table(project.folder / "manifests" / "funnel.parquet")
    reasons = funnel.filter(pc.field("video") == video)["reason"].to_pylist()
    assert reasons
    assert "kept" not in reasons


@pytest.mark.parametrize("name", ODD_BUT_GOOD)
def test_an_odd_file_gives_faces_like_any_other(project: Project, name: str) -> None:
    video = project.videos()[name]
    manifest = pq.read_table(project.folder / "manifests" / "samples.parquet")
    rows = manifest.filter(pc.field("video") == video).to_pylist()
    assert len(rows) >= 2
    # A copy of the sound or of a frame is a duplicate: that is the one flag they may all have.
    assert [row for row in rows if set(row["flags"]) <= {"duplicate"}], rows[0]["flags"]


def test_no_log_holds_a_traceback(project: Project) -> None:
    logs = list((project.folder / "logs").rglob("*.log"))
    assert logs
    for log in logs:
        assert "Traceback" not in log.read_text(), log


def test_nothing_half_written_is_left(project: Project) -> None:
    assert not list(project.folder.rglob("*.part"))
