"""FE-GAN's layers and losses, its V-net and front-ends, and what it makes of emotions."""

from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import Tensor, nn

from tests.builders import packed_dataset
from tests.models.layers import shapes
from voiceface import files
from voiceface.data.batches import Batch
from voiceface.data.packed import read_packed
from voiceface.errors import VoicefaceError
from voiceface.model_config import Fegan, Train
from voiceface.models import fegan, saved
from voiceface.models.drawing import draw_faces
from voiceface.models.fegan import FeGan, Generator, Pair
from voiceface.models.judging import Judge
from voiceface.models.registry import Known
from voiceface.models.vnet import RATE_HZ, FrontEnd, VNet, samples_of
from voiceface.stages import voice
from voiceface.training.engine import train

CPU = torch.device("cpu")


def test_the_layers_are_those_of_the_paper() -> None:
    sound = torch.randn(2, samples_of(300, RATE_HZ))
    network = VNet("paper", "fbank", RATE_HZ)
    assert network.features(sound).shape == (2, 64, 300)
    assert shapes(network, (nn.Conv1d, nn.Linear), sound) == [
        (256, 150), (384, 75), (576, 38), (864, 19), (256, 10), (128,),
    ]  # fmt: skip
    config = Fegan(px=128)
    drawing = (nn.Linear, nn.ConvTranspose2d, nn.Conv2d)
    assert shapes(Generator(config), drawing, torch.randn(2, 256)) == [
        (256,), (128,), (1024, 4, 4), (512, 8, 8), (256, 16, 16), (128, 32, 32), (64, 64, 64),
        (32, 128, 128), (3, 128, 128),
    ]  # fmt: skip
    assert shapes(Pair(config, 5), (nn.Conv2d, nn.Linear), torch.randn(2, 3, 128, 128)) == [
        (32, 128, 128), (64, 64, 64), (128, 32, 32), (256, 16, 16), (512, 8, 8), (1024, 4, 4),
        (64, 1, 1), (1,), (5,),
    ]  # fmt: skip


def test_the_codes_layers_differ_where_its_docstring_says() -> None:
    assert VNet("code", "mfcc", RATE_HZ)(torch.randn(2, RATE_HZ)).shape == (2, 64)
    config = Fegan(px=128, variant="code")
    drawn = Generator(config)(torch.randn(2, 64))
    assert drawn.shape == (2, 3, 128, 128)
    assert not [layer for layer in Generator(config).modules() if isinstance(layer, nn.Dropout)]
    assert shapes(Pair(config, 5), (nn.Conv2d,), drawn)[-2:] == [(512, 4, 4), (64, 1, 1)]


@pytest.mark.parametrize(("kind", "bands"), [("fbank", 64), ("mfcc", 13), ("spectrogram", 128)])
def test_frames_are_of_33_ms_every_16_ms_and_normalised(kind: str, bands: int) -> None:
    front_end = FrontEnd(kind, RATE_HZ)
    frames = front_end(0.05 * torch.randn(1, RATE_HZ))[0]
    assert frames.shape == (bands, 1 + (32_000 - 2048) // 512)
    assert frames.mean(1).abs().max() < 1e-3
    assert frames.std(1) == pytest.approx(torch.ones(bands), abs=1e-2)
    assert front_end.spectrum.win_length / RATE_HZ == 0.033
    assert front_end.spectrum.hop_length / RATE_HZ == 0.016


def test_a_voice_is_heard_in_a_batch_as_alone() -> None:
    voices = torch.randn(3, 9 * 16_000)  # more than go through the front-end at a time
    front_end = FrontEnd("fbank", 16_000)
    together = front_end(voices)
    assert together == pytest.approx(torch.cat([front_end(voice[None]) for voice in voices]))


@pytest.mark.parametrize("rate_hz", [16_000, 32_000, 48_000])
def test_a_tone_lies_in_its_band_at_any_sample_rate(rate_hz: int) -> None:
    time = torch.arange(rate_hz) / rate_hz
    burst = torch.sin(2 * torch.pi * 1000 * time) * (time > 0.5)
    noise = 0.02 * torch.randn(1, rate_hz, generator=torch.Generator().manual_seed(0))
    frames = FrontEnd("spectrogram", rate_hz)(burst[None] + noise)[0]
    middle = (torch.arange(frames.shape[1]) * 512 + 1024) / RATE_HZ
    step = torch.where(middle > 0.5, 1.0, -1.0)
    assert (frames @ step).argmax().item() == pytest.approx(1000 / 16_000 * 129 - 1, abs=1)


def _batch(emotions: Tensor | None = None, count: int = 4) -> Batch:
    random = torch.Generator().manual_seed(0)
    faces = torch.rand(2, count, 3, 64, 64, generator=random) * 2 - 1
    audio = torch.randn(count, 32_000, generator=random) * 0.1
    told = torch.full((count,), -1) if emotions is None else emotions
    labels, undescribed = torch.arange(count) % 2, torch.zeros(count, 128)
    return Batch(audio, faces[0], faces[1], labels, told, undescribed)


def _model(emotions: int = 3, **settings: object) -> FeGan:
    torch.manual_seed(0)
    return FeGan(Fegan(dropout=0.0, **settings), 2, Known(16_000, emotions))  # type: ignore[arg-type]


def _losses(model: FeGan, batch: Batch) -> tuple[float, float]:
    torch.manual_seed(1)
    step = model.step(batch)
    return next(step)[1].item(), next(step)[1].item()


def test_the_bands_above_what_the_sound_holds_stay_empty() -> None:
    noise = 0.1 * torch.randn(1, 16_000, generator=torch.Generator().manual_seed(0))
    frames = FrontEnd("spectrogram", 16_000)(noise)[0]
    assert frames[:63].std(1).min() > 0.9
    assert not frames[66:].any()  # 64 of the 128 bands end at 8 kHz


def test_an_accuracy_is_of_what_has_a_label() -> None:
    guesses = torch.eye(2)[[0, 1, 1, 0]]
    assert fegan._accuracy(guesses, torch.tensor([0, 1, 0, -1])) == pytest.approx(2 / 3)
    assert fegan._accuracy(guesses, torch.tensor([-1] * 4)) == 0


@pytest.mark.parametrize("variant", ["paper", "code"])
def test_the_losses_are_the_weighted_sum_of_both_pairs(variant: str) -> None:
    model, batch = _model(variant=variant), _batch(torch.tensor([2, 0, -1, 1]))
    judged, fooled = _losses(model, batch)
    torch.manual_seed(1)
    voices = model.networks["encoder"].eval()(batch.audio)
    if variant == "paper":
        weights, given = (0.7, 0.3), torch.cat([voices, torch.randn(4, 128)], 1)
    else:
        moved = voices / voices.norm(dim=1, keepdim=True)
        moved = moved + 0.05 * torch.randn(4, 64)
        weights, given = (1.0, 0.0), moved / moved.norm(dim=1, keepdim=True)
    drawn = model.networks["generator"](given)
    want_judged, want_fooled = torch.zeros(()), torch.zeros(())
    for pair, weight, labels in zip(
        ("identity", "emotion"), weights, (batch.labels, batch.emotions), strict=True
    ):
        scores, guesses = model.networks[pair](torch.cat([batch.faces, drawn]))
        (real, fake), (known, told) = scores.sigmoid().chunk(2), guesses.chunk(2)
        of_real, of_drawn = (
            sum(-one.log_softmax(1)[n, label] for n, label in enumerate(labels) if label >= 0) / 4
            for one in (known, told)
        )
        want_judged += weight * -(real.log().mean() + (1 - fake).log().mean()) + of_real
        want_judged += of_drawn if variant == "paper" else 0
        want_fooled += weight * -fake.log().mean() + of_drawn
    assert judged == pytest.approx(want_judged.item(), rel=1e-4)
    assert fooled == pytest.approx(want_fooled.item(), rel=1e-4)


def test_each_loss_teaches_its_own_side_alone() -> None:
    model = _model()
    taught = {}
    for name, loss in model.step(_batch(torch.tensor([2, 0, -1, 1]))):
        loss.backward()
        taught[name] = {
            network
            for network, module in model.networks.items()
            if any(w.grad is not None and w.grad.any() for w in module.parameters())
        }
        for module in model.networks.values():
            module.zero_grad()
    assert taught == {"discriminator": {"identity", "emotion"}, "generator": {"generator"}}


@pytest.mark.parametrize("part", ["c1", "c2", "d1", "d2"])
def test_each_component_can_be_left_out(part: str) -> None:
    model, batch = _model(without=(part,)), _batch(torch.tensor([2, 0, 1, 1]))
    for _, loss in model.step(batch):
        loss.backward(retain_graph=True)
    pair = model.networks["identity" if part.endswith("1") else "emotion"]
    left_out = {"c": pair.label, "d": pair.score}[part[0]]
    assert left_out.weight.grad is None or not left_out.weight.grad.any()
    assert _losses(model, batch) != _losses(_model(), batch)


def test_without_emotions_the_pair_of_identity_is_all_and_it_is_said() -> None:
    model = _model(emotions=0)
    assert model.judging == ("identity",)
    assert "tells no emotion" in " ".join(model.notes)
    assert _losses(model, _batch()) == _losses(_model(without=("c2", "d2")), _batch())
    assert "resampled from 16000 to 32000 Hz" in " ".join(_model().notes)
    assert "emotion" not in " ".join(_model().notes)
    classified = _model(emotions=0, without=("d1",))
    assert "classifiers alone" in " ".join(classified.notes)
    assert all(np.isfinite(_losses(classified, _batch())))
    with pytest.raises(VoicefaceError, match="nothing to learn from, as the data tells no emotion"):
        _model(emotions=0, without=("c1", "d1"))


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return packed_dataset(
        tmp_path_factory.mktemp("packed"), speakers=2, per_speaker=6, test_per_speaker=2,
        emotions=("anger", "calm"),
    )  # fmt: skip


@pytest.fixture(scope="module")
def vnet(packed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a trained V-net."""
    output = tmp_path_factory.mktemp("vnet")
    section = '{"steps": 12, "batch": 6, "crop_frames": [64, 80], "lr": 0.1, "halve_every": 4}'
    voice.run(Train(device="cpu", log_every=1), section, "vnet", packed, output)
    return output


def test_the_vnet_learns_speakers_and_its_rate_is_halved(packed: Path, vnet: Path) -> None:
    accuracy = files.read_json(vnet / "accuracy.json")
    assert accuracy["test"]["n"] == 4
    assert accuracy["train"]["top1"] >= 75
    state = torch.load(vnet / "checkpoint" / "last.pt", weights_only=True)["state"]
    # 12 steps of 6 of 12 voices: the last one begins after five and a half epochs.
    assert state["optimizers"]["speaker"]["param_groups"][0]["lr"] == 0.05


def test_it_trains_with_emotions_the_same_each_time_and_draws_from_any_length(
    packed: Path, vnet: Path, tmp_path: Path
) -> None:
    section = Fegan(steps=2, batch=4, crop_frames=(64, 300))
    for name in ("a", "b"):
        config = Train(device="cpu", log_every=1)
        train(config, "fegan", section, packed, tmp_path / name, vnet / "encoder.safetensors")
    first, second = ((tmp_path / n / "generator.safetensors").read_bytes() for n in ("a", "b"))
    assert first == second
    trained = saved.load(tmp_path / "a", CPU)
    assert trained.card["emotions"] == ["anger", "calm"]
    learnt = safetensors.torch.load_file(vnet / "encoder.safetensors")
    kept = trained.model.networks["encoder"].state_dict()
    assert all(torch.equal(learnt[f"encoder.{name}"], value) for name, value in kept.items())
    sound = read_packed(packed / "test").audio
    drawn = [draw_faces(trained.model, np.tile(sound, n), CPU) for n in (1, 4)]
    assert [faces.shape for faces in drawn] == [(4, 64, 64, 3)] * 2
    assert not np.array_equal(*drawn)
    assert isinstance(trained.model, Judge)
    assert trained.model.judging == ("identity", "emotion")
    other = draw_faces(trained.model, sound, CPU, seed=1)
    assert not np.array_equal(drawn[0], other)  # another noise
