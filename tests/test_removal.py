"""Takedown: nothing of a video is left, and nothing of the others is lost."""

import contextlib
import hashlib
import json
import os
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import safetensors.numpy

from tests.stages.test_resolve import put
from tests.tables_builder import Segment, Tables
from voiceface import removal
from voiceface.building.lock import only_build
from voiceface.cli import main
from voiceface.config import Resolve
from voiceface.errors import VoicefaceError
from voiceface.files import sha256_file, write_json, write_table
from voiceface.ids import video_mark
from voiceface.layout import (
    COPIES_SEEN,
    FACES_SEEN,
    MANIFEST,
    REVIEWS,
    SOURCES,
    TAKEDOWNS,
    VIDEO_LIST,
)
from voiceface.models.added import added_files
from voiceface.outcome import Outcome, read_outcome, write_outcome
from voiceface.review.ledger import Ledger, Mark, read_ledger
from voiceface.review.seen import VALUES
from voiceface.sources import read_videos, write_videos
from voiceface.stages import resolve
from voiceface.tables import SPLITS
from voiceface.takedowns import Takedown, add_takedowns, read_takedowns
from voiceface.traces import OUTPUTS

OF_EXPERIMENT = "wav2pix-px.128-3fa92c-seed0"
GONE = ("web-a", "web-a_2")
OTHERS = ("web-a2", "web-b1", "web-b2", "web-c1", "web-c2", "web-c3")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Tables:
    """Two videos of ana beside those of others, up to the packed arrays, models and a report."""
    made = Tables(tmp_path_factory.mktemp("built"))
    with contextlib.chdir(made.root):
        _build(made)
    return made


@pytest.fixture
def project(built: Tables, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tables:
    """A copy of what was built."""
    shutil.copytree(built.root, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    made = Tables(tmp_path)
    made.videos = built.videos
    return made


def _build(made: Tables) -> None:
    for video in (*GONE, *OTHERS):
        made.add(video, "ana" if video in GONE else f"person-{video[4]}", [Segment(), Segment()])
        _write_media(video)
    made.run_dataset()
    for split in SPLITS:
        made.run_pack(split)
    for name, video in (("wav2pix", "web-a"), (OF_EXPERIMENT, "web-a"), ("acgan", "web-b1")):
        write_json(Path(f"models/{name}/model.json"), {"videos": [video_mark(video)]})
        for part in ("grid.png", "tensorboard/events.0", "checkpoint/last.pt"):
            put(f"models/{name}/{part}", "weights")
    put("Snakefile", "")
    put("reports/index.html", "<html>faces</html>")
    put("reports/wav2pix/generated.png", "faces")
    put("logs/speech/web-a.log", "4 segments")
    put("logs/build.log", "rule speech: wildcards: video=web-a_2")
    put("data/media/.part/web-a/media.1.mp4", "half")
    for root in (REVIEWS, FACES_SEEN):
        with Ledger(root, "bea") as ledger:
            seen = ("web-a", "web-a2")
            ledger.append(*(Mark(f"{one}_000000000", "c" * 64, "keep") for one in seen))
    _write_copies()


def _write_copies() -> None:
    """What curators saw: two samples of ana, one told by its content alone, and one of another."""
    of_ana = pq.read_table("data/samples/web-a.parquet")["content"][1].as_py()
    copies = {"a" * 64: "web-a_000000000", of_ana: "", "b" * 64: "web-a2_000000000"}
    for content, sample in copies.items():
        path = COPIES_SEEN / content[:2] / f"{content}.zip"
        path.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(path, "w") as copy:
            copy.writestr(VALUES, json.dumps({"sample": sample}))


def _write_media(video: str) -> None:
    path = Path(put_at := f"data/media/{video}.mkv")
    put(put_at, f"film of {video}")
    record = Path(f"data/download/{video}.json")
    update = {"size": path.stat().st_size, "sha256": sha256_file(path)}
    write_outcome(record, read_outcome(record).model_copy(update=update))


def _files() -> dict[str, bytes]:
    return {
        str(path): path.read_bytes()
        for top in OUTPUTS
        for path in Path(top).rglob("*")
        if path.is_file()
    }


def _digests_in(files: dict[str, bytes]) -> set[str]:
    """Of each face and each sound in packed arrays, and every digest that a table holds."""
    found = set()
    for name in files:
        if name.endswith(".npy"):
            found |= {hashlib.sha256(row.tobytes()).hexdigest() for row in np.load(name)}
        if name.endswith(".parquet"):
            table = pq.read_table(name)
            for column in ("face_sha256", "audio_sha256", "content"):
                if column in table.column_names:
                    found |= set(table[column].to_pylist())
    return found


def test_nothing_of_a_person_is_left_and_nothing_of_others_is_touched(project: Tables) -> None:
    before = _files()
    theirs = _digests_in({name: b"" for name in before if Path(name).stem in GONE})
    assert theirs & _digests_in({name: b"" for name in before if "packed" in name})
    done = removal.take_down([], ["Ana"], "asked for by mail")
    after = _files()
    assert not theirs & _digests_in(after)
    for name, data in after.items():
        if name != str(TAKEDOWNS):
            assert b"web-a_2" not in data, name
            assert b"film of web-a" not in data.replace(b"film of web-a2", b""), name
            assert Path(name).stem not in GONE, name
    kept = [f"{folder}/{video}" for video in OTHERS for folder in ("data/speech", "data/media")]
    assert all(any(name.startswith(f"{one}.") for name in after) for one in kept)
    for name in set(after) - {str(VIDEO_LIST), str(TAKEDOWNS), "data/takedowns.json"}:
        if "reviews" not in name and "faces-seen" not in name:
            assert after[name] == before[name]
    assert (done.models, done.left, done.redacted) == (["wav2pix", OF_EXPERIMENT], [], 2)
    assert [path.stem for path in COPIES_SEEN.rglob("*.zip")] == ["b" * 64]
    assert "models/wav2pix/checkpoint/last.pt" not in after
    assert "models/acgan/checkpoint/last.pt" in after
    assert "models/acgan/grid.png" not in after
    assert not {"reports/index.html", "reports/wav2pix/generated.png"} & after.keys()
    for root in (REVIEWS, FACES_SEEN):
        assert {event.sample: event.content for event in read_ledger(root)} == {
            "web-a_000000000": "",
            "web-a2_000000000": "c" * 64,
        }
    assert removal.left_over() == []
    assert not removal.is_pending()


def test_what_was_taken_down_is_rebuilt_without_it(project: Tables) -> None:
    removal.take_down(["web-a"], [], "asked")
    project.run_dataset()  # with a list of videos that names it again
    assert set(pq.read_table(MANIFEST)["video"].to_pylist()) == {"web-a_2", *OTHERS}
    assert removal.is_pending()
    again = removal.finish()
    assert (again.removed, again.left) == ([], [])


@pytest.mark.parametrize("deaths", [1, 6, 12, 32])
def test_a_takedown_that_was_killed_is_finished_by_the_next_build(
    project: Tables, monkeypatch: pytest.MonkeyPatch, deaths: int
) -> None:
    if deaths > 12:  # of videos that no source lists any more
        write_videos(VIDEO_LIST, [one for one in project.videos if one.video not in GONE])
    unlink, left = Path.unlink, [deaths]

    def dying(path: Path, **options: bool) -> None:
        left[0] -= not path.name.endswith(".part")
        if left[0] == 0:
            raise KeyboardInterrupt
        unlink(path, **options)

    with monkeypatch.context() as killed:
        killed.setattr(Path, "unlink", dying)
        with pytest.raises(KeyboardInterrupt):
            removal.take_down([], ["ana"], "asked")
    assert removal.is_pending()
    removal.finish()
    assert (removal.is_pending(), removal.left_over()) == (False, [])
    assert not [name for name in _files() if Path(name).stem in GONE]


def test_a_copy_in_another_video_and_files_of_the_user_are_named_and_not_deleted(
    project: Tables,
) -> None:
    put("data/media/web-b1.mkv", "film of web-a")
    put("marks.csv", "sample,decision\nweb-a_000000000,keep\n")
    done = removal.take_down(["web-a"], [], "asked")
    assert sorted(map(str, done.left)) == ["data/media/web-b1.mkv", "marks.csv"]
    assert any("take those videos down too" in line for line in done.words())
    assert Path("data/media/web-b1.mkv").exists()


def test_a_face_lent_to_another_video_s_sound_takes_its_samples_away(project: Tables) -> None:
    table = pq.read_table(MANIFEST)
    names = ["web-b1" if name == "web-b2" else name for name in table["face_video"].to_pylist()]
    column = table.schema.get_field_index("face_video")
    lent = ["web-a" if name == "web-b1" else name for name in names]
    write_table(MANIFEST, table.set_column(column, table.schema.field(column), [lent]))
    for folder in ("data/media", "data/speech", "data/faces", "data/samples"):
        for path in Path(folder).glob("web-a.*"):
            path.unlink()  # all but the lent face
    removal.take_down(["web-a"], [], "asked")
    assert not MANIFEST.exists()


def test_a_name_that_is_not_there_is_told_and_nothing_is_done(project: Tables) -> None:
    before = _files()
    for videos, people in ((["web-x"], []), ([], ["zoe"])):
        with pytest.raises(VoicefaceError, match=r"no (video web-x|speaker zoe) in manifests"):
            removal.take_down(videos, people, "asked")
    assert _files() == before
    assert main(["takedown", "web-a"]) == 1  # no reason given
    assert _files() == before


def test_a_running_build_is_not_disturbed(
    project: Tables, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("voiceface.building.lock._PATIENCE_S", 0.1)
    before = _files()
    with only_build():
        assert main(["takedown", "web-a", "--reason", "asked"]) == 1
    assert "another build is running" in capsys.readouterr().err
    assert _files() == before
    assert main(["takedown", "web-a", "--reason", "asked"]) == 0
    told = capsys.readouterr().out
    assert "\ntrained on what was taken down, and stale: wav2pix; `voiceface build` trains" in told
    assert f"\ntrained for experiments on what was taken down, and stale: {OF_EXPERIMENT}; " in told
    assert main(["takedown", "--check"]) == 0
    put("logs/new.log", "web-a")
    assert main(["takedown", "--check"]) == 1


def test_it_is_never_listed_again_under_any_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    one, two = put("talks/1.mp4", "one"), put("talks/2.mp4", "two")
    SOURCES.parent.mkdir()
    SOURCES.write_text("speaker,location\nana,talks\n")
    resolve.run(Resolve(), SOURCES, VIDEO_LIST)
    write_outcome(Path(f"data/download/{one}.json"), Outcome(video=one, status="failed"))
    done = removal.take_down([], ["ana"], "asked")
    assert done.sources == ["talks/1.mp4", "talks/2.mp4"]
    assert {row.video for row in read_takedowns(TAKEDOWNS).rows} == {"", one, two}
    SOURCES.write_text("speaker,location\nanna,talks\n")  # the label of no tombstone
    os.rename("talks/1.mp4", "talks/other.mp4")
    put("talks/3.mp4", "three")
    resolve.run(Resolve(), SOURCES, VIDEO_LIST)
    assert [video.title for video in read_videos(VIDEO_LIST)] == ["3"]
    assert "2 of them were taken down" in capsys.readouterr().out
    assert resolve.is_stale(Resolve(), SOURCES, VIDEO_LIST) is None


def test_a_person_is_found_also_after_the_row_in_the_sources_went(project: Tables) -> None:
    write_videos(VIDEO_LIST, [one for one in read_videos(VIDEO_LIST) if one.speaker != "ana"])
    done = removal.take_down([], ["ana"], "asked for by mail")
    assert done.videos == sorted(GONE)
    assert not [name for name in _files() if Path(name).stem in GONE]


def test_whose_videos_are_is_asked_where_no_table_tells(project: Tables) -> None:
    write_videos(VIDEO_LIST, [one for one in read_videos(VIDEO_LIST) if one.speaker != "ana"])
    for table in (MANIFEST, Path("data/downloads.parquet")):
        table.unlink(missing_ok=True)
    with pytest.raises(VoicefaceError, match="no speaker ana"):
        removal.take_down([], ["ana"], "asked for by mail")
    add_takedowns(TAKEDOWNS, [Takedown(speaker="ana", date="2026-11-26", reason="mail")])
    done = removal.finish()
    assert (done.unknown, done.is_whole) == (["ana"], False)
    assert any("are some of ana?" in line for line in done.words())
    assert not any("checked" in line for line in done.words())


def test_links_copies_and_arrays_without_their_table_are_found(project: Tables) -> None:
    shutil.move("data/media", "elsewhere")
    Path("data/media").symlink_to("../elsewhere")
    shutil.copy("elsewhere/web-a.mkv", "manifests/copy.bin")
    for split in SPLITS:
        for name in ("samples.parquet", "pack.json"):
            Path("data/packed", split, name).unlink()
    part = Path("data/media/.part/web-a")
    done = removal.take_down([], ["ana"], "asked for by mail")
    assert done.is_whole
    assert sorted(path.stem for path in Path("elsewhere").glob("*.mkv")) == sorted(OTHERS)
    assert not Path("manifests/copy.bin").exists()
    assert not list(Path("data/packed").rglob("*.npy"))
    assert not part.exists()


HALF = (
    "data/.gathered.parquet.k2j3.part",
    "data/packed/train/.audio.npy.x1.part",
    "data/review/seen/ab/abcd.4711.part",
    "manifests/.samples.parquet.y2.part",
    "manifests/reviews/bea/.0.jsonl.z3.part",
)


def test_half_files_of_killed_jobs_go_and_are_never_vouched_for(
    project: Tables, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in HALF:
        put(name, "voices")
    put("data/media/.part/web-b1/media.mp4.part", "to be gone on with")
    add_takedowns(TAKEDOWNS, [Takedown(video="web-z", date="2026-11-26", reason="mail")])
    capsys.readouterr()
    assert main(["takedown", "--check"]) == 1
    told = capsys.readouterr().out
    assert all(f"{name}: can't be looked into" in told for name in HALF)
    assert main(["takedown", "web-a", "--reason", "asked"]) == 0
    assert "checked: nothing of it is left" in capsys.readouterr().out
    assert not any(Path(name).exists() for name in HALF)
    assert Path("data/media/.part/web-b1/media.mp4.part").exists()
    assert main(["takedown", "--check"]) == 0


def _add_speakers(path: Path, people: list[str]) -> None:
    """As if they had been added to a recogniser that knows one other: two windows of each."""
    rows = np.arange(1 + len(people), dtype=np.float32)
    labels = np.arange(1, 1 + len(people)).repeat(2)
    tensors = {
        "weight": rows[:, None].repeat(3, 1),
        "bias": rows,
        "vectors": labels[:, None].repeat(3, 1).astype(np.float16),
        "labels": labels,
        "recordings": labels * 0,
        "held_out": labels > 99,
    }
    about = {
        "speakers": ["old", *people],
        "added": dict.fromkeys(people, 4.0),
        "recogniser": "trained anew since",
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(safetensors.numpy.save(tensors, {"about": json.dumps(about)}))


def test_the_voice_of_who_was_added_to_a_recogniser_is_forgotten(
    project: Tables, capsys: pytest.CaptureFixture[str]
) -> None:
    ears = [Path(f"models/{name}/added.safetensors") for name in ("sincnet", "sincnet-2")]
    for path in ears:
        _add_speakers(path, ["Zoe", "bo", "Ana Maria"])
    add_takedowns(TAKEDOWNS, [Takedown(speaker="zoe", date="2026-11-26", reason="mail")])
    assert removal.is_pending()
    assert removal.left_over() == list(map(str, ears))
    assert main(["takedown", "--speaker", "zoe", "--reason", "asked"]) == 0
    assert "forgot the voice: sincnet, sincnet-2" in capsys.readouterr().out
    assert list(added_files(Path("models"))) == [(path, ["bo", "Ana Maria"]) for path in ears]
    kept = safetensors.numpy.load_file(ears[0])
    assert kept["bias"].tolist() == kept["weight"][:, 0].tolist() == [0, 2, 3]
    assert kept["vectors"][:, 0].tolist() == [2, 2, 3, 3]
    assert kept["labels"].tolist() == [1, 1, 2, 2]
    assert (removal.is_pending(), removal.left_over()) == (False, [])
    assert main(["takedown", "--speaker", "Ana Maria", "--reason", "asked"]) == 1
    assert "`voiceface speakers remove` forgets" in capsys.readouterr().err
    ears[0].write_bytes(b"torn")
    assert main(["takedown", "--check"]) == 1
    assert f"{ears[0]}: can't be looked into" in capsys.readouterr().out


def test_tables_that_were_exported_anywhere_in_the_project_are_named(
    project: Tables, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    put("exports/marks.csv", "sample,decision\nweb-a_000000000,keep\n")
    put("exports/people.csv", 'number;who\n1;"Ana"\n')
    put("exports/others.csv", "sample,about\nweb-a2_000000000,with ana\n")
    put("exports/ana.txt", "no table")
    put(".venv/lib/web-a.csv", "")
    shutil.copy(MANIFEST, "exports/manifest.parquet")
    put("exports/large.csv", "x" * 999)
    monkeypatch.setattr("voiceface.traces._LARGEST", 998)
    done = removal.take_down([], ["ana"], "asked")
    assert done.unread == [Path("exports/large.csv"), Path("exports/manifest.parquet")]
    monkeypatch.setattr("voiceface.traces._LARGEST", 1 << 30)
    named = [f"exports/{name}" for name in ("manifest.parquet", "marks.csv", "people.csv")]
    assert removal.left_over() == named
    assert main(["takedown"]) == 1
    told = capsys.readouterr().out
    assert all(name in told for name in named)
    assert "checked" not in told
    assert all(Path(name).exists() for name in named)
