"""Every damaged file is named, and a repair deletes all that one job made."""

import contextlib
import os
import random
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pytest

from tests.stages.test_resolve import put
from tests.tables_builder import Segment, Tables, write_media
from tests.web_host import make_media
from voiceface import tables, verify
from voiceface.cli import main
from voiceface.config import Download
from voiceface.errors import VoicefaceError
from voiceface.files import (
    page_damage,
    read_json,
    read_table,
    sha256_file,
    write_json,
    write_page,
    write_sealed,
    write_table,
)
from voiceface.layout import DOWNLOADS, MEDIA, OUTCOMES, REPORT, VIDEO_LIST
from voiceface.media.pictures import write_pictures
from voiceface.outcome import read_outcome
from voiceface.repair import repair
from voiceface.sources import Video, built_videos, write_videos
from voiceface.stages import download, downloads
from voiceface.tables import CHUNKS, EXPERIMENT, FACES, HISTORY, SPEECH, SPLITS
from voiceface.traces import OUTPUTS

TEXTS = (".json", ".html")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Tables:
    """Four videos with real media, a lost one, and all that follows, a model and a report."""
    made = Tables(tmp_path_factory.mktemp("built"))
    with contextlib.chdir(made.root):
        _build(made)
    return made


@pytest.fixture
def project(built: Tables, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tables:
    """A copy of what was built."""
    shutil.copytree(built.root, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return built


def _build(made: Tables) -> None:
    Path("Snakefile").touch()
    for number in range(4):
        path = make_media(Path(f"{number}.mp4"), seconds=1 + number / 5)
        video = made.add(f"file-{sha256_file(path)[:12]}", f"person-{number}", [Segment()] * 2)
        os.rename(path, f"{video}.mp4")
        write_table(Path(f"data/chunks/{video}.parquet"), CHUNKS.empty_table())
    made.add_lost("file-0123456789ab", "person-0", "failed")
    lost = "file-0123456789ab"
    for folder, schema in (("speech", SPEECH), ("faces", FACES)):
        write_media(Path(f"data/{folder}/{lost}.parquet"), [], schema)
    write_table(Path(f"data/chunks/{lost}.parquet"), CHUNKS.empty_table())
    made.run_dataset()
    for one in made.videos:
        media, record = Path(f"data/media/{one.video}.mkv"), OUTCOMES / f"{one.video}.json"
        download.run(Download(), one.video, VIDEO_LIST, media, record, '["/"]')
    downloads.run("0.5", VIDEO_LIST, OUTCOMES, Path("data/downloads.parquet"))
    for split in SPLITS:
        made.run_pack(split)
    shutil.copytree("data/packed/train", "data/packed/noisy-1/train")
    for name in ("dataset{}.parquet", "leakage{}.json"):
        shutil.copy(f"manifests/{name.format('')}", f"manifests/{name.format('-noisy-1')}")
    put("reports/experiments/sizes/table.csv", "cell,model")
    about = {"csv_sha256": sha256_file(Path("reports/experiments/sizes/table.csv"))}
    write_sealed(Path("reports/experiments/sizes/about.json"), about)
    write_table(Path("reports/experiments/sizes/table.parquet"), EXPERIMENT.empty_table())
    for name, part in (("m", "generator"), ("voice-steps.3-abc", "encoder")):
        put(f"models/{name}/{part}.safetensors", "weights")
        put(f"models/{name}/README.md", "# wav2pix")
        card = {"sha256": sha256_file(Path(f"models/{name}/{part}.safetensors"))}
        card["page_sha256"] = sha256_file(Path(f"models/{name}/README.md"))
        write_sealed(Path(f"models/{name}/model.json"), card)
        write_table(Path(f"models/{name}/history.parquet"), HISTORY.empty_table())
    write_sealed(Path("models/voice-steps.3-abc/accuracy.json"), {})
    write_sealed(Path("reports/m/metrics.json"), {"metrics": {}})
    for picture in ("models/m/grid.png", "reports/m/generated.png"):
        cv2.imwrite(picture, np.random.default_rng(0).integers(0, 255, (40, 40, 3), np.uint8))
    write_page(REPORT, "<html></html>")


def _files() -> list[Path]:
    """What the jobs made."""
    human = (VIDEO_LIST,)
    paths = (path for top in OUTPUTS for path in sorted(Path(top).rglob("*")))
    return [path for path in paths if path.is_file() and path not in human and path.stat().st_size]


def _break(path: Path, chance: random.Random) -> None:
    """Turn over one bit anywhere."""
    data = bytearray(path.read_bytes())
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    path.unlink()  # not through a link into the source
    path.write_bytes(data)


def test_what_is_whole_is_called_so(project: Tables, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify"]) == 0
    assert "as it was written" in capsys.readouterr().out


@pytest.mark.parametrize("seed", range(4))
def test_one_wrong_bit_in_any_file_is_found(project: Tables, seed: int) -> None:
    chance = random.Random(seed)
    texts = seed < 2
    broken = [path for path in _files() if (path.suffix in TEXTS) == texts]
    assert len(broken) > 10
    for path in broken:
        _break(path, chance)
    found = {damage.path for damage in verify.verify()}
    assert found >= set(broken)
    assert texts or found == set(broken)  # arrays are also wrong by a damaged description


def test_every_bit_of_a_text_counts(tmp_path: Path) -> None:
    write_sealed(tmp_path / "a.json", {"a": 1.5, "b": ["é"]})
    write_page(tmp_path / "a.html", "é")
    for path, check in ((tmp_path / "a.json", verify._json), (tmp_path / "a.html", page_damage)):
        whole = path.read_bytes()
        assert check(path) == ""
        for bit in range(8 * len(whole)):
            data = bytearray(whole)
            data[bit // 8] ^= 1 << bit % 8
            path.write_bytes(data)
            with contextlib.suppress(VoicefaceError):
                assert check(path), bit


def test_a_record_of_an_older_version_is_whole_without_a_digest(project: Tables) -> None:
    path = OUTCOMES / f"{project.videos[0].video}.json"
    write_json(path, read_json(path))
    assert verify.verify() == []


def test_the_page_of_a_model_of_an_older_version_is_whole_without_a_digest(
    project: Tables,
) -> None:
    card = Path("models/m/model.json")
    write_sealed(card, {"sha256": read_json(card)["sha256"]})
    assert verify.verify() == []


def test_a_repair_deletes_the_job_s_files_and_no_other(
    project: Tables, capsys: pytest.CaptureFixture[str]
) -> None:
    video = project.videos[0].video
    before = set(_files())
    for name in (f"data/chunks/{video}.parquet", "data/packed/train/audio.npy"):
        _break(Path(name), random.Random(1))
    assert main(["verify"]) == 1
    assert set(_files()) == before
    assert main(["verify", "--repair"]) == 0
    assert f"data/chunks/{video}.parquet: " in capsys.readouterr().out
    gone = {Path(f"data/{part}/{video}.parquet") for part in ("speech", "chunks", "timeline")}
    gone |= {path for path in before if Path("data/packed/train") in path.parents}
    assert before - set(_files()) == gone
    assert main(["verify"]) == 0


def test_a_medium_that_no_build_could_bring_back_is_left(project: Tables) -> None:
    here, away = (one.video for one in project.videos[:2])
    Path(f"{away}.mp4").unlink()
    for video in (here, away):
        _break(Path(f"data/media/{video}.mkv"), random.Random(2))
    done = repair(verify.verify())
    assert done.left == [Path(f"data/media/{away}.mkv")]
    assert done.deleted == [OUTCOMES / f"{here}.json", Path(f"data/media/{here}.mkv")]


def _relist(project: Tables, video: Video, **changed: str) -> None:
    write_videos(VIDEO_LIST, [replace(one, **changed) for one in project.videos if one == video])


def _flip(record: Path) -> None:
    _break(record, random.Random(1))


def _cut(record: Path) -> None:
    record.write_bytes(b"")


@pytest.mark.parametrize("damage", [_flip, _cut, Path.unlink])
@pytest.mark.parametrize("status", ["gone", "listed"])
def test_a_good_medium_outlives_its_record_and_is_built_from_again(
    project: Tables,
    status: str,
    damage: Callable[[Path], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    video = project.videos[0]
    _relist(project, video, location="https://example.org/a.mp4", status=status)
    record, media = OUTCOMES / f"{video.video}.json", MEDIA / f"{video.video}.mkv"
    before = record.read_bytes(), media.read_bytes()
    damage(record)
    assert main(["verify", "--repair"]) == 0
    assert f"{record}: written anew from its medium, which is kept" in capsys.readouterr().out
    assert (record.read_bytes(), media.read_bytes()) == before  # so that nothing else is stale
    assert [one.video for one in built_videos(VIDEO_LIST, OUTCOMES)] == [video.video]


def test_a_damaged_medium_without_a_record_is_kept_only_where_its_source_is_gone(
    project: Tables, capsys: pytest.CaptureFixture[str]
) -> None:
    video = project.videos[0]
    record, media = OUTCOMES / f"{video.video}.json", MEDIA / f"{video.video}.mkv"
    record.write_bytes(b"")
    _break(media, random.Random(2))
    _relist(project, video, location="https://example.org/a.mp4", status="gone")
    assert main(["verify", "--repair"]) == 1
    assert f"{media}: left as it is" in capsys.readouterr().out
    _relist(project, video, location="https://example.org/a.mp4")
    assert main(["verify", "--repair"]) == 0
    told = f"{media}: deleted; the next build fetches it again, if it is still at https://example"
    assert told in capsys.readouterr().out
    assert {media, record}.isdisjoint(_files())


def test_a_medium_of_which_nothing_tells_whether_it_is_whole_is_kept_and_named(
    project: Tables, capsys: pytest.CaptureFixture[str]
) -> None:
    video = "youtube-0"
    os.rename(MEDIA / f"{project.videos[0].video}.mkv", MEDIA / f"{video}.mkv")
    assert main(["verify", "--repair"]) == 0
    told = capsys.readouterr().out
    assert f"{OUTCOMES / video}.json: nothing is left that tells whether its medium" in told
    assert read_outcome(OUTCOMES / f"{video}.json").status == "ok"


def test_a_medium_that_was_fetched_after_the_table_of_all_is_not_held_against_it(
    project: Tables, capsys: pytest.CaptureFixture[str]
) -> None:
    name, video = project.videos[0].video, "youtube-0"
    media = MEDIA / f"{video}.mkv"
    os.rename(MEDIA / f"{name}.mkv", media)
    rows = read_table(DOWNLOADS, tables.DOWNLOADS).to_pylist()
    rows[0] |= {"video": video, "sha256": "0" * 64}
    write_table(DOWNLOADS, pa.Table.from_pylist(rows, tables.DOWNLOADS))
    os.utime(media, (time.time() + 10,) * 2)
    assert main(["verify", "--repair"]) == 0
    assert f"{OUTCOMES / video}.json: nothing is left that tells" in capsys.readouterr().out
    assert media.exists()


def test_the_record_of_pictures_is_written_anew_with_their_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    pictures = [Path(f"{number}.png") for number in range(3)]
    for path in pictures:
        cv2.imwrite(str(path), np.zeros((32, 32, 3), np.uint8))
    pictures[1].write_bytes(b"")
    media = MEDIA / "pictures-0123456789ab.mkv"
    media.parent.mkdir(parents=True)
    write_pictures(pictures, media, lambda _, data: data)
    (record,) = repair(verify.verify()).renewed
    found = read_outcome(record)
    assert (found.pictures, found.duration_us, found.fps) == (2, None, None)


@pytest.mark.parametrize("name", ["data/packed/train/pack.json", "models/wav2pix/model.json"])
def test_a_card_of_another_form_is_a_line(project: Tables, name: str) -> None:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("[1]")
    assert any(damage.path.parent == path.parent for damage in verify.verify())
