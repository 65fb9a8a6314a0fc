"""The AC-GAN's layers and its losses, and the speaker recognition that it begins with."""

from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import nn

from tests.builders import packed_dataset
from tests.models.layers import shapes
from voiceface import files
from voiceface.data.batches import Batch
from voiceface.data.packed import read_packed
from voiceface.errors import VoicefaceError
from voiceface.model_config import Acgan, Train, Voice
from voiceface.models import saved
from voiceface.models.acgan import AcGan, Discriminator, Generator, LogMel, VoiceEmbedding
from voiceface.models.drawing import draw_faces
from voiceface.models.voice import SpeakerRecognition
from voiceface.stages import voice
from voiceface.training.engine import train

CPU = torch.device("cpu")


def _millions(network: nn.Module) -> float:
    return round(sum(weight.numel() for weight in network.parameters()) / 1e6, 2)


def test_the_layers_are_those_of_the_papers_table() -> None:
    sound = torch.randn(2, 16_000 * 3)
    assert shapes(VoiceEmbedding("paper"), (nn.Conv1d,), sound) == [
        (256, 149), (384, 75), (576, 38), (864, 19), (64, 10),
    ]  # fmt: skip
    assert shapes(Generator("paper"), (nn.ConvTranspose2d, nn.Conv2d), torch.randn(2, 64)) == [
        (1024, 4, 4), (512, 8, 8), (256, 16, 16), (128, 32, 32), (64, 64, 64), (3, 64, 64),
    ]  # fmt: skip
    faces = torch.randn(2, 3, 64, 64)
    assert shapes(Discriminator("paper", 5), (nn.Conv2d, nn.Linear), faces) == [
        (32, 64, 64), (64, 32, 32), (128, 16, 16), (256, 8, 8), (512, 4, 4), (64, 1, 1), (1,), (5,),
    ]  # fmt: skip


def test_the_codes_variant_has_its_numbers_of_weights() -> None:
    assert _millions(VoiceEmbedding("code")) == 2.67
    assert _millions(Generator("code")) == 12.19
    assert _millions(Discriminator("code", 10)) == 3.31


def test_a_pure_tone_stands_out_in_its_own_mel_bin_and_bins_are_normalised() -> None:
    time = torch.arange(16_000) / 16_000
    burst = torch.sin(2 * torch.pi * 1000 * time) * (time > 0.5)
    frames = LogMel()(burst[None] + 0.05 * torch.randn(1, 16_000))[0]
    assert frames.shape == (64, 97)  # 1 + (16000 - 512) // 160: 25 ms windows in an FFT of 32 ms
    assert frames.mean(1).abs().max() < 1e-4
    assert frames.std(1) == pytest.approx(torch.ones(64), abs=1e-3)
    # The tone's bin goes up once and stays there; the others are noise all along.
    step = torch.where(torch.arange(97) * 160 > 8000, 1.0, -1.0)
    mel = 2595 * np.log10(1 + 1000 / 700) / (2595 * np.log10(1 + 8000 / 700)) * 65 - 1
    assert abs((frames @ step).argmax().item() - mel) <= 1


def _batch(count: int = 4) -> Batch:
    random = torch.Generator().manual_seed(0)
    faces = torch.rand(2, count, 3, 64, 64, generator=random) * 2 - 1
    audio = torch.randn(count, 48_000, generator=random) * 0.1
    labels, no_emotion = torch.arange(count) % 2, torch.full((count,), -1)
    return Batch(audio, faces[0], faces[1], labels, no_emotion, torch.zeros(count, 128))


@pytest.mark.parametrize("variant", ["paper", "code"])
def test_each_loss_teaches_its_own_networks_alone(variant: str) -> None:
    torch.manual_seed(0)
    model = AcGan(Acgan(variant=variant), 2)  # type: ignore[arg-type]
    taught = {}
    for name, loss in model.step(_batch()):
        loss.backward()
        taught[name] = {
            network
            for network, module in model.networks.items()
            if any(w.grad is not None and w.grad.any() for w in module.parameters())
        }
        for module in model.networks.values():
            module.zero_grad()
    assert taught == {"discriminator": {"discriminator"}, "generator": {"generator"}}


def test_the_losses_are_those_of_the_paper() -> None:
    torch.manual_seed(0)
    model, batch = AcGan(Acgan(), 2), _batch()
    step = model.step(batch)
    judged, drawn_loss = next(step)[1].item(), next(step)[1].item()
    judge = model.networks["discriminator"]
    drawn = model.networks["generator"](model.networks["encoder"].eval()(batch.audio))
    (real, real_who), (fake, fake_who) = judge(batch.faces), judge(drawn)
    who = [
        -guess.log_softmax(1)[torch.arange(4), batch.labels].mean()
        for guess in (real_who, fake_who)
    ]
    wanted = -real.sigmoid().log().mean() - (1 - fake.sigmoid()).log().mean() + who[0]
    assert judged == pytest.approx(wanted.item(), rel=1e-4)
    assert drawn_loss == pytest.approx((-fake.sigmoid().log().mean() + who[1]).item(), rel=1e-4)


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return packed_dataset(
        tmp_path_factory.mktemp("packed"), speakers=3, per_speaker=6, test_per_speaker=2
    )


def test_some_of_many_samples_are_judged_and_each_by_its_whole_recording(
    packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = []

    def recognise(self: object, audio: torch.Tensor) -> torch.Tensor:
        heard.append(tuple(audio.shape))
        return torch.arange(3).expand(len(audio), 3)

    monkeypatch.setattr(SpeakerRecognition, "recognise", recognise)
    monkeypatch.setattr(voice, "JUDGED", 4)
    recogniser = Voice(steps=1, batch=4, crop_s=(1.0, 1.0)).model_dump_json()
    voice.run(Train(device="cpu"), recogniser, "voice", packed, tmp_path)
    assert heard == [(4, 20 * 16_000), (4, 2 * 4 * 16_000)]  # 6 and 2 segments of each speaker
    accuracy = files.read_json(tmp_path / "accuracy.json")
    assert [accuracy[split]["n"] for split in ("train", "test")] == [4, 4]


def test_the_embedding_learns_speakers_and_stays_as_it_is_in_the_gan(
    packed: Path, tmp_path: Path
) -> None:
    config = Train(device="cpu")
    recogniser = Voice(steps=40, batch=9, crop_s=(1.0, 2.0)).model_dump_json()
    voice.run(config, recogniser, "voice", packed, tmp_path / "voice")
    accuracy = files.read_json(tmp_path / "voice" / "accuracy.json")
    assert accuracy["test"]["n"] == 6
    assert accuracy["test"]["top1"] >= 80
    assert accuracy["test"]["chance"] == pytest.approx(100 / 3)
    encoder = tmp_path / "voice" / "encoder.safetensors"
    section = Acgan(steps=2, batch=4, crop_s=(3.0, 6.0))
    train(config, "acgan", section, packed, tmp_path / "acgan", encoder)
    model = saved.load(tmp_path / "acgan", CPU).model
    kept = model.networks["encoder"].state_dict()
    learnt = safetensors.torch.load_file(encoder)
    assert all(torch.equal(learnt[f"encoder.{name}"], value) for name, value in kept.items())
    sound = read_packed(packed / "test").audio
    whole = draw_faces(model, sound, CPU)
    assert whole.shape == (6, 64, 64, 3)
    assert not np.array_equal(whole, draw_faces(model, sound[:, :32_000], CPU))  # all of it counts


def test_without_a_trained_embedding_it_is_one_line(packed: Path, tmp_path: Path) -> None:
    section = Acgan(steps=1, batch=4)
    with pytest.raises(VoicefaceError, match="no file: takes a trained encoder; train"):
        train(Train(device="cpu"), "acgan", section, packed, tmp_path / "out")
    wrong = tmp_path / "wrong.safetensors"
    wrong.write_bytes(b"no weights")
    with pytest.raises(VoicefaceError, match="not of this model's layers") as caught:
        train(Train(device="cpu"), "acgan", section, packed, tmp_path / "out", wrong)
    assert "\n" not in str(caught.value)
