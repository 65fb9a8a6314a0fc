"""The AC-GAN of Wen, Singh and Raj (NeurIPS 2019): a face drawn from a voice of any length.

Shapes (B pairs; c × n for sound, c × h × w for pictures), the paper's Table 2:

    voice embedding  64 × T (log-mel frames) → 256 → 384 → 576 → 864 → 64 × T/32 → mean: 64
    generator        64 × 1 × 1 → 1024 × 4 × 4 → 512 → 256 → 128 → 64 × 64 × 64 → 3 × 64 × 64
    discriminator    3 × 64 × 64 → 32 → 64 → 128 → 256 → 512 × 4 × 4 → 64 × 1 × 1 → 1
    classifier       the discriminator's layers, shared, but the last → speakers

The voice embedding network learns to tell speakers (see voice.py) before the rest, which then
leaves it as it is. Where the paper and the authors' code differ, `variant: paper` does as the paper
says and `variant: code` as the code does:

    | part            | paper                         | code                                    |
    | embedding       | BatchNorm and ReLU at the end | a bias instead                          |
    |                 | as it is                      | scaled to length 1, with noise to learn |
    | G's and D's     | 3 × 3                         | 4 × 4                                   |
    | convolutions    |                               |                                         |
    | D's last layers | LeakyReLU, then a bias        | neither                                 |

The code's features keep a state from one frame to the next: a bug, and not built.
"""

from itertools import pairwise

import torch
import torchaudio
from torch import Tensor, nn
from torch.nn import functional

from voiceface.data.batches import Batch
from voiceface.model_config import Acgan
from voiceface.models.on_cpu import in_parts, power
from voiceface.models.registry import Entry
from voiceface.models.step import Losses

RATE_HZ = 16_000
MELS = 64
EMBEDDING = 64
NOISE = 0.05
"""Standard deviation of what the code adds to an embedding's parts to learn from."""
LEAST_S = 1.0
"""A face is drawn from at least so much sound."""


class LogMel(nn.Module):
    """Waveform → 64 log-mel bins of 25 ms every 10 ms, each with mean 0 and variance 1."""

    def __init__(self) -> None:
        super().__init__()
        self.spectrum = torchaudio.transforms.Spectrogram(
            n_fft=512, win_length=400, hop_length=160, power=None, center=False
        )
        self.mel = torchaudio.transforms.MelScale(MELS, RATE_HZ, n_stft=257)

    def forward(self, audio: Tensor) -> Tensor:
        """(B, samples) → (B, 64, frames)."""
        with torch.autocast(audio.device.type, enabled=False):
            return in_parts(self._frames, audio)

    def _frames(self, audio: Tensor) -> Tensor:
        frames = (self.mel(power(self.spectrum(audio))) + 1e-9).log()
        spread, mean = torch.std_mean(frames, 2, keepdim=True)
        normal: Tensor = (frames - mean) / (spread + 1e-5)
        return normal


class VoiceEmbedding(nn.Module):
    """Waveform → embedding."""

    def __init__(self, variant: str) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, after in pairwise((MELS, 256, 384, 576, 864, EMBEDDING)):
            plain = variant == "code" and after == EMBEDDING
            layers.append(nn.Conv1d(before, after, 3, stride=2, padding=1, bias=plain))
            if not plain:
                layers += [nn.BatchNorm1d(after), nn.ReLU()]
        self.features = LogMel()
        self.convolutions = nn.Sequential(*layers)

    def forward(self, audio: Tensor) -> Tensor:
        """(B, samples), a second or more → (B, 64)."""
        embedding: Tensor = self.convolutions(self.features(audio)).float().mean(2)
        return embedding


class Generator(nn.Module):
    """Embedding → face."""

    def __init__(self, variant: str) -> None:
        super().__init__()
        kernel, extra = (4, 0) if variant == "code" else (3, 1)
        layers: list[nn.Module] = [nn.ConvTranspose2d(EMBEDDING, 1024, 4), nn.ReLU()]
        for before, after in pairwise((1024, 512, 256, 128, 64)):
            layers += [nn.ConvTranspose2d(before, after, kernel, 2, 1, extra), nn.ReLU()]
        self.layers = nn.Sequential(*layers, nn.Conv2d(64, 3, 1))

    def forward(self, embedding: Tensor) -> Tensor:
        """(B, 64) → (B, 3, 64, 64), about -1 to 1."""
        faces: Tensor = self.layers(embedding[:, :, None, None])
        return faces


class Discriminator(nn.Module):
    """Face → a score, positive for a real one, and whose face it may be."""

    def __init__(self, variant: str, speakers: int) -> None:
        super().__init__()
        code = variant == "code"
        layers: list[nn.Module] = [nn.Conv2d(3, 32, 1), nn.LeakyReLU(0.2)]
        for before, after in pairwise((32, 64, 128, 256, 512)):
            layers += [nn.Conv2d(before, after, 4 if code else 3, 2, 1), nn.LeakyReLU(0.2)]
        layers += [nn.Conv2d(512, 64, 4), nn.Flatten()]
        self.trunk = nn.Sequential(*layers, *([] if code else [nn.LeakyReLU(0.2)]))
        self.score = nn.Linear(64, 1, bias=not code)
        self.speaker = nn.Linear(64, speakers, bias=not code)

    def forward(self, faces: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 3, 64, 64) → logits (B,) of a real face, and (B, speakers)."""
        features = self.trunk(faces)
        return self.score(features).flatten().float(), self.speaker(features).float()


class AcGan:
    """The networks, their optimisers, and one training step."""

    drawing = ("encoder", "generator")
    judging = ("discriminator",)
    pretrained = ("encoder",)
    px = 64
    rate_hz = RATE_HZ
    input_samples = round(LEAST_S * RATE_HZ)
    whole = True

    def __init__(self, config: Acgan, speakers: int) -> None:
        """Fresh networks, drawn from torch's global random state; the encoder has yet to learn."""
        self.config = config
        self.flip, self.pairing = config.flip, config.pairing
        least, most = config.crop_s
        self.crop_samples = (round(least * RATE_HZ), round(most * RATE_HZ))
        self.networks: dict[str, nn.Module] = {
            "encoder": VoiceEmbedding(config.variant).requires_grad_(False),
            "generator": Generator(config.variant),
            "discriminator": Discriminator(config.variant, speakers),
        }

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """Adam for the generator, and for the discriminator with the classifier."""
        return {
            name: torch.optim.Adam(
                self.networks[name].parameters(), self.config.lr, self.config.betas, fused=True
            )
            for name in ("generator", "discriminator")
        }

    def step(self, batch: Batch) -> Losses:
        """One step of both players; each yielded loss changes the weights before it goes on."""
        embedding = self._embed(batch.audio)
        if self.config.variant == "code":
            moved = embedding + NOISE * torch.randn_like(embedding)
            embedding = functional.normalize(moved)
        drawn = self.networks["generator"](embedding)

        # Discriminator and classifier: tell real faces from drawn ones, and whose the real are.
        judge, count = self.networks["discriminator"], len(drawn)
        scores, people = judge(torch.cat([batch.faces.to(drawn.dtype), drawn.detach()]))
        real, fake = scores.chunk(2)
        known = people[:count]
        loss_classifier = functional.cross_entropy(known, batch.labels)
        loss_discriminator = _is(real, 1.0) + _is(fake, 0.0)
        yield "discriminator", loss_discriminator + loss_classifier

        # Generator: be taken for real, and for the speaker.
        judge.requires_grad_(False)
        scores, guesses = judge(drawn)
        adversarial, identity = _is(scores, 1.0), functional.cross_entropy(guesses, batch.labels)
        yield "generator", adversarial + identity
        judge.requires_grad_(True)

        return {
            "generator/adversarial": adversarial,
            "generator/identity": identity,
            "loss/generator": adversarial + identity,
            "loss/discriminator": loss_discriminator,
            "loss/classifier": loss_classifier,
            "score/real": real.sigmoid().mean(),
            "score/fake": fake.sigmoid().mean(),
            "accuracy/real": (known.argmax(1) == batch.labels).float().mean(),
            "accuracy/drawn": (guesses.argmax(1) == batch.labels).float().mean(),
        }

    def draw(self, audio: Tensor) -> Tensor:
        """Faces for voices: (B, samples), a second or more → (B, 3, 64, 64), -1 to 1."""
        faces: Tensor = self.networks["generator"](self._embed(audio))
        return faces.clamp(-1, 1)

    def score_faces(self, faces: Tensor, audio: Tensor) -> Tensor:
        """How probable the discriminator takes a face to be real for; it hears no voice."""
        scores: Tensor = self.networks["discriminator"](faces)[0]
        return scores.sigmoid()

    @torch.no_grad()
    def _embed(self, audio: Tensor) -> Tensor:
        embedding: Tensor = self.networks["encoder"].eval()(audio)
        return functional.normalize(embedding) if self.config.variant == "code" else embedding


def _is(scores: Tensor, target: float) -> Tensor:
    return functional.binary_cross_entropy_with_logits(scores, torch.full_like(scores, target))


ENTRY = Entry(
    Acgan,
    AcGan,
    "Wen, Singh and Raj, NeurIPS 2019",
    "3 to 8 s of mel frames; GAN",
)
