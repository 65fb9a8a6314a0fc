"""The modern GAN's layers against their sources' formulas, and its losses."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from tests.builders import packed_dataset
from voiceface.data.batches import Batch
from voiceface.data.packed import read_packed
from voiceface.model_config import Modern, Train, Voice
from voiceface.models import saved
from voiceface.models.drawing import draw_faces
from voiceface.models.modern import Discriminator, ModernGan, Modulated, augmented, steepness
from voiceface.stages import voice
from voiceface.training.engine import train

CPU = torch.device("cpu")


def test_a_modulated_convolution_is_one_with_weights_of_its_own_for_each_face() -> None:
    torch.manual_seed(0)
    layer, features, style = Modulated(4, 6), torch.randn(2, 4, 8, 8), torch.randn(2, 128)
    found = layer(features, style)
    for face in range(2):
        scaled = layer.weight * layer.scales(style[face])[None, :, None, None]
        weight = scaled / scaled.square().sum((1, 2, 3), keepdim=True).add(1e-8).sqrt()
        plain = functional.conv2d(features[face], weight, padding=1)
        wanted = functional.leaky_relu(plain, 0.2) * 2**0.5
        assert torch.allclose(found[face], wanted, atol=1e-5)


def test_the_penalty_is_the_squared_slope_of_the_score() -> None:
    class Linear(nn.Module):
        def forward(self, faces: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
            return 3 * faces[:, 0, 0, 0] + 4 * faces[:, 1, 2, 2] ** 2

    faces = torch.zeros(2, 3, 4, 4)
    faces[1, 1, 2, 2] = 0.5  # there its slope is 2 · 4 · 0.5
    assert steepness(Linear(), faces, torch.empty(2, 0)).item() == pytest.approx((9 + (9 + 16)) / 2)
    judge = Discriminator()
    steepness(judge, torch.randn(2, 3, 64, 64), torch.randn(2, 64)).backward()
    assert judge.colour.weight.grad is not None  # it can be lowered


def test_augmented_faces_are_changed_each_in_its_own_way_and_can_be_learnt_through() -> None:
    torch.manual_seed(0)
    face = (torch.rand(1, 3, 64, 64) - 0.5).requires_grad_()
    shown = augmented(face.expand(8, -1, -1, -1))
    assert shown.shape == (8, 3, 64, 64)
    assert all(not torch.equal(shown[one], shown[two]) for one in range(8) for two in range(one))
    covered = (shown == 0).all(1).double().mean((1, 2))
    assert ((covered > 0.05) & (covered < 0.5)).all()  # a quarter is covered, less at the edge
    shown.sum().backward()
    assert face.grad is not None
    assert face.grad.abs().sum() > 0


def _batch(count: int = 4) -> Batch:
    random = torch.Generator().manual_seed(0)
    faces = torch.rand(2, count, 3, 64, 64, generator=random) * 2 - 1
    audio = torch.randn(count, 48_000, generator=random) * 0.1
    return Batch(
        audio,
        faces[0],
        faces[1],
        torch.arange(count) % 2,
        torch.full((count,), -1),
        torch.zeros(count, 128),
    )


def test_each_loss_teaches_its_own_network_alone() -> None:
    torch.manual_seed(0)
    model = ModernGan(Modern(), 2)
    taught = {}
    for name, loss in model.step(_batch()):
        loss.backward()
        taught[name] = {
            network
            for network, module in model.networks.items()
            if any(weight.grad is not None and weight.grad.any() for weight in module.parameters())
        }
        for module in model.networks.values():
            module.zero_grad()
    assert taught == {"discriminator": {"discriminator"}, "generator": {"generator"}}


def test_the_better_the_discriminator_tells_the_less_is_its_loss_and_the_more_the_generators() -> (
    None
):
    torch.manual_seed(0)
    model = ModernGan(Modern(gamma=0), 2)
    optimizer = model.optimizers()["discriminator"]
    losses = []
    for _ in range(8):
        step = model.step(_batch())
        _, loss = next(step)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append((loss.item(), next(step)[1].item()))
        step.close()
        model.networks["discriminator"].requires_grad_(True)
    assert losses[-1][0] < losses[0][0]
    assert losses[-1][1] > losses[0][1]


def test_it_learns_through_the_trainer_and_draws_by_voice_and_chance(tmp_path: Path) -> None:
    packed = packed_dataset(tmp_path / "packed", speakers=3, per_speaker=6, test_per_speaker=2)
    config = Train(device="cpu")
    recogniser = Voice(steps=2, batch=4, crop_s=(1.0, 2.0)).model_dump_json()
    voice.run(config, recogniser, "voice", packed, tmp_path / "voice")
    encoder = tmp_path / "voice" / "encoder.safetensors"
    section = Modern(steps=2, batch=4, crop_s=(1.0, 2.0))
    train(config, "modern", section, packed, tmp_path / "modern", encoder)
    model = saved.load(tmp_path / "modern", CPU).model
    sound = read_packed(packed / "test").audio
    drawn = draw_faces(model, sound, CPU, seed=1)
    assert drawn.shape == (6, 64, 64, 3)
    assert np.array_equal(drawn, draw_faces(model, sound, CPU, seed=1))
    assert not np.array_equal(drawn, draw_faces(model, sound, CPU, seed=2))
