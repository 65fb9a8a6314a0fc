"""Speech2Face, a student system: the AC-GAN of Wen et al., for all people or for one gender.

All is as in acgan.py but for

    generator   BatchNorm after each transposed convolution, and Tanh at its end
    sound       repeated until it is 10 s long, in training too
    gender      `female` and `male` learn from the voices and faces of these speakers alone, and are
                evaluated on them; `all` is the general model

Nothing else is published of it: no paper's table, and no code.
"""

from torch import Tensor, nn

from voiceface.data.batches import repeated
from voiceface.model_config import Speech2face
from voiceface.models import acgan
from voiceface.models.acgan import RATE_HZ, AcGan
from voiceface.models.registry import Entry

REPEATED = 10 * RATE_HZ
"""Samples that sound is repeated to: 10 s."""


class Generator(acgan.Generator):
    """Embedding → face."""

    def __init__(self, variant: str) -> None:
        super().__init__(variant)
        layers: list[nn.Module] = []
        for layer in self.layers:
            layers.append(layer)
            if isinstance(layer, nn.ConvTranspose2d):
                layers.append(nn.BatchNorm2d(layer.out_channels))
        self.layers = nn.Sequential(*layers, nn.Tanh())


class Speech2Face(AcGan):
    """The networks, their optimisers, and one training step: the AC-GAN's."""

    repeats = True

    def __init__(self, config: Speech2face, speakers: int) -> None:
        """Fresh networks, drawn from torch's global random state; the encoder has yet to learn."""
        super().__init__(config, speakers)
        self.gender = "" if config.gender == "all" else config.gender
        self.networks["generator"] = Generator(config.variant)

    def draw(self, audio: Tensor) -> Tensor:
        """Faces for voices: (B, samples), a second or more → (B, 3, 64, 64), -1 to 1."""
        generator = self.networks["generator"].eval()
        faces = super().draw(repeated(audio, REPEATED))
        generator.train()
        return faces


ENTRY = Entry(
    Speech2face, Speech2Face, "a student system, after Wen et al. 2019", "10 s of mel frames; GAN"
)
