"""A modern GAN to hold the published models against: what a voice tells, and chance for the rest.

Shapes (B pairs; c × h × w for pictures), of 64 px:

    voice embedding  as the AC-GAN's: 64, trained before and left as it is
    style            64 + 32 of noise → 128 → 128
    generator        256 × 4 × 4 (learnt) → 128 × 8 × 8 → 64 × 16 × 16 → 32 × 32 × 32
                     → 16 × 64 × 64 → 3 × 64 × 64; two modulated convolutions at each size
    discriminator    the same sizes downwards, residual → 256 → 1, + embedding · features

What it takes from where:

- the generator's modulated convolutions from StyleGAN2 (Karras et al., CVPR 2020, section 2.2);
- the relativistic loss, and the zero-centred gradient penalty on real and on drawn faces, in place
  of every normalisation, from R3GAN (Huang et al., NeurIPS 2024, sections 2 and 3). The penalty is
  taken on a share of each batch: it costs twice what all the rest does;
- the augmentation of all that the discriminator sees from DiffAugment (Zhao et al., NeurIPS 2020);
- the condition as a product with the features from the projection discriminator (Miyato and
  Koyama, ICLR 2018), and the real face of somebody else as what is wrong from Wav2Pix.
"""

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from voiceface.data.batches import Batch
from voiceface.model_config import Modern
from voiceface.models.acgan import EMBEDDING, LEAST_S, RATE_HZ, VoiceEmbedding
from voiceface.models.registry import Entry
from voiceface.models.step import Losses

NOISE, STYLE = 32, 128
CHANNELS = (256, 128, 64, 32, 16)
"""Of the features at 4, 8, 16, 32 and 64 px."""


class Modulated(nn.Module):
    """A 3 × 3 convolution whose input channels a style scales, and LeakyReLU.

    As StyleGAN2's: the output is brought back to unit variance as the scales would change it. With
    the scales on the features and not on the weights, one convolution serves the batch.
    """

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(after, before, 3, 3))
        self.bias = nn.Parameter(torch.zeros(after))
        self.scales = nn.Linear(STYLE, before)
        nn.init.ones_(self.scales.bias)

    def forward(self, features: Tensor, style: Tensor) -> Tensor:
        """(B, before, h, w), (B, 128) → (B, after, h, w)."""
        scales = self.scales(style)
        spread = (scales.square() @ self.weight.square().sum((2, 3)).T + 1e-8).rsqrt()
        mixed = functional.conv2d(features * scales[:, :, None, None], self.weight, padding=1)
        moved = mixed * spread[:, :, None, None] + self.bias[:, None, None]
        return functional.leaky_relu(moved, 0.2) * math.sqrt(2)


class Generator(nn.Module):
    """Embedding and noise → face."""

    def __init__(self) -> None:
        super().__init__()
        self.style = nn.Sequential(
            nn.Linear(EMBEDDING + NOISE, STYLE), nn.LeakyReLU(0.2),
            nn.Linear(STYLE, STYLE), nn.LeakyReLU(0.2),
        )  # fmt: skip
        self.start = nn.Parameter(torch.randn(CHANNELS[0], 4, 4))
        self.first = Modulated(CHANNELS[0], CHANNELS[0])
        self.grow = nn.ModuleList(Modulated(before, after) for before, after in pairwise(CHANNELS))
        self.refine = nn.ModuleList(Modulated(after, after) for after in CHANNELS[1:])
        self.colour = nn.ModuleList(_to_colour(after) for after in CHANNELS)

    def forward(self, embedding: Tensor, noise: Tensor) -> Tensor:
        """(B, 64), (B, 32) → (B, 3, 64, 64), about -1 to 1."""
        style = self.style(torch.cat([_normal(embedding), noise], 1))
        features = self.first(self.start.expand(len(style), -1, -1, -1), style)
        faces: Tensor = self.colour[0](features)
        for grow, refine, colour in zip(self.grow, self.refine, self.colour[1:], strict=True):
            features = refine(grow(_doubled(features), style), style)
            faces = _doubled(faces) + colour(features)
        return faces


class Block(nn.Module):
    """Half the size: two convolutions beside a shortcut."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(before, before, 3, padding=1)
        self.second = nn.Conv2d(before, after, 3, padding=1)
        self.shortcut = nn.Conv2d(before, after, 1, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        """(B, before, h, w) → (B, after, h/2, w/2)."""
        inner = functional.leaky_relu(self.first(features), 0.2)
        inner = functional.leaky_relu(self.second(functional.avg_pool2d(inner, 2)), 0.2)
        short = self.shortcut(functional.avg_pool2d(features, 2))
        return (inner + short) / math.sqrt(2)


class Discriminator(nn.Module):
    """Face and embedding → a score, the higher the more real and the more this voice's."""

    def __init__(self) -> None:
        super().__init__()
        channels = CHANNELS[::-1]
        self.colour = nn.Conv2d(3, channels[0], 1)
        self.blocks = nn.Sequential(*(Block(*pair) for pair in pairwise(channels)))
        self.features = nn.Linear(16 * channels[-1], 256)
        self.score = nn.Linear(256, 1)
        self.condition = nn.Sequential(
            nn.Linear(EMBEDDING, 256), nn.LeakyReLU(0.2), nn.Linear(256, 256)
        )

    def forward(self, faces: Tensor, embedding: Tensor) -> Tensor:
        """(B, 3, 64, 64), (B, 64) → (B,)."""
        maps = self.blocks(functional.leaky_relu(self.colour(faces), 0.2))
        features = functional.leaky_relu(self.features(maps.flatten(1)), 0.2)
        match = (self.condition(_normal(embedding)) * features).sum(1) / math.sqrt(256)
        return (self.score(features).flatten() + match).float()


class ModernGan:
    """The networks, their optimisers, and one training step."""

    drawing = ("encoder", "generator")
    judging = ("discriminator",)
    pretrained = ("encoder",)
    px = 64
    rate_hz = RATE_HZ
    input_samples = round(LEAST_S * RATE_HZ)
    whole = True

    def __init__(self, config: Modern, speakers: int) -> None:
        """Fresh networks, drawn from torch's global random state; the encoder has yet to learn."""
        self.config = config
        self.flip, self.pairing = config.flip, config.pairing
        least, most = config.crop_s
        self.crop_samples = (round(least * RATE_HZ), round(most * RATE_HZ))
        self.networks: dict[str, nn.Module] = {
            "encoder": VoiceEmbedding("paper").requires_grad_(False),
            "generator": Generator(),
            "discriminator": Discriminator(),
        }

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """Adam for each player."""
        return {
            name: torch.optim.Adam(
                self.networks[name].parameters(), self.config.lr, self.config.betas, fused=True
            )
            for name in ("generator", "discriminator")
        }

    def step(self, batch: Batch) -> Losses:
        """One step of both players; each yielded loss changes the weights before it goes on."""
        judge = self.networks["discriminator"]
        embedding = self._embed(batch.audio)
        drawn = self.networks["generator"](embedding, _noise(embedding))

        # Discriminator: this voice's real face is more real than the one drawn for it, and than
        # somebody else's real one.
        shown = augmented(torch.cat([batch.faces, drawn.detach().float(), batch.wrong]))
        real, fake, wrong = judge(shown, embedding.repeat(3, 1)).chunk(3)
        loss_discriminator = _beats(real, fake) + self.config.wrong_weight * _beats(real, wrong)
        few = max(1, round(self.config.penalty_share * len(embedding)))
        faces = torch.cat([part[:few] for part in shown.chunk(3)[:2]])
        penalty = steepness(judge, faces, embedding[:few].repeat(2, 1))
        # Of the two kinds the mean is taken, and their sum is meant: R1 + R2, each with half γ.
        yield "discriminator", loss_discriminator + self.config.gamma * penalty

        # Generator: the other way round.
        judge.requires_grad_(False)
        shown = augmented(torch.cat([batch.faces, drawn.float()]))
        real, fake = judge(shown, embedding.repeat(2, 1)).chunk(2)
        loss_generator = _beats(fake, real)
        yield "generator", loss_generator
        judge.requires_grad_(True)

        return {
            "loss/generator": loss_generator,
            "loss/discriminator": loss_discriminator,
            "penalty": penalty,
            "score/real": real.mean(),
            "score/fake": fake.mean(),
            "score/wrong": wrong.mean(),
        }

    def draw(self, audio: Tensor) -> Tensor:
        """Faces for voices: (B, samples), a second or more → (B, 3, 64, 64), -1 to 1."""
        embedding = self._embed(audio)
        faces: Tensor = self.networks["generator"](embedding, _noise(embedding))
        return faces.clamp(-1, 1)

    def score_faces(self, faces: Tensor, audio: Tensor) -> Tensor:
        """The discriminator's scores of faces with their voices."""
        scores: Tensor = self.networks["discriminator"](faces, self._embed(audio))
        return scores

    @torch.no_grad()
    def _embed(self, audio: Tensor) -> Tensor:
        embedding: Tensor = self.networks["encoder"].eval()(audio)
        return embedding


def steepness(judge: nn.Module, faces: Tensor, embedding: Tensor) -> Tensor:
    """Mean squared length of the gradient of a discriminator's score by the face: a scalar."""
    with torch.autocast(faces.device.type, enabled=False):
        faces = faces.detach().requires_grad_()
        score = judge(faces, embedding).sum()
        (slope,) = torch.autograd.grad(score, faces, create_graph=True)
        return slope.square().sum((1, 2, 3)).mean()


def augmented(faces: Tensor) -> Tensor:
    """Change faces (B, 3, h, w) at random in colour and place, and cover a part (DiffAugment)."""
    count, _, height, width = faces.shape

    def draw(low: float, high: float) -> Tensor:
        return torch.empty(count, 1, 1, 1, device=faces.device).uniform_(low, high)

    faces = faces + draw(-0.5, 0.5)
    grey = faces.mean(1, keepdim=True)
    faces = torch.lerp(grey, faces, draw(0, 2))
    faces = torch.lerp(faces.mean((1, 2, 3), keepdim=True), faces, draw(0.5, 1.5))

    # Both are places in pixels: rows (B, h) to take from a frame of zeros around the face.
    most = height // 8
    moved = functional.pad(faces, (most,) * 4)
    down, across = (draw(0, 2 * most + 1).long().flatten() for _ in range(2))
    rows = down[:, None] + torch.arange(height, device=faces.device)
    columns = across[:, None] + torch.arange(width, device=faces.device)
    each = torch.arange(count, device=faces.device)[:, None, None, None]
    channels = torch.arange(3, device=faces.device)[None, :, None, None]
    moved = moved[each, channels, rows[:, None, :, None], columns[:, None, None, :]]

    def covered(size: int) -> Tensor:
        middle = draw(0, size).flatten()[:, None]
        return (torch.arange(size, device=faces.device) - middle).abs() < size // 4

    hole = covered(height)[:, None, :, None] & covered(width)[:, None, None, :]
    return moved.masked_fill(hole, 0)


def _to_colour(channels: int) -> nn.Conv2d:
    layer = nn.Conv2d(channels, 3, 1)
    nn.init.normal_(layer.weight, 0, 0.1 / math.sqrt(channels))  # grey to begin with
    return layer


def _beats(more: Tensor, less: Tensor) -> Tensor:
    """The loss of one score being above the other of its pair."""
    return functional.softplus(less - more).mean()


def _noise(embedding: Tensor) -> Tensor:
    return torch.randn(len(embedding), NOISE, device=embedding.device)


def _normal(embedding: Tensor) -> Tensor:
    return functional.normalize(embedding.float()) * math.sqrt(EMBEDDING)


def _doubled(maps: Tensor) -> Tensor:
    return functional.interpolate(maps, scale_factor=2, mode="bilinear", align_corners=False)


ENTRY = Entry(Modern, ModernGan, "voiceface; R3GAN and StyleGAN2", "3 to 8 s of mel frames; GAN")
