"""A recogniser is trained, and more people are added to it from their recordings."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from tests.builders import packed_dataset
from tests.voice_builder import RATE, spoken
from voiceface import files
from voiceface.cli import main
from voiceface.errors import VoicefaceError
from voiceface.model_config import Sincnet, Train
from voiceface.models.known import load_speakers
from voiceface.speakers import add_speakers, list_speakers, remove_speaker
from voiceface.stages import voice
from voiceface.studio.voices import load_recogniser

CPU = torch.device("cpu")
TRAINED = ["speaker0", "speaker1", "speaker2"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a SincNet that knows three speakers."""
    root = tmp_path_factory.mktemp("trained")
    packed = packed_dataset(
        root / "data/packed", speakers=3, per_speaker=4, test_per_speaker=2, size=32
    )
    section = Sincnet(steps=14, batch=12, hop_s=0.4).model_dump_json()
    voice.run(Train(device="cpu"), section, "sincnet", packed, root / "models/sincnet")
    shutil.rmtree(root / "models/sincnet/checkpoint")
    return root


@pytest.fixture
def project(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, in which `people` holds the recordings of two more."""
    shutil.copytree(trained, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    for name, person in (("ana", 3), ("bo", 8)):
        for number in range(2):
            path = tmp_path / "people" / name / f"{number}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(path, spoken(person, 6, number), RATE)
    return tmp_path


def test_it_learns_through_the_trainer_and_tells_windows_and_recordings(trained: Path) -> None:
    accuracy = files.read_json(trained / "models/sincnet/accuracy.json")
    for split, count in (("train", 12), ("test", 6)):
        assert accuracy[split]["n"] == count
        assert accuracy[split]["top1"] >= 80
        assert 50 < accuracy[split]["window_top1"] <= 100
        assert accuracy[split]["chance"] == pytest.approx(100 / 3)
    assert load_speakers(trained / "models/sincnet", CPU).speakers == TRAINED


def test_people_are_added_and_nobody_is_forgotten(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = Path("models/sincnet")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert main(["speakers", "add", "people"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0] == "added: ana, bo"
    assert told[1].startswith("speakers known before, 6 held-out recordings: ")
    assert told[2].startswith("new speakers, 2 held-out recordings: unknown before, ")
    assert "; of those learnt from: 100.0 % (" in told[2]
    # What was built of it is as it was: nothing becomes stale.
    assert {path: path.read_bytes() for path in before} == before
    known = load_speakers(folder, CPU)
    assert known.speakers == [*TRAINED, "ana", "bo"]
    for person, name in ((3, "ana"), (8, "bo")):
        unheard = spoken(person, 4, seed=7)
        found = known.who(unheard)
        assert found[0][0] == name
        assert sum(likely for _, likely in found) == pytest.approx(1, abs=1e-4)
        studio = load_recogniser(Path("models"), [], [], CPU)
        assert studio is not None
        assert "the 5 people it knows, 2 of them added to it." in studio.about
        near = studio.tell(unheard, RATE)
        assert [one.name for one in near] == [name for name, _ in found[:3]]
    test = np.load("data/packed/test/audio.npy")
    right = [known.who(sound)[0][0] for sound in test]
    assert sum(name == TRAINED[row // 2] for row, name in enumerate(right)) >= 5

    shutil.rmtree("people/bo")
    Path("people/ana").rename("people/carl")
    for number in range(2):
        soundfile.write(f"people/carl/{number}.wav", spoken(11, 6, number), RATE)
    outcome = add_speakers(Path("people"), folder, Path("data/packed"))
    assert outcome.old_before.count == 6 + 2  # ana's and bo's held-out parts, too
    assert outcome.old_after.recordings >= outcome.old_before.recordings - 15
    assert outcome.new_after.windows > 20
    assert load_speakers(folder, CPU).who(spoken(3, 4, seed=7))[0][0] == "ana"

    remove_speaker("ana", folder)
    known = load_speakers(folder, CPU)
    assert known.speakers == [*TRAINED, "bo", "carl"]
    assert known.who(spoken(8, 4, seed=7))[0][0] == "bo"
    assert set(known.examples.labels.tolist()) == {3, 4}
    assert main(["speakers", "list"]) == 0
    listed = capsys.readouterr().out.splitlines()
    assert listed[0] == "speaker0: trained on"
    assert listed[3].startswith("bo: added with ")
    assert listed[3].endswith(" % of those learnt from")
    with pytest.raises(VoicefaceError, match="ana: was not added to models/sincnet"):
        remove_speaker("ana", folder)


def _write(path: str, sound: np.ndarray) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, sound, RATE)


def test_hidden_files_are_left_and_who_says_little_is_told_of(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree("people")
    _write("people/zoe/a.wav", spoken(5, 4))
    shutil.copy("people/zoe/a.wav", "people/zoe/copy.wav")  # no second recording
    Path("people/zoe/._a.wav").write_text("no sound")
    Path("people/.ipynb_checkpoints").mkdir()
    assert main(["speakers", "add", "people"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0] == "added: zoe"
    assert told[2].startswith("new speakers, 1 held-out recording: ")
    assert told[3].startswith("! zoe: only 0.")
    assert told[3].endswith("; give more recordings of them")


def test_what_can_t_be_added_is_one_line_and_adds_nobody(project: Path) -> None:
    def refused(words: str) -> None:
        with pytest.raises(VoicefaceError, match=words) as told:
            add_speakers(Path("people"), Path("models/sincnet"), Path("data/packed"))
        assert "\n" not in str(told.value)
        assert list_speakers(Path("models/sincnet")) == [f"{name}: trained on" for name in TRAINED]

    shutil.rmtree("people/bo")
    shutil.move("people/ana", "ana")
    _write("people/zoe/a.wav", np.zeros(5 * RATE, np.int16))
    refused("people/zoe: no speech is heard; give recordings")
    _write("people/zoe/a.wav", spoken(5, 1.5))
    refused(r"people/zoe: \d\.\d s of speech; give recordings with 3 s or more")
    Path("people/zoe/a.wav").write_text("no sound")
    refused(r"people/zoe/a\.wav: can't be opened")
    Path("people/zoe/a.wav").unlink()
    refused("people/zoe: holds no recording")
    Path("people/zoe").rename("people/zoe\n")
    refused(r"people/zoe\\n.*: no location or label .*; rename it")
    Path("people/zoe\n").rename("people/zoe")
    _write("people/zoe/a.wav", spoken(5, 6))
    shutil.copytree("people/zoe", "people/mia")
    refused("people/zoe/a.wav: is the recording people/mia/a.wav, too")
    shutil.rmtree("people/mia")
    Path("people/zoe/a.wav").unlink()
    Path("people/zoe").rename("people/Ana")
    shutil.move("ana", "people/ana")
    refused("people/ana: somebody of that name is known already")
    shutil.rmtree("people/ana")
    Path("people/Ana").rename("people/speaker1")
    refused("people/speaker1: somebody of that name is known already")
    shutil.rmtree("people")
    refused("people: no such folder")
    Path("people").mkdir()
    refused("people: holds no folder.* recordings$")
    _write("people/a.wav", spoken(5, 3))
    refused("people: holds no folder .*; give the folder above, .")


def test_a_recogniser_that_changed_since_is_one_line(project: Path) -> None:
    folder = Path("models/sincnet")
    add_speakers(Path("people"), folder, Path("data/packed"))
    added = folder / "added.safetensors"
    whole = added.read_bytes()
    added.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(VoicefaceError, match=r"added\.safetensors: damaged .*; delete it"):
        load_speakers(folder, CPU)
    added.write_bytes(whole)
    card = files.read_json(folder / "model.json")
    files.write_sealed(folder / "model.json", card | {"sha256": "other"})
    with pytest.raises(VoicefaceError, match="was trained anew since; delete it, and add"):
        load_speakers(folder, CPU)
    added.unlink()
    files.write_sealed(folder / "model.json", card | {"data": "other"})
    with pytest.raises(VoicefaceError, match="trained on other data than data/packed"):
        add_speakers(Path("people"), folder, Path("data/packed"))
    shutil.rmtree(folder)
    with pytest.raises(VoicefaceError, match="holds no trained model"):
        load_speakers(folder, CPU)
