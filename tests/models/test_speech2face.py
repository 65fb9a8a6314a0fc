"""Speech2Face: the AC-GAN with Tanh and BatchNorm, for all or for one gender."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from tests.builders import packed_dataset
from tests.models.layers import shapes
from voiceface.config import Evaluate
from voiceface.data.batches import unit
from voiceface.data.packed import read_splits
from voiceface.evaluation.drawing import Drawer
from voiceface.model_config import Speech2face, Train
from voiceface.models import saved
from voiceface.models.acgan import RATE_HZ, VoiceEmbedding
from voiceface.models.speech2face import Generator, Speech2Face
from voiceface.training.engine import train

CPU = torch.device("cpu")


def test_the_generator_is_the_ac_gans_with_batch_norm_and_tanh() -> None:
    network = Generator("paper")
    kinds = [type(layer) for layer in network.layers]
    block = [nn.ConvTranspose2d, nn.BatchNorm2d, nn.ReLU]
    assert kinds == [*block * 5, nn.Conv2d, nn.Tanh]
    assert shapes(network, (nn.ConvTranspose2d, nn.Tanh), torch.randn(2, 64)) == [
        (1024, 4, 4), (512, 8, 8), (256, 16, 16), (128, 32, 32), (64, 64, 64), (3, 64, 64),
    ]  # fmt: skip


def test_a_voice_is_repeated_until_it_is_10_s_long() -> None:
    torch.manual_seed(0)
    model = Speech2Face(Speech2face(), 2)
    assert model.crop_samples == (10 * RATE_HZ, 10 * RATE_HZ)
    sound = 0.1 * torch.randn(1, 4 * RATE_HZ)
    whole = torch.cat([sound, sound, sound[:, : 2 * RATE_HZ]], 1)
    assert torch.equal(model.draw(sound), model.draw(whole))
    assert model.networks["generator"].training


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four speakers, and the model of the women among them."""
    folder = tmp_path_factory.mktemp("world")
    packed_dataset(folder / "packed", speakers=4, per_speaker=2, test_per_speaker=2, size=64)
    torch.manual_seed(0)
    encoder = {f"encoder.{k}": v for k, v in VoiceEmbedding("paper").state_dict().items()}
    save_file(encoder, folder / "encoder.safetensors")
    section = Speech2face(gender="female", steps=2, batch=4)
    output = folder / "models" / "speech2face"
    train(Train(device="cpu"), "speech2face", section, folder / "packed", output,
          folder / "encoder.safetensors")  # fmt: skip
    return folder


def test_the_model_of_one_gender_is_evaluated_on_it_alone(world: Path) -> None:
    trained = saved.load(world / "models" / "speech2face", CPU)
    splits = read_splits(world / "packed")
    for name, people in [("test", ["speaker0", "speaker2"]), ("unseen", ["speaker4"])]:
        drawer = Drawer(splits[name], trained.model, Evaluate(device="cpu"), CPU)
        faces = drawer.speech()
        assert sorted({splits[name].people[row] for row in drawer.rows}) == people
        assert set(faces.genders) == {"female"}
        assert len(faces.generated) == 2 * len(people)


def test_it_is_evaluated_with_whole_recordings(
    world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = saved.load(world / "models" / "speech2face", CPU).model
    split, config = read_splits(world / "packed")["test"], Evaluate(device="cpu")
    heard, draw = [], model.draw

    def drawing(audio: torch.Tensor) -> torch.Tensor:
        heard.append(audio)
        return draw(audio)

    monkeypatch.setattr(model, "draw", drawing)
    Drawer(split, model, config, CPU).speech()
    # Two segments of each woman: a voice is its own, and then the other one.
    rows = np.array([[0, 1], [1, 0], [4, 5], [5, 4]])
    assert torch.equal(heard[0], unit(torch.tensor(split.audio[rows].reshape(4, -1))))
