"""Foreign folders with planted leaks, and the released Wav2Pix sample where it is there."""

import json
import subprocess
from pathlib import Path
from typing import Any

import cv2
import imageio_ffmpeg
import numpy as np
import pyarrow as pa
import pytest
import soundfile

from tests.builders import drawn_face
from tests.conftest import SHARED, needs
from tests.tables_builder import Tables
from voiceface.check_leakage import check_folder
from voiceface.cli import main
from voiceface.errors import VoicefaceError
from voiceface.files import read_table, write_table
from voiceface.tables import DATASET

RATE_HZ = 16_000


class Foreign:
    """A dataset of a train and a test split without a leak; tests plant what they need."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.rng = np.random.default_rng(3)
        for split, count in (("train", 6), ("test", 3)):
            for number in range(count):
                self.sound(f"{split}/ana/{number}.wav", self.speech())
                self.picture(f"{split}/ana/{number}.png", self.face())

    def speech(self, seconds: float = 2.0) -> np.ndarray:
        """Syllables of changing vowels: int16."""
        at = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
        sound = np.zeros(len(at))
        for start in np.arange(0, seconds, 0.2):
            inside = (at >= start) & (at < start + 0.2)
            pitch, *formants = self.rng.uniform([90, 300, 900, 1500], [220, 800, 1400, 2000])
            for harmonic in range(1, 20):
                hz = harmonic * pitch
                level = sum(np.exp(-(((hz - formant) / 120) ** 2)) for formant in formants)
                sound[inside] += level * np.sin(2 * np.pi * hz * at[inside])
        sound += self.rng.normal(0, 0.02, len(sound))
        return (6000 * sound / np.abs(sound).max()).astype(np.int16)

    def face(self) -> np.ndarray:
        """uint8 (128, 128, 3)."""
        return drawn_face(self.rng.random(8), self.rng)

    def sound(self, name: str, pcm: np.ndarray, rate: int = RATE_HZ) -> np.ndarray:
        path = self._path(name)
        soundfile.write(path, pcm, rate, subtype="PCM_16")
        return pcm

    def picture(self, name: str, picture: np.ndarray, kind: str = ".png") -> np.ndarray:
        self._path(name).write_bytes(cv2.imencode(kind, picture)[1].tobytes())
        return picture

    def leaks(self) -> dict[str, list[tuple[str, str]]]:
        [pair] = check_folder(self.root).pairs
        assert (pair.examined, pair.against) == ("test", "train")
        return {
            kind: [(twin.file, twin.shares_with) for twin in twins]
            for kind, twins in pair.leaks.items()
            if twins
        }

    def _path(self, name: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path


@pytest.fixture
def foreign(tmp_path: Path) -> Foreign:
    return Foreign(tmp_path / "foreign")


def test_splits_that_share_nothing_are_said_to_and_the_exit_status_is_0(
    foreign: Foreign, capsys: pytest.CaptureFixture[str]
) -> None:
    assert foreign.leaks() == {}
    assert main(["check-leakage", str(foreign.root)]) == 0
    assert "test and train share nothing" in capsys.readouterr().out


@pytest.mark.parametrize("length", [64, 65, 700])
def test_a_shared_stretch_of_64_samples_is_found_wherever_it_was_cut(
    foreign: Foreign, length: int
) -> None:
    one, other = foreign.speech(), foreign.speech()
    other[1003 : 1003 + length] = one[20_011 : 20_011 + length]
    foreign.sound("train/bo/x.wav", one)
    foreign.sound("test/bo/y.flac", other)
    [twins] = [pair.leaks["identical_sound"] for pair in check_folder(foreign.root).pairs]
    assert [(twin.file, twin.shares_with) for twin in twins] == [
        ("test/bo/y.flac", "train/bo/x.wav")
    ]
    assert length <= twins[0].samples <= length + 2


def test_a_stretch_of_40_samples_or_of_silence_is_no_leak(foreign: Foreign) -> None:
    one, other = foreign.speech(), foreign.speech()
    other[1003:1043] = one[20_011:20_051]
    one[5000:9000] = other[15_000:19_000] = 0
    one[9000:9100] = other[14_900:15_000] = 3
    foreign.sound("train/bo/x.wav", one)
    foreign.sound("test/bo/y.wav", other)
    assert foreign.leaks() == {}


def test_a_recording_of_hours_is_read_in_parts_and_no_stretch_is_lost_between_them(
    foreign: Foreign,
) -> None:
    long = np.tile(foreign.speech(5.0), 15) + foreign.rng.integers(-9, 9, 75 * RATE_HZ)
    clip = foreign.speech()
    clip[100:300] = long[30 * RATE_HZ - 100 : 30 * RATE_HZ + 100]
    foreign.sound("train/bo/long.wav", long.astype(np.int16))
    foreign.sound("test/bo/clip.wav", clip)
    assert foreign.leaks()["identical_sound"] == [("test/bo/clip.wav", "train/bo/long.wav")]


def test_sound_that_was_encoded_again_and_cut_elsewhere_is_nearly_the_same(
    foreign: Foreign, tmp_path: Path
) -> None:
    pcm = foreign.sound("train/bo/x.wav", foreign.speech(4.0))
    soundfile.write(tmp_path / "cut.wav", pcm[9_777:50_000], RATE_HZ)
    ffmpeg = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", "-i"]
    lossy, back = tmp_path / "cut.mp3", tmp_path / "back.wav"
    subprocess.run([*ffmpeg, tmp_path / "cut.wav", "-b:a", "48k", lossy], check=True)
    subprocess.run([*ffmpeg, lossy, "-ar", "22050", back], check=True)
    foreign.sound("test/bo/y.wav", soundfile.read(back, dtype="int16")[0], 22_050)
    assert foreign.leaks() == {"near_sound": [("test/bo/y.wav", "train/bo/x.wav")]}


def test_a_face_with_the_same_pixels_is_found_whatever_its_name_and_type(foreign: Foreign) -> None:
    face = foreign.face()
    foreign.picture("train/bo/x.bmp", face, ".bmp")
    foreign.picture("test/bo/y.jpg", face, ".png")  # named wrongly, as in the released data
    assert foreign.leaks() == {"identical_face": [("test/bo/y.jpg", "train/bo/x.bmp")]}


def test_a_face_that_was_encoded_again_is_nearly_the_same(foreign: Foreign) -> None:
    coarse = foreign.rng.uniform(0, 255, (12, 12, 3)).astype(np.uint8)
    face = cv2.resize(coarse, (180, 180), interpolation=cv2.INTER_CUBIC)
    foreign.picture("train/bo/x.png", face)
    foreign.picture("test/bo/y.png", cv2.resize(face, (200, 200)), ".jpg")
    assert foreign.leaks() == {"near_face": [("test/bo/y.png", "train/bo/x.png")]}


def test_a_leak_makes_the_exit_status_1_and_the_json_lists_every_file(
    foreign: Foreign, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sound = foreign.speech()
    for number in range(5):
        foreign.sound(f"test/bo/{number}.wav", np.roll(sound, 1000 * number))
    foreign.sound("train/bo/x.wav", sound)
    (foreign.root / "train/bo/notes.txt").write_text("no sound")
    (foreign.root / "train/bo/bad.flac").write_bytes(b"fLaC, cut off")
    output = tmp_path / "found.json"
    assert main(["check-leakage", str(foreign.root), "--json", str(output)]) == 1
    shown = capsys.readouterr().out
    assert "test and train: 5 of 8 (62.5%) in test share at least 64 samples" in shown
    assert "and 2 more" in shown
    found: dict[str, Any] = json.loads(output.read_text())
    [pair] = found["pairs"]
    assert pair["identical_sound"]["count"] == 5
    assert [one["file"] for one in pair["identical_sound"]["files"]] == [
        f"test/bo/{number}.wav" for number in range(5)
    ]
    assert found["splits"]["train"]["others"] == 1
    [problem] = found["splits"]["train"]["unreadable"]
    assert "bad.flac" in problem


def test_media_of_other_types_are_counted_and_nothing_is_claimed_of_them(
    foreign: Foreign, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, head in (("a.mp3", b"ID3"), ("b.MP3", b""), ("c.ogg", b"OggS"), ("d", b"OggS")):
        (foreign.root / "train/ana" / name).write_bytes(head)
    (foreign.root / "test/notes.txt").write_text("no sound")
    (foreign.root / "other").mkdir()
    (foreign.root / "other/e.bin").write_bytes(b"\0\0\0\x20ftypmp42")
    assert main(["check-leakage", str(foreign.root)]) == 0
    shown = capsys.readouterr().out
    assert "warning: 5 media files not examined" in shown
    assert "2 .mp3, 1 .bin, 1 .ogg, 1 no ending" in shown
    assert "test and train share nothing of what was examined\n" in shown
    assert "share nothing\n" not in shown


@pytest.mark.parametrize("wrong", ["nowhere", "foreign/train"])
def test_a_folder_without_two_splits_is_one_line(foreign: Foreign, wrong: str) -> None:
    with pytest.raises(VoicefaceError) as told:
        check_folder(foreign.root.parent / wrong)
    assert "\n" not in str(told.value)


def test_without_a_folder_this_build_is_proved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tables = Tables(tmp_path)
    for video in "abc":
        tables.add(f"file-{video}", "ana", 2)
    tables.run_dataset()
    monkeypatch.chdir(tmp_path)
    assert main(["check-leakage", "--json", "proof.json"]) == 0
    shown = capsys.readouterr().out
    assert "no leak: the splits share nothing; compared were 3 videos, 6 segments of" in shown
    assert json.loads(Path("proof.json").read_text())["samples"]["train"] == 4
    break_dataset(tables)
    assert main(["check-leakage"]) == 1
    assert "leak between splits" in capsys.readouterr().err


def break_dataset(tables: Tables) -> None:
    """Put the samples of one video into two splits."""
    rows = read_table(tables.dataset, DATASET).to_pylist()
    rows[0]["split"] = "test" if rows[0]["split"] == "train" else "train"
    write_table(tables.dataset, pa.Table.from_pylist(rows, DATASET))


def test_the_released_sample_is_caught() -> None:
    sample = SHARED / "wav2pix-sample"
    needs(sample.is_dir(), "the sample of Wav2Pix's data")
    [pair] = check_folder(sample).pairs
    assert (pair.examined, pair.sounds) == ("test", 120)
    assert len(pair.leaks["identical_sound"]) >= 119
