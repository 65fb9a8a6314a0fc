"""A model's discriminator is kept with it, and scores faces the same way ever after."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.builders import packed_dataset, trained_model
from voiceface.model_config import Acgan, Fegan, Wav2pix
from voiceface.models import registry, saved
from voiceface.models.acgan import AcGan
from voiceface.models.fegan import FeGan
from voiceface.models.judging import Judge, judge_names, judge_weights, score_faces
from voiceface.models.registry import Known, Model
from voiceface.models.wav2pix import Wav2Pix

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def voices() -> tuple[np.ndarray, np.ndarray]:
    """66 faces and voices: more than are scored at once."""
    random = np.random.default_rng(0)
    faces = random.integers(0, 256, (66, 64, 64, 3), np.uint8)
    return faces, random.integers(-3000, 3000, (66, 17_000), np.int16)


def test_the_trained_discriminator_is_saved_and_loaded(
    tmp_path: Path, voices: tuple[np.ndarray, np.ndarray]
) -> None:
    packed_dataset(tmp_path / "packed", speakers=2, per_speaker=2, test_per_speaker=0)
    folder = trained_model(tmp_path / "models", tmp_path / "packed", steps=1) / "wav2pix"
    model = saved.load(folder, CPU).model
    torch.manual_seed(0)
    fresh = registry.build("wav2pix", Wav2pix(), 2)
    kept, first = (judge_weights(one)["discriminator"] for one in (model, fresh))
    assert kept.keys() == first.keys()
    # One step of Adam moves each weight by about the learning rate, 4e-4.
    moved = (kept["score.weight"] - first["score.weight"]).abs()
    assert 1e-4 < moved.max() < 1e-3
    assert isinstance(model, Judge)
    few = [part[:2] for part in voices]
    assert np.array_equal(score_faces(model, *few, CPU), score_faces(model, *few, CPU))


def test_scoring_changes_nothing_and_takes_each_face_by_itself(
    voices: tuple[np.ndarray, np.ndarray],
) -> None:
    faces, audio = voices
    torch.manual_seed(0)
    model = Wav2Pix(Wav2pix(), 3)
    networks = [model.networks[name] for name in ("encoder", "discriminator")]
    before = [value.clone() for one in networks for value in one.state_dict().values()]
    scores = score_faces(model, faces, audio, CPU)
    assert scores.shape == (66,)
    assert scores[65:] == pytest.approx(score_faces(model, faces[65:], audio[65:], CPU), abs=1e-5)
    assert len(set(scores.tolist())) == 66
    after = [value for one in networks for value in one.state_dict().values()]
    assert all(torch.equal(one, two) for one, two in zip(before, after, strict=True))
    assert all(one.training for one in networks)


def test_a_face_is_scored_with_all_that_it_would_be_drawn_from() -> None:
    heard = []

    class Listening(AcGan):
        def score_faces(self, faces: Tensor, audio: Tensor) -> Tensor:
            heard.append(audio.shape[1])
            return super().score_faces(faces, audio)

    faces, audio = np.zeros((2, 64, 64, 3), np.uint8), np.ones((2, 40_000), np.int16)
    score_faces(Listening(Acgan(), 2), faces, audio, CPU)
    assert heard == [40_000]


def test_judges_that_were_taught_a_probability_tell_it(
    voices: tuple[np.ndarray, np.ndarray],
) -> None:
    torch.manual_seed(0)
    emotional = Known(emotions=2)
    for model in (AcGan(Acgan(), 2), FeGan(Fegan(px=64), 2, emotional)):
        faces, audio = voices[0][:2], voices[1][:2]
        for name in model.judging:
            model.networks[name].score.bias.data.fill_(5.0)  # type: ignore[union-attr, operator]
        scores = score_faces(model, faces, audio, CPU)
        assert scores == pytest.approx(1 / (1 + np.exp(-5.0)), abs=0.01)


def test_a_model_that_keeps_none_has_none() -> None:
    class Drawing:
        """A model as the trainer asks for it, and no more."""

        networks, drawing, input_samples, px = {}, (), 1, 64

        def draw(self) -> None:
            """Never called."""

    without: Model = Drawing()  # type: ignore[assignment]
    assert not isinstance(without, Judge)
    assert judge_names(without) == ()
    assert judge_weights(without) == {}
