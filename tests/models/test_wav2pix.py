"""Wav2Pix's layers and its losses."""

from typing import Literal

import pytest
import torch
from torch import Tensor, nn

from tests.models.layers import shapes
from voiceface.data.batches import Batch
from voiceface.model_config import Wav2pix
from voiceface.models.step import Losses
from voiceface.models.wav2pix import Discriminator, Generator, SpeechEncoder, Wav2Pix


def _batch(px: int = 64, count: int = 4) -> Batch:
    random = torch.Generator().manual_seed(0)
    faces = torch.rand(2, count, 3, px, px, generator=random) * 2 - 1
    audio = torch.randn(count, 16_384, generator=random) * 0.1
    labels, no_emotion = torch.arange(count) % 2, torch.full((count,), -1)
    return Batch(audio, faces[0], faces[1], labels, no_emotion, torch.zeros(count, 128))


def test_the_encoder_has_the_papers_layers() -> None:
    encoder = SpeechEncoder("paper", batch_norm=False)
    assert shapes(encoder, (nn.Conv1d, nn.Linear), torch.randn(2, 16_384)) == [
        (16, 4096), (32, 1024), (128, 256), (256, 64), (512, 16), (1024, 4), (256,), (128,), (128,),
    ]  # fmt: skip
    convolutions = [layer for layer in encoder.modules() if isinstance(layer, nn.Conv1d)]
    assert {(layer.kernel_size, layer.stride) for layer in convolutions} == {((15,), (4,))}


@pytest.mark.parametrize(
    ("px", "channels"), [(64, (512, 256, 128, 64, 3)), (128, (1024, 512, 256, 128, 64, 3))]
)
def test_the_generator_doubles_from_one_pixel_to_the_picture(
    px: int, channels: tuple[int, ...]
) -> None:
    generator = Generator(px, "paper", 0.5)
    sizes = [(c, 4 * 2**n, 4 * 2**n) for n, c in enumerate(channels)]
    assert shapes(generator, (nn.ConvTranspose2d,), torch.randn(2, 128)) == sizes
    assert generator(torch.randn(2, 128)).abs().max() <= 1


@pytest.mark.parametrize(
    ("px", "channels"), [(64, (64, 128, 256, 512)), (128, (64, 128, 256, 512, 1024))]
)
def test_the_discriminator_joins_the_embedding_at_four_by_four(
    px: int, channels: tuple[int, ...]
) -> None:
    judge = Discriminator(px)
    found = shapes(judge, (nn.Conv2d,), torch.randn(2, 3, px, px), torch.randn(2, 128))
    assert found == [
        *((c, px // 2 ** (n + 1), px // 2 ** (n + 1)) for n, c in enumerate(channels)),
        (1, 1, 1),
    ]
    assert judge.score.in_channels == channels[-1] + 128


def test_the_discriminators_layers_are_spectrally_normalised() -> None:
    judge = Discriminator(64)
    for _ in range(20):  # power iteration takes place in training passes
        judge(torch.randn(1, 3, 64, 64), torch.randn(1, 128))
    for layer in judge.trunk:
        if isinstance(layer, nn.Conv2d):
            largest = torch.linalg.matrix_norm(layer.weight.flatten(1), 2)
            assert largest.item() == pytest.approx(1, abs=0.1)
            raw = layer.parametrizations.weight.original  # type: ignore[union-attr]
            assert raw.std().item() == pytest.approx(0.02, rel=0.1)


def test_the_discriminator_sees_the_voice() -> None:
    judge, faces = Discriminator(64).eval(), torch.randn(2, 3, 64, 64)
    one, _ = judge(faces, torch.zeros(2, 128))
    other, _ = judge(faces, torch.ones(2, 128))
    assert not torch.allclose(one, other, atol=1e-4)


def _gradients(model: Wav2Pix) -> dict[str, set[str]]:
    """The networks that each loss gives a gradient that is not zero."""
    seen: dict[str, set[str]] = {}
    for name, loss in model.step(_batch()):
        loss.backward()
        seen[name] = {
            network
            for network, module in model.networks.items()
            if any(w.grad is not None and w.grad.any() for w in module.parameters())
        }
        for module in model.networks.values():
            module.zero_grad()
    return seen


def test_each_loss_teaches_its_own_networks_alone() -> None:
    torch.manual_seed(0)
    assert _gradients(Wav2Pix(Wav2pix(), 2)) == {
        "discriminator": {"discriminator"},
        "generator": {"encoder", "generator", "classifier"},
    }


def test_the_encoder_learns_through_the_drawing_and_not_through_the_condition() -> None:
    torch.manual_seed(0)
    model = Wav2Pix(Wav2pix(identity_weight=0, l1_weight=0), 2)
    for weight in model.networks["generator"].parameters():
        weight.data.zero_()  # no gradient passes through the drawing
    assert "encoder" not in _gradients(model)["generator"]


@pytest.mark.parametrize(
    ("variant", "judging", "drawing"), [("paper", 0.5, 0.5), ("code", 0.81, 1)]
)
def test_a_score_of_nothing_costs_what_the_paper_or_the_code_says(
    variant: Literal["paper", "code"], judging: float, drawing: float
) -> None:
    model = Wav2Pix(Wav2pix(variant=variant), 2)
    for weight in model.networks["discriminator"].score.parameters():  # type: ignore[union-attr]
        weight.data.zero_()
    metrics = _metrics(model.step(_batch()))
    assert metrics["loss/discriminator"].item() == pytest.approx(judging)
    assert metrics["generator/adversarial"].item() == pytest.approx(drawing)


def _metrics(step: Losses) -> dict[str, Tensor]:
    """Those of a step that changes no weights."""
    while True:
        try:
            next(step)
        except StopIteration as end:
            return end.value


def _learn(model: Wav2Pix) -> dict[str, Tensor]:
    optimizers, step = model.optimizers(), model.step(_batch(model.px))
    while True:
        try:
            name, loss = next(step)
        except StopIteration as end:
            return end.value
        loss.backward()
        optimizers[name].step()
        for optimizer in optimizers.values():
            optimizer.zero_grad()


@pytest.mark.parametrize(
    "config",
    [
        Wav2pix(px=128),
        Wav2pix(variant="code", feature_matching_weight=100),
        Wav2pix(l1_weight=0, identity_weight=0),
    ],
    ids=["128 px", "code", "plain LSGAN"],
)
def test_one_step_changes_every_network_and_tells_finite_losses(config: Wav2pix) -> None:
    torch.manual_seed(0)
    model = Wav2Pix(config, 2)
    before = {
        name: [weight.clone() for weight in network.parameters()]
        for name, network in model.networks.items()
    }
    metrics = _learn(model)
    assert all(torch.isfinite(value) for value in metrics.values())
    for name, network in model.networks.items():
        if name == "classifier" and not config.identity_weight:
            continue
        changed = [
            not torch.equal(old, new)
            for old, new in zip(before[name], network.parameters(), strict=True)
        ]
        assert any(changed), name


def test_dropout_stays_on_when_it_draws() -> None:
    torch.manual_seed(0)
    audio = _batch().audio
    with torch.no_grad():
        with_dropout, without = Wav2Pix(Wav2pix(dropout=0.5), 2), Wav2Pix(Wav2pix(dropout=0), 2)
        assert not torch.equal(with_dropout.draw(audio), with_dropout.draw(audio))
        assert torch.equal(without.draw(audio), without.draw(audio))


def test_dropout_drops_its_share_and_keeps_the_mean() -> None:
    ones = torch.ones(4, 32, 16, 16).to(memory_format=torch.channels_last).requires_grad_()
    torch.manual_seed(0)
    dropout = next(m for m in Generator(64, "paper", 0.3).modules() if isinstance(m, nn.Dropout))
    left = dropout(ones)
    assert left.unique().tolist() == [0.0, pytest.approx(1 / 0.7)]
    assert (left == 0).float().mean().item() == pytest.approx(0.3, abs=0.01)
    left.sum().backward()
    assert torch.equal(ones.grad, left)
    assert torch.equal(dropout.eval()(ones), ones)


def test_drawing_leaves_no_trace_in_the_networks() -> None:
    torch.manual_seed(0)
    model = Wav2Pix(Wav2pix(variant="code"), 2)  # with batch and spectral norms, which keep counts
    before = {
        (name, key): value.clone()
        for name, network in model.networks.items()
        for key, value in network.state_dict().items()
    }
    with torch.no_grad():
        model.draw(_batch().audio)
    for name, network in model.networks.items():
        assert all(module.training for module in network.modules()), name
        for key, value in network.state_dict().items():
            assert torch.equal(before[name, key], value), key


def test_a_voices_loudness_changes_nothing() -> None:
    torch.manual_seed(0)
    encoder, audio = SpeechEncoder("paper", batch_norm=False).eval(), _batch().audio
    assert torch.allclose(encoder(audio), encoder(audio / 4), atol=1e-2)
