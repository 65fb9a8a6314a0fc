"""FE-GAN (Fang et al. 2021): a face drawn from a voice, with the emotion that it speaks with.

Shapes (B pairs; c × h × w), at 128 px:

    V-net (vnet.py)          sound → 128
    G-net                    128, with 128 of noise → 256 → 128 → 1024 × 4 × 4 → 512 → 256 → 128
                             → 64 → 32 × 128 × 128 → 3 × 128 × 128
    D1 and C1, D2 and C2     3 × 128 × 128 → 32 → 64 → 128 → 256 → 512 → 1024 × 4 × 4 → 64 × 1 × 1
                             → 1, and → speakers (C1) or emotions (C2)

At 64 px the layer of 1024 is left out. V-net learns to tell speakers before the rest, which then
leaves it as it is. A discriminator and a classifier share all layers but the last: one pair looks
for the identity, one for the emotion. The losses add up to the triple loss of the paper,

    L = L_G + λ1 L_D1 + λ2 L_D2 + L_C1 + L_C2,   λ1 = 0.7, λ2 = 0.3,

whose parts the two sides lower in turn: D and C those of telling real from drawn faces, whose they
are and their emotion; G those of being taken for real, for the speaker and for the emotion. Where
no emotion is told, the pair of identity is all there is. Where the paper and the authors' code
differ, `variant: paper` does as the paper says and `variant: code` as the code does (V-net too):

    | part           | paper                        | code                                    |
    | G's input      | noise beside the embedding,  | the embedding, of length 1, with 0.05   |
    |                | through two layers           | of noise added to learn                 |
    | G's dropout    | after each layer             | none                                    |
    | λ1, λ2         | 0.7, 0.3                     | 1, 0: D2 never learns                   |
    | C1, C2 learn   | of real and of drawn faces   | of real ones                            |
    | D's last       | 1024 channels; LeakyReLU and | 512 channels; neither                   |
    | layers         | a bias                       |                                         |

The code takes MFCC (`front_end: mfcc`) where the paper's best is Fbank.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from voiceface.data.batches import Batch, repeated
from voiceface.errors import VoicefaceError
from voiceface.model_config import Fegan
from voiceface.models.registry import Entry, Known
from voiceface.models.step import Losses
from voiceface.models.vnet import EMBEDDING, LEAST_S, REPEATED_S, VNet, rate_notes, samples_of

NOISE = 128
CODE_NOISE = 0.05
"""Standard deviation of what the code adds to an embedding's parts."""
WEIGHTS = {
    "paper": {"d1": 0.7, "d2": 0.3, "c1": 1.0, "c2": 1.0},
    "code": {"d1": 1.0, "d2": 0.0, "c1": 1.0, "c2": 1.0},
}
"""Of the losses: λ1, λ2, and those of the classifiers."""
PAIRS = {"identity": ("d1", "c1"), "emotion": ("d2", "c2")}
"""The discriminator and the classifier of each pair."""


class Generator(nn.Module):
    """Embedding, and noise → face."""

    def __init__(self, config: Fegan) -> None:
        super().__init__()
        code, size = config.variant == "code", EMBEDDING[config.variant]
        self.mix = nn.Sequential()
        if not code:
            for before, after in ((size + NOISE, 256), (256, 128)):
                self.mix += nn.Sequential(
                    nn.Linear(before, after), nn.BatchNorm1d(after), nn.ReLU()
                )
        layers: list[nn.Module] = []
        widths = (size, *((1024,) if config.px == 128 else ()), 512, 256, 128, 64, 32)
        for number, (before, after) in enumerate(pairwise(widths)):
            stride, padding = (2, 1) if number else (1, 0)
            layers.append(nn.ConvTranspose2d(before, after, 4, stride, padding))
            layers += [nn.BatchNorm2d(after), nn.ReLU()]
            layers += [] if code else [nn.Dropout(config.dropout)]
        self.layers = nn.Sequential(*layers, nn.Conv2d(32, 3, 1), nn.Tanh())

    def forward(self, embedding: Tensor) -> Tensor:
        """(B, 128 and 128 of noise) → (B, 3, px, px), -1 to 1; the code's takes (B, 64)."""
        faces: Tensor = self.layers(self.mix(embedding)[:, :, None, None])
        return faces


class Pair(nn.Module):
    """A discriminator and a classifier of faces on shared layers."""

    def __init__(self, config: Fegan, classes: int) -> None:
        super().__init__()
        code = config.variant == "code"
        widest = () if config.px == 64 else (512,) if code else (1024,)
        widths = (32, 64, 128, 256, 512, *widest)
        layers: list[nn.Module] = [nn.Conv2d(3, widths[0], 1), nn.LeakyReLU(0.2)]
        for before, after in pairwise(widths):
            layers += [nn.Conv2d(before, after, 4, 2, 1), nn.LeakyReLU(0.2)]
        layers += [nn.Conv2d(widths[-1], 64, 4), nn.Flatten()]
        self.trunk = nn.Sequential(*layers, *([] if code else [nn.LeakyReLU(0.2)]))
        self.score = nn.Linear(64, 1, bias=not code)
        self.label = nn.Linear(64, classes, bias=not code)

    def forward(self, faces: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 3, px, px) → logits (B,) of a real face, and (B, classes)."""
        features = self.trunk(faces)
        return self.score(features).flatten().float(), self.label(features).float()


class FeGan:
    """The networks, their optimisers, and one training step."""

    drawing = ("encoder", "generator")
    pretrained = ("encoder",)
    whole = True
    repeats = True

    def __init__(self, config: Fegan, speakers: int, known: Known) -> None:
        """Fresh networks, drawn from torch's global random state; the V-net has yet to learn.

        Raises:
            VoicefaceError: no component is left to learn from.
        """
        self.config, self.px, self.rate_hz = config, config.px, known.rate_hz
        self.flip, self.pairing = config.flip, config.pairing
        self.notes = rate_notes(known.rate_hz)
        if not known.emotions:
            self.notes += ("the data tells no emotion: the pair of identity learns alone",)
        self.input_samples = round(LEAST_S * known.rate_hz)
        least, most = config.crop_frames
        self.crop_samples = (samples_of(least, self.rate_hz), samples_of(most, self.rate_hz))
        self.weights = WEIGHTS[config.variant] | dict.fromkeys(config.without, 0.0)
        classes = {"identity": speakers, "emotion": known.emotions}
        self.judging = tuple(
            name
            for name, (d, c) in PAIRS.items()
            if classes[name] and self.weights[d] + self.weights[c]
        )
        if not self.judging:
            raise VoicefaceError(
                f"fegan.without: {', '.join(config.without)} leaves nothing to learn from"
                + ("" if known.emotions else ", as the data tells no emotion")
            )
        if not any(self.weights[PAIRS[name][0]] for name in self.judging):
            self.notes += ("no discriminator is left: the classifiers alone teach to draw",)
        self.networks: dict[str, nn.Module] = {
            "encoder": VNet(config.variant, config.front_end, known.rate_hz).requires_grad_(False),
            "generator": Generator(config),
        }
        self.networks |= {name: Pair(config, classes[name]) for name in self.judging}

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """Adam for the generator, and for the discriminators with the classifiers."""
        sides = {"generator": ("generator",), "discriminator": self.judging}
        return {
            side: torch.optim.Adam(
                [weight for name in names for weight in self.networks[name].parameters()],
                self.config.lr,
                self.config.betas,
                fused=True,
            )
            for side, names in sides.items()
        }

    def step(self, batch: Batch) -> Losses:
        """One step of both sides; each yielded loss changes the weights before it goes on."""
        embedding = self._embed(batch.audio)
        if self.config.variant == "code":
            moved = embedding + CODE_NOISE * torch.randn_like(embedding)
            embedding = functional.normalize(moved)
        drawn = self._drawn(embedding)
        labels = {"identity": batch.labels, "emotion": batch.emotions}

        # Discriminators and classifiers: tell real faces from drawn ones, whose they are, and with
        # what emotion.
        faces = torch.cat([batch.faces.to(drawn.dtype), drawn.detach()])
        judged = {name: self._judge(name, faces, labels[name]) for name in self.judging}
        loss_discriminator = torch.stack([loss for loss, _ in judged.values()]).sum()
        yield "discriminator", loss_discriminator

        # Generator: be taken for real, for the speaker, and for the emotion.
        for name in self.judging:
            self.networks[name].requires_grad_(False)
        fooled = {name: self._fool(name, drawn, labels[name]) for name in self.judging}
        loss_generator = torch.stack([loss for loss, _ in fooled.values()]).sum()
        yield "generator", loss_generator
        for name in self.judging:
            self.networks[name].requires_grad_(True)

        metrics = {"loss/generator": loss_generator, "loss/discriminator": loss_discriminator}
        for name in self.judging:
            metrics |= judged[name][1] | fooled[name][1]
        return metrics

    def _judge(self, name: str, faces: Tensor, labels: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """λ L_D + L_C of a pair, given the real faces and then as many drawn ones; and metrics."""
        scores, guesses = self.networks[name](faces)
        (real, fake), (known, told) = scores.chunk(2), guesses.chunk(2)
        of_real, of_drawn = _names(known, labels), _names(told, labels)
        classifying = of_real if self.config.variant == "code" else of_real + of_drawn
        return self._weighted(name, _is(real, 1.0) + _is(fake, 0.0), classifying), {
            f"score/{name}_real": real.sigmoid().mean(),
            f"score/{name}_fake": fake.sigmoid().mean(),
            f"accuracy/{name}_real": _accuracy(known, labels),
        }

    def _fool(self, name: str, drawn: Tensor, labels: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """The generator's part of the loss by a pair, and metrics."""
        scores, guesses = self.networks[name](drawn)
        loss = self._weighted(name, _is(scores, 1.0), _names(guesses, labels))
        return loss, {f"accuracy/{name}_drawn": _accuracy(guesses, labels)}

    def _weighted(self, name: str, real: Tensor, label: Tensor) -> Tensor:
        d, c = PAIRS[name]
        return self.weights[d] * real + self.weights[c] * label

    def draw(self, audio: Tensor) -> Tensor:
        """Faces for voices: (B, samples), a second or more → (B, 3, px, px), -1 to 1."""
        generator = self.networks["generator"].eval()
        faces = self._drawn(self._embed(repeated(audio, round(REPEATED_S * self.rate_hz))))
        generator.train()
        return faces

    def score_faces(self, faces: Tensor, audio: Tensor) -> Tensor:
        """How probable the discriminators take a face to be real for; they hear no voice.

        A mean, weighted as in the loss; 0 where no discriminator is left.
        """
        weights = [self.weights[PAIRS[name][0]] for name in self.judging]
        likely = [self.networks[name](faces)[0].sigmoid() for name in self.judging]
        parts = [weight * one for weight, one in zip(weights, likely, strict=True)]
        return torch.stack(parts).sum(0) / (sum(weights) or 1.0)

    def _drawn(self, embedding: Tensor) -> Tensor:
        if self.config.variant == "paper":
            noise = torch.randn(len(embedding), NOISE, device=embedding.device)
            embedding = torch.cat([embedding, noise], 1)
        faces: Tensor = self.networks["generator"](embedding)
        return faces

    @torch.no_grad()
    def _embed(self, audio: Tensor) -> Tensor:
        embedding: Tensor = self.networks["encoder"].eval()(audio)
        return functional.normalize(embedding) if self.config.variant == "code" else embedding


def _is(scores: Tensor, target: float) -> Tensor:
    return functional.binary_cross_entropy_with_logits(scores, torch.full_like(scores, target))


def _names(guesses: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy, as a mean over all: what has no label adds nothing."""
    total = functional.cross_entropy(guesses, labels, ignore_index=-1, reduction="sum")
    return total / len(labels)


def _accuracy(guesses: Tensor, labels: Tensor) -> Tensor:
    """The share that is right of those that have a label; 0 where none has."""
    right = (guesses.argmax(1) == labels).float().sum()
    return right / (labels >= 0).sum().clamp_min(1)


ENTRY = Entry(
    Fegan,
    FeGan,
    "Fang et al. 2021",
    "10 s of mel frames; GAN, two discriminators",
    knows=True,
    needs="emotion in sources.csv, for C2 and D2",
)
