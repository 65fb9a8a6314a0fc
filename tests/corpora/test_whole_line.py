"""Corpora of video, of sound alone and of pictures alone, through the whole dataset line."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.corpora.conftest import VIDEOS, Importer, fetched
from voiceface.config import Dataset, Faces, Gather, Manifest, Samples, Speech
from voiceface.data.packed import Packed, read_splits
from voiceface.emotions import by_segment
from voiceface.stages import dataset, faces, gather, manifest, pack, samples, speech
from voiceface.tables import SPLITS

Row = dict[str, Any]
DATA = Path("data")


def ffmpeg(source: Path, *options: str) -> None:
    program = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-y", "-i", str(source)]
    subprocess.run([*program, *options], check=True)


def built() -> list[Row]:
    """Resolve, fetch and run all stages of what was imported; the manifest's rows."""
    for video, outcome in fetched():
        name = video.video
        assert outcome.lost == ""
        record, media = DATA / f"download/{name}.json", DATA / f"media/{name}.mkv"
        tables = {
            part: DATA / f"{part}/{name}.parquet"
            for part in ("speech", "chunks", "timeline", "faces", "samples")
        }
        heard = [tables[part] for part in ("speech", "chunks", "timeline")]
        speech.run(Speech(), name, media, record, *heard, video.clips)
        faces.run(Faces(), media, record, tables["speech"], tables["faces"])
        samples.run(Samples(), tables["speech"], tables["faces"], tables["samples"])
    return run_manifest()


def run_manifest() -> list[Row]:
    folders = [DATA / part for part in ("download", "timeline", "samples")]
    gathered, outside = DATA / "gathered.parquet", DATA / "outside.parquet"
    gather.run(Gather(), VIDEOS, *folders, gathered, outside, Path("manifests/people.parquet"))
    outputs = [Path(f"manifests/{name}.parquet") for name in ("samples", "funnel")]
    manifest.run(Manifest(), VIDEOS, gathered, outside, Path("manifests/reviews"), *outputs)
    return pq.read_table(outputs[0]).to_pylist()


def packed() -> dict[str, Packed]:
    """Draw the splits of what was built, and pack them."""
    marked, people = Path("manifests/samples.parquet"), Path("manifests/people.parquet")
    path, leakage = Path("manifests/dataset.parquet"), Path("manifests/leakage.json")
    dataset.run(Dataset(), marked, DATA / "samples", people, path, leakage)
    for split in SPLITS:
        pack.run(path, DATA / "speech", DATA / "faces", split, DATA / "packed" / split)
    return read_splits(DATA / "packed")


def test_videos_with_a_known_emotion_and_clips(imported: Importer, demo_world: Path) -> None:
    for emotion, video in zip(("anger", "fear"), (demo_world / "demo-01").iterdir(), strict=True):
        folder = Path(f"corpus/subject 1/{emotion}/sentence 1")
        folder.mkdir(parents=True)
        shutil.copy(video, folder / f"s1_{emotion[:2]}_1.avi")
    imported("enterface05")
    listed = Path("manifests/sources.csv")
    for emotion in ("anger", "fear"):
        listed.write_text(listed.read_text().replace(f"{emotion},\n", f"{emotion},2-14\n"))
    rows = built()
    emotions = {row["video"]: row["emotion"] for row in rows}
    assert sorted(emotions.values()) == ["anger", "fear"]
    assert {row["speaker"] for row in rows} == {"enterface05-01"}
    assert all(2_000_000 <= row["start_us"] <= 10_000_000 for row in rows)
    funnel = pq.read_table("manifests/funnel.parquet").to_pylist()
    assert "outside_clips" in {row["reason"] for row in funnel}
    splits = packed()
    assert sum(len(split.emotions) for split in splits.values()) > 0
    learnt = sorted(set(splits["train"].emotions))
    for split in splits.values():
        assert split.emotions == [emotions[video] for video in split.recordings]
        assert split.emotion_classes == learnt
        labels = [learnt.index(one) if one in learnt else -1 for one in split.emotions]
        assert split.emotion_labels.tolist() == labels


def test_emotions_by_time_reach_the_segments_within_them(
    imported: Importer, demo_world: Path
) -> None:
    Path("corpus").symlink_to(demo_world)
    rows = imported("demo-world")
    truth = pq.read_table(demo_world / "truth.parquet").to_pylist()
    assert len(rows) == len({row["file"] for row in truth})
    one = rows[0]
    passages = [row for row in truth if f"corpus/{row['file']}" == one.location]
    assert one.emotion.startswith(f"{passages[0]['emotion']}@0.000000-")
    table = pa.table(
        {
            "video": ["a"] * len(passages) + ["b"],
            "start_us": [row["start_us"] for row in passages] + [0],
            "end_us": [row["end_us"] for row in passages] + [1],
            "emotion": [one.emotion] * len(passages) + ["anger"],
        }
    )
    told = by_segment(table)["emotion"].to_pylist()
    assert told == [*(row["emotion"] for row in passages), "anger"]
    whole = table.set_column(2, "end_us", pa.array([passages[-1]["end_us"]] * len(table)))
    emotions = {row["emotion"] for row in passages}
    assert (by_segment(whole)["emotion"][0].as_py() == "") == (len(emotions) > 1)


def test_voxceleb_s_sound_and_vggface_s_pictures_meet_by_identity(
    imported: Importer, demo_world: Path
) -> None:
    Path("corpus").mkdir()
    Path("corpus/vox1_meta.csv").write_text(
        "VoxCeleb1 ID\tVGGFace1 ID\tGender\tNationality\tSet\n"
        "id10001\tA.J._Buckley\tm\tIreland\tdev\nid10002\tA.R._Rahman\tm\tIndia\tdev\n"
    )
    for speaker, name, world in [
        ("id10001", "A.J._Buckley", "demo-01"),
        ("id10002", "A.R._Rahman", "demo-02"),
    ]:
        sounds, pictures = Path(f"corpus/wav/{speaker}/abcdefghijk"), Path(f"faces/{name}")
        sounds.mkdir(parents=True)
        pictures.mkdir(parents=True)
        one, other = sorted((demo_world / world).iterdir())
        ffmpeg(one, "-t", "20", "-vn", "-ar", "16000", "-ac", "1", str(sounds / "00001.wav"))
        ffmpeg(other, "-t", "12", "-vf", "fps=1/2", "-q:v", "2", str(pictures / "%04d.jpg"))
    (pictures / "0003.jpg").write_bytes(b"damaged")
    imported("voxceleb1")
    imported("vggface", "faces", tables=[Path("corpus/vox1_meta.csv")])
    rows = built()
    assert {row["speaker"] for row in rows} == {"id10001", "id10002"}
    assert all(row["video"].startswith("file-") for row in rows)
    paired = [row for row in rows if row["face_sha256"]]
    assert {row["speaker"] for row in paired} == {"id10001", "id10002"}
    assert all(row["face_video"].startswith("pictures-") for row in paired)
    assert all("no_face" not in row["flags"] for row in paired)
    assert any(row["fate"] == "kept" for row in paired)
    found = pq.read_table(sorted(Path("data/faces").glob("pictures-*"))[0]).to_pylist()
    assert len(found) in (5, 6)  # a row for each picture, but for the damaged one
    assert all(face["occlusion"] is None for face in found)
    funnel = pq.read_table("manifests/funnel.parquet").to_pylist()
    assert all(row["video"].startswith("file-") for row in funnel)
    assert sum(row["duration_us"] for row in funnel) == pytest.approx(40_000_000, abs=200_000)
    assert len(packed()["train"].people) > 0


def test_a_video_without_sound_gives_faces(imported: Importer, demo_world: Path) -> None:
    Path("corpus/ana").mkdir(parents=True)
    one, other = sorted((demo_world / "demo-01").iterdir())
    ffmpeg(one, "-t", "12", "-an", "-c", "copy", "corpus/ana/mute.mp4")
    ffmpeg(other, "-t", "12", "-vn", "corpus/ana/sound.flac")
    imported("folder")
    rows = built()
    assert {row["video"] for row in rows if row["face_sha256"]} == {rows[0]["video"]}
    assert rows[0]["face_video"] != rows[0]["video"]
