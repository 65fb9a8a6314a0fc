"""Wav2Pix (Duarte et al., ICASSP 2019): a face drawn from one second of raw waveform by a GAN.

Shapes (B pairs; c × n for sound, c × h × w for pictures):

    speech encoder   1 × 16384 → 16 × 4096 → 32 × 1024 → 128 × 256 → 256 × 64 → 512 × 16
                     → 1024 × 4 → 4096 → 256 → 128 → 128
    generator        128 × 1 × 1 → [1024 × 4 × 4 →] 512 → 256 → 128 → 64 → 3 × px × px
    discriminator    3 × px × px → 64 → 128 → 256 → 512 [→ 1024] × 4 × 4,
                     + 128 × 4 × 4 (the embedding, replicated) → 1
    classifier       128 → 200 → speakers

(in brackets: 128 px only). Where the paper and the authors' code differ, `variant: paper` does as
the paper says and `variant: code` as the code does:

    | part           | paper                         | code                                     |
    | encoder        | LeakyReLU                     | LeakyReLU 0.3; ReLU between FC           |
    | generator      | no normalisation named        | spectral norm on each layer              |
    | classifier     | not described                 | BatchNorm after both layers              |
    | D's target     | real 1                        | real 0.9                                 |
    | LSGAN's errors | times ½                       | times 1                                  |

What is a number or a yes or no is a setting of its own in both: the weights of the loss terms (the
paper's loss is LSGAN + identity; the code adds 100 × feature matching and 50 × L1), the rate of the
dropout, and BatchNorm in the encoder (none in the paper's text; the code has it).

The code's input is floored to {-1, 0, 1}, and its spectral norm is taken over the wrong dimension
of the transposed convolutions: bugs, and not built. Sound is scaled to one loudness first.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import spectral_norm

from voiceface.data.batches import Batch
from voiceface.model_config import Wav2pix
from voiceface.models.on_cpu import Convolution, Dropout
from voiceface.models.registry import Entry
from voiceface.models.step import Losses
from voiceface.training.distributed import batch_mean

INPUT_SAMPLES = 16_384
EMBEDDING = 128


class SpeechEncoder(nn.Module):
    """Waveform → embedding."""

    def __init__(self, variant: str, batch_norm: bool, samples: int = INPUT_SAMPLES) -> None:
        super().__init__()
        slope = 0.3 if variant == "code" else 0.2
        channels = (1, 16, 32, 128, 256, 512, 1024)
        layers: list[nn.Module] = []
        for before, after in pairwise(channels):
            layers.append(Convolution(before, after, 15, stride=4, padding=7))
            if batch_norm:
                layers.append(nn.BatchNorm1d(after))
            layers.append(nn.LeakyReLU(slope))
        self.convolutions = nn.Sequential(*layers)
        activation: nn.Module = nn.ReLU() if variant == "code" else nn.LeakyReLU(slope)
        self.project = nn.Sequential(
            nn.Linear(-(-samples // 4**6) * 1024, 256), activation, nn.Linear(256, 128), activation,
            nn.Linear(128, EMBEDDING),
        )  # fmt: skip

    def forward(self, audio: Tensor) -> Tensor:
        """(B, samples) → (B, 128)."""
        loudness = audio.square().mean(1, keepdim=True).sqrt()
        features = self.convolutions((audio / (loudness + 1e-4)).unsqueeze(1))  # B × 1024 × 4
        embedding: Tensor = self.project(features.flatten(1))
        return embedding


class Generator(nn.Module):
    """Embedding → face."""

    def __init__(self, px: int, variant: str, dropout: float) -> None:
        super().__init__()
        channels = [EMBEDDING, *([1024] if px == 128 else []), 512, 256, 128, 64, 3]
        layers: list[nn.Module] = []
        for number, (before, after) in enumerate(pairwise(channels)):
            stride, padding = (1, 0) if number == 0 else (2, 1)
            layer = nn.ConvTranspose2d(before, after, 4, stride, padding, bias=False)
            layers.append(_normalised(layer) if variant == "code" else layer)
            if after != 3:
                layers += [Dropout(dropout), nn.ReLU()]
        self.layers = nn.Sequential(*layers, nn.Tanh())

    def forward(self, embedding: Tensor) -> Tensor:
        """(B, 128) → (B, 3, px, px), -1 to 1."""
        faces: Tensor = self.layers(embedding[:, :, None, None])
        return faces


class Discriminator(nn.Module):
    """Face and embedding → score: 1 for a real face of that voice."""

    def __init__(self, px: int) -> None:
        super().__init__()
        channels = [3, 64, 128, 256, 512, *([1024] if px == 128 else [])]
        layers: list[nn.Module] = []
        for before, after in pairwise(channels):
            layers.append(_normalised(nn.Conv2d(before, after, 4, 2, 1, bias=False)))
            layers.append(nn.LeakyReLU(0.2))
        self.trunk = nn.Sequential(*layers)
        self.score = nn.Conv2d(channels[-1] + EMBEDDING, 1, 4, bias=False)
        nn.init.normal_(self.score.weight, 0, 0.02)

    def forward(self, faces: Tensor, embedding: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 3, px, px), (B, 128) → scores (B,), and the trunk's features (B, c, 4, 4)."""
        features = self.trunk(faces)
        condition = embedding[:, :, None, None].expand(-1, -1, 4, 4).to(features.dtype)
        return self.score(torch.cat([features, condition], 1)).flatten(), features


def _normalised(layer: nn.Module) -> nn.Module:
    # Before the parametrisation, which would hide the weight from a later initialisation.
    nn.init.normal_(layer.weight, 0, 0.02)  # type: ignore[arg-type]
    return spectral_norm(layer)


class Wav2Pix:
    """The networks, their optimisers, and one training step."""

    drawing = ("encoder", "generator")
    judging = ("discriminator",)
    whole = False
    pretrained = ()
    rate_hz = None

    def __init__(self, config: Wav2pix, speakers: int) -> None:
        """Fresh networks, drawn from torch's global random state."""
        self.config = config
        self.px, self.input_samples = config.px, config.input_samples
        self.crop_samples = (config.input_samples, config.input_samples)
        self.flip, self.pairing = config.flip, config.pairing
        self.lsgan_weight = 1.0 if config.variant == "code" else 0.5
        self.networks: dict[str, nn.Module] = {
            "encoder": SpeechEncoder(
                config.variant, config.encoder_batch_norm, config.input_samples
            ),
            "generator": Generator(config.px, config.variant, config.dropout),
            "discriminator": Discriminator(config.px),
            "classifier": _classifier(config.variant, speakers),
        }

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """Adam for the generator's side (encoder, generator, classifier), and the discriminator."""
        ours = [
            weight
            for name in ("encoder", "generator", "classifier")
            for weight in self.networks[name].parameters()
        ]
        return {
            "generator": torch.optim.Adam(
                ours, self.config.lr_generator, self.config.betas, fused=True
            ),
            "discriminator": torch.optim.Adam(
                self.networks["discriminator"].parameters(),
                self.config.lr_discriminator,
                self.config.betas,
                fused=True,
            ),
        }

    def step(self, batch: Batch) -> Losses:
        """One step of both players; each yielded loss changes the weights before it goes on."""
        # Drawn once for both players: the discriminator's update changes nothing in the drawing.
        embedding = self.networks["encoder"](batch.audio)
        drawn = self.networks["generator"](embedding)
        condition = embedding.detach()  # the encoder learns through the drawing alone

        # Discriminator: a real face with its voice is 1; a drawn one, or another's face, is 0.
        faces = torch.cat([batch.faces, drawn.detach(), batch.wrong])
        scores, _ = self.networks["discriminator"](_channels_last(faces), condition.repeat(3, 1))
        real, fake, wrong = scores.float().chunk(3)
        wanted = 0.9 if self.config.variant == "code" else 1.0
        errors = (real - wanted).square() + fake.square() + wrong.square()
        loss_discriminator = self.lsgan_weight * errors.mean()
        yield "discriminator", loss_discriminator

        # Generator: be taken for real, and let the embedding tell who speaks.
        self.networks["discriminator"].requires_grad_(False)
        guesses = self.networks["classifier"](embedding).float()
        terms = self._generator_terms(batch, drawn, condition, guesses)
        loss_generator = torch.stack([weight * term for weight, term in terms.values()]).sum()
        yield "generator", loss_generator
        self.networks["discriminator"].requires_grad_(True)

        return {
            **{f"generator/{name}": term for name, (_, term) in terms.items()},
            "loss/generator": loss_generator,
            "loss/discriminator": loss_discriminator,
            "score/real": real.mean(),
            "score/fake": fake.mean(),
            "score/wrong": wrong.mean(),
            "accuracy/voice": (guesses.argmax(1) == batch.labels).float().mean(),
        }

    def _generator_terms(
        self, batch: Batch, drawn: Tensor, condition: Tensor, guesses: Tensor
    ) -> dict[str, tuple[float, Tensor]]:
        """The terms of the generator's loss, each with its weight."""
        config, judge = self.config, self.networks["discriminator"]
        score, features = judge(drawn, condition)
        # The paper: LSGAN, and the weighted auxiliary identity classification.
        terms = {
            "adversarial": (1.0, self.lsgan_weight * (score.float() - 1).square().mean()),
            "identity": (config.identity_weight, functional.cross_entropy(guesses, batch.labels)),
        }
        # The code's further terms: the same mean features as real faces, and the very pixels.
        if config.feature_matching_weight:
            with torch.no_grad():
                _, true_features = judge(batch.faces, condition)
            difference = batch_mean(features.float()) - batch_mean(true_features.float())
            terms["features"] = (config.feature_matching_weight, difference.square().mean())
        if config.l1_weight:
            terms["l1"] = (config.l1_weight, (drawn.float() - batch.faces).abs().mean())
        return terms

    def draw(self, audio: Tensor) -> Tensor:
        """Faces for voices: (B, samples) → (B, 3, px, px), -1 to 1. Dropout is the only chance."""
        encoder, generator = (self.networks[name] for name in self.drawing)
        encoder.eval()
        for layer in generator.modules():
            layer.train(isinstance(layer, nn.Dropout))  # the paper keeps dropout on when it draws
        faces: Tensor = generator(encoder(audio))
        encoder.train()
        generator.train()
        return faces

    def score_faces(self, faces: Tensor, audio: Tensor) -> Tensor:
        """The discriminator's scores of faces with their voices: 1 is a real pair, 0 is not."""
        encoder, judge = self.networks["encoder"].eval(), self.networks["discriminator"].eval()
        scores: Tensor = judge(_channels_last(faces), encoder(audio))[0]
        encoder.train()
        judge.train()
        return scores


def _classifier(variant: str, speakers: int) -> nn.Module:
    hidden, out = nn.Linear(EMBEDDING, 200), nn.Linear(200, speakers)
    if variant == "code":
        return nn.Sequential(
            hidden, nn.BatchNorm1d(200), nn.LeakyReLU(0.2), out, nn.BatchNorm1d(speakers)
        )
    return nn.Sequential(hidden, nn.LeakyReLU(0.2), out)


def _channels_last(faces: Tensor) -> Tensor:
    return faces.contiguous(memory_format=torch.channels_last)


ENTRY = Entry(Wav2pix, Wav2Pix, "Duarte et al., ICASSP 2019", "1 s of waveform; GAN")
