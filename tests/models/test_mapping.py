"""A voice in face space: its losses, what keeps the topology, and that it learns."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from torch.nn import functional

from tests.builders import packed_dataset
from voiceface.data.batches import Batch, Batches, unit
from voiceface.data.packed import read_packed
from voiceface.errors import VoicefaceError
from voiceface.model_config import Mapping, Train
from voiceface.models import saved
from voiceface.models.acgan import VoiceEmbedding
from voiceface.models.drawing import draw_faces
from voiceface.models.mapping import VoiceMapping, angles, topology
from voiceface.training.engine import train

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("packed")
    return packed_dataset(folder, speakers=4, per_speaker=6, test_per_speaker=3, size=64)


@pytest.fixture(scope="module")
def encoder(packed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A voice embedding that has learnt no more than BatchNorm's statistics: it is enough here."""
    torch.manual_seed(0)
    network = VoiceEmbedding("paper")
    sound = unit(torch.tensor(read_packed(packed / "train").audio))
    for start in range(0, 32_000, 1000):
        network(sound[:, start : start + 16_000])
    path = tmp_path_factory.mktemp("voice") / "encoder.safetensors"
    state = {f"encoder.{name}": value for name, value in network.state_dict().items()}
    path.write_bytes(safetensors.torch.save(state))
    return path


def _batch(count: int = 4) -> Batch:
    random = torch.Generator().manual_seed(0)
    faces = torch.rand(2, count, 3, 64, 64, generator=random) * 2 - 1
    audio = torch.randn(count, 16_000, generator=random) * 0.1
    told = torch.rand(count, 128, generator=random)
    labels, no_emotion = torch.arange(count) % 2, torch.full((count,), -1)
    return Batch(audio, faces[0], faces[1], labels, no_emotion, told)


@pytest.mark.parametrize("identity", ["early", "late"])
def test_the_losses_are_the_sources_and_each_teaches_its_own_networks(identity: str) -> None:
    torch.manual_seed(0)
    config = Mapping(recogniser="voice", identity=identity, gw_weight=3.0)  # type: ignore[arg-type]
    model, batch = VoiceMapping(config, 2), _batch()
    losses, taught = [], []
    for _, loss in model.step(batch):
        loss.backward()
        losses.append(loss.item())
        names = (name for name, one in model.networks.items() if _has_gradient(one))
        taught.append(set(names))
        for network in model.networks.values():
            network.zero_grad()
    assert taught == [{"mapping", "speaker"}, {"decoder"}]
    first, mapped = model.networks["mapping"](model.networks["encoder"].eval()(batch.audio))
    assert mapped.detach().norm(dim=1) == pytest.approx(torch.ones(4), abs=1e-5)
    true = functional.normalize(batch.descriptors)
    angle = torch.arccos((mapped * true).sum(1)).mean()
    guesses = model.networks["speaker"](first if identity == "early" else mapped)
    speaker = -guesses.log_softmax(1)[torch.arange(4), batch.labels].mean()
    wanted = 10 * angle + 5 * speaker + 3 * topology(mapped, true, config.gw_epsilon)
    assert losses[0] == pytest.approx(wanted.item(), rel=1e-4)


def _has_gradient(network: torch.nn.Module) -> bool:
    return any(w.grad is not None and bool(w.grad.any()) for w in network.parameters())


def test_topology_asks_for_the_same_distances_not_the_same_places() -> None:
    random = torch.Generator().manual_seed(0)
    true = functional.normalize(torch.randn(16, 128, generator=random) + 1)
    turned = true @ torch.linalg.qr(torch.randn(128, 128, generator=random)).Q
    crowded = functional.normalize(true + 3)
    assert angles(turned, true).mean() > 1
    assert topology(turned, true, 0.02) < 0.3 * topology(crowded, true, 0.02)


@pytest.mark.parametrize("count", [Mapping().batch, 128])  # the demo's, workflow/paper.yaml's
def test_as_shipped_the_topology_is_best_where_it_is_true_and_stays_there(count: int) -> None:
    true, random = _descriptors(count)
    epsilon, middle = Mapping().gw_epsilon, true.mean(0)
    spread = torch.randn(count, 128, generator=random) * true.std(0)
    worse = {
        "apart by chance": middle + spread,
        "moved": true + 0.5 * spread,
        "nearer together": middle + (true - middle) / 2,
        "at one place": middle.expand(count, -1),
    }
    best = topology(true, true, epsilon)
    for name, places in worse.items():
        assert topology(functional.normalize(places), true, epsilon) > best + 0.005, name

    moved = true.clone().requires_grad_()
    optimizer = torch.optim.Adam([moved], 2e-3)
    for _ in range(8):
        optimizer.zero_grad()
        topology(functional.normalize(moved), true, epsilon).backward()
        optimizer.step()
    places = functional.normalize(moved.detach())
    pairs = torch.stack([torch.pdist(places), torch.pdist(true)])
    assert torch.corrcoef(pairs)[0, 1] > 0.99
    assert (pairs[0].std() / pairs[1].std()).item() == pytest.approx(1, abs=0.05)


def _descriptors(count: int) -> tuple[torch.Tensor, torch.Generator]:
    """Faces as dlib's descriptors lie: far off the middle, and in some 12 directions mostly."""
    random = torch.Generator().manual_seed(0)
    share = 0.13 * 0.85 ** (torch.arange(128) / 2)
    middle = functional.normalize(torch.randn(128, generator=random), dim=0)
    people = middle + share * torch.randn(count, 128, generator=random)
    return functional.normalize(people), random


def test_an_angle_has_a_gradient_even_where_there_is_none() -> None:
    here = functional.normalize(torch.ones(1, 128)).requires_grad_()
    angles(here, here.detach()).sum().backward()
    assert here.grad is not None
    assert here.grad.isfinite().all()


def test_it_is_trained_and_loaded_and_draws(packed: Path, encoder: Path, tmp_path: Path) -> None:
    section = Mapping(recogniser="voice", steps=12, batch=8, crop_s=(2.0, 2.0))
    train(Train(device="cpu"), "mapping", section, packed, tmp_path, encoder)
    assert json.loads((tmp_path / "model.json").read_text())["begins_with"] == "voice"
    model = saved.load(tmp_path, CPU).model
    test = read_packed(packed / "test")
    drawn = draw_faces(model, np.array(test.audio), CPU)
    assert drawn.shape == (12, 64, 64, 3)
    far = np.abs(drawn[:, None].astype(int) - test.faces[None]).mean()
    noise = np.random.default_rng(0).integers(0, 256, drawn.shape)
    assert far < 0.7 * np.abs(noise[:, None] - test.faces[None]).mean()


class Spectrum(torch.nn.Module):
    """A voice embedding of 64 numbers that tells these voices apart without having learnt."""

    def forward(self, audio: torch.Tensor) -> torch.Tensor:
        """(B, samples) → (B, 64): the log of a voice's spectrum up to 1 kHz."""
        spectrum = torch.fft.rfft(audio, 16_000)[:, :1024].abs()
        return spectrum.unflatten(1, (64, 16)).mean(2).log()


def test_voices_come_to_their_speakers_faces(packed: Path) -> None:
    torch.manual_seed(0)
    model = VoiceMapping(Mapping(recogniser="voice"), 4)
    model.networks["encoder"] = Spectrum()
    train, test = read_packed(packed / "train"), read_packed(packed / "test")
    batches = Batches(
        train, px=64, samples=(16_000, 16_000), batch=12, flip=False, seed=0, device=CPU,
        pairing="paired",
    )  # fmt: skip
    optimizer = model.optimizers()["mapping"]
    for _ in range(60):
        _, loss = next(model.step(batches.next()))  # the decoder's is left
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    mapped = model.map_voices(unit(torch.tensor(test.audio[:, :16_000]))).detach()
    true = functional.normalize(torch.tensor(test.descriptors))
    nearest = (mapped @ true.T).argmax(1).numpy()
    assert (test.labels[nearest] == test.labels).mean() > 0.75  # chance: 0.25


def test_faces_without_descriptors_are_one_line(
    packed: Path, encoder: Path, tmp_path: Path
) -> None:
    shutil.copytree(packed, tmp_path / "packed")
    path = tmp_path / "packed/train/descriptors.npy"
    np.save(path, np.full_like(np.load(path), np.nan))
    with pytest.raises(VoicefaceError, match=r"set faces\.descriptor to true"):
        train(
            Train(device="cpu"), "mapping", Mapping(recogniser="voice", batch=4),
            tmp_path / "packed", tmp_path / "out", encoder,
        )  # fmt: skip


def test_sincnets_embedding_is_mapped_as_the_mean_of_its_windows() -> None:
    torch.manual_seed(0)
    model = VoiceMapping(Mapping(hop_s=0.4), 2)
    sound = torch.randn(2, 16_000)
    encoder = model.networks["encoder"].eval()
    windows = torch.stack([sound[:, at : at + 3200] for at in (0, 6400, 12_800)], 1)
    mean = encoder(windows.flatten(0, 1)).unflatten(0, (2, 3)).mean(1)
    wanted = model.networks["mapping"].eval()(mean)[1]
    assert torch.allclose(model.map_voices(sound), wanted, atol=1e-4)
