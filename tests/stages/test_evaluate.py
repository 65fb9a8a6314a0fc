"""The evaluate stage, end to end on a barely trained model."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.builders import packed_dataset, trained_model
from voiceface import files
from voiceface.config import Evaluate
from voiceface.errors import VoicefaceError
from voiceface.evaluation.registry import BY_INPUT, METRICS
from voiceface.stages.evaluate import run

CONFIG = Evaluate(
    device="cpu", voices_per_split=4, classifier_steps=3, seconds=(10.0, 1.0), babble_snr_db=(5.0,)
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with packed/ and models/wav2pix/."""
    folder = tmp_path_factory.mktemp("world")
    packed_dataset(folder / "packed", speakers=2, per_speaker=4, unseen_speakers=0)
    trained_model(folder / "models", folder / "packed")
    return folder


@pytest.fixture(scope="module")
def evaluated(world: Path) -> Path:
    run(CONFIG, "wav2pix", world / "packed", world / "models", world / "report")
    return world / "report"


def test_every_metric_has_a_value_or_a_reason_in_every_split(evaluated: Path) -> None:
    report = json.loads((evaluated / "metrics.json").read_text())
    assert set(report["metrics"]) == set(METRICS)
    for name, metric in report["metrics"].items():
        assert set(metric["values"]) == {"train", "test", "unseen"}, name
        for split, value in metric["values"].items():
            assert value["n"] == {"train": 4, "test": 4, "unseen": 0}[split]
            has_values = value["generated"] is not None and value["real"] is not None
            assert has_values or value["note"], (name, split)
    assert report["metrics"]["gender"]["values"]["test"]["generated"] is not None
    assert report["metrics"]["matching"]["values"]["test"]["trials"] == 4 * 2 * 2
    assert report["metrics"]["landmarks"]["values"]["train"]["real"] == 100
    assert report["classifier"] == "built-in"


def test_noise_and_each_length_of_speech_have_their_metrics(evaluated: Path) -> None:
    report = json.loads((evaluated / "metrics.json").read_text())
    assert report["input_s"] == 1.024
    assert set(report["noise"]) == set(report["seconds"]) == set(report["babble"]) == set(BY_INPUT)
    assert report["babble"]["matching"]["train"]["5"]["n"] == 4
    assert {split: set(of) for split, of in report["seconds"]["matching"].items()} == {
        "train": {"1", "10"}, "test": {"1", "10"}, "unseen": set(),
    }  # fmt: skip
    assert report["seconds"]["matching"]["train"]["10"]["n"] == 4
    scores = report["noise"]["discriminator"]["train"], report["metrics"]["discriminator"]
    assert scores[0]["generated"] != scores[1]["values"]["train"]["generated"]
    noise, speech = report["noise"]["cosine"], report["metrics"]["cosine"]["values"]
    assert noise["train"]["real"] == speech["train"]["real"]
    assert noise["train"]["generated"] != speech["train"]["generated"]


def test_the_papers_figures_are_marked_as_of_other_data(evaluated: Path) -> None:
    paper = json.loads((evaluated / "metrics.json").read_text())["paper"]
    assert paper["values"]["identity"] == {"train": 76.81, "test": 50.08}
    assert paper["values"]["landmarks"] == {"all": 90.25}
    assert "not on this dataset" in paper["note"]


def test_the_inputs_digests_tell_what_was_evaluated(world: Path, evaluated: Path) -> None:
    inputs = json.loads((evaluated / "metrics.json").read_text())["inputs"]
    weights = world / "models" / "wav2pix" / "generator.safetensors"
    assert inputs["model"] == files.sha256_file(weights)
    assert len(set(inputs["packed"].values())) == 3


def test_the_picture_shows_true_faces_over_drawn_ones(evaluated: Path) -> None:
    picture = np.asarray(Image.open(evaluated / "generated.png"))
    # Two rows each for train and test, none for unseen, which has no samples, and one for noise.
    assert picture.shape[0] == 5 * 66
    assert picture[:66, 90:].std() > 20


def test_evaluating_twice_gives_the_same_bytes(world: Path, evaluated: Path) -> None:
    run(CONFIG, "wav2pix", world / "packed", world / "models", world / "again")
    for name in ("metrics.json", "generated.png"):
        assert (world / "again" / name).read_bytes() == (evaluated / name).read_bytes()


def test_a_model_that_is_not_trained_is_one_line(world: Path) -> None:
    with pytest.raises(VoicefaceError, match="holds no trained model"):
        run(CONFIG, "acgan", world / "packed", world / "models", world / "no")


def test_a_model_of_other_speakers_is_one_line(world: Path, tmp_path: Path) -> None:
    packed_dataset(tmp_path, speakers=3, per_speaker=1, test_per_speaker=1)
    with pytest.raises(VoicefaceError, match="trained on other speakers"):
        run(CONFIG, "wav2pix", tmp_path, world / "models", world / "no")


def test_damaged_weights_are_one_line(world: Path, tmp_path: Path) -> None:
    shutil.copytree(world / "models", tmp_path / "models")
    weights = tmp_path / "models" / "wav2pix" / "generator.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(VoicefaceError, match="not a model of this version") as caught:
        run(CONFIG, "wav2pix", world / "packed", tmp_path / "models", tmp_path / "no")
    assert "\n" not in str(caught.value)
