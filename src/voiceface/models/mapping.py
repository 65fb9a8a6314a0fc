"""A voice mapped into the space of face descriptors, and a face drawn from its place there.

Shapes (B pairs; c × h × w for pictures):

    encoder   a recording → voice embedding: 2048 (SincNet's, the mean of its windows) or 64
    mapping   voice embedding → 128 → 256 → 512 → descriptor: 128, of length 1
    speaker   descriptor → speakers
    decoder   descriptor → 512 × 4 × 4 → 256 → 128 → 64 → 3 × 64 × 64

The encoder learns to tell speakers before the rest (see sincnet.py, voice.py), which then leaves it
as it is. The mapping's loss is 10 times the angle to the true face's descriptor, 5 times the
softmax cross-entropy of the speakers, and the Gromov-Wasserstein divergence of the mapped and the
true descriptors of a batch, which keeps who looks like whom. The softmax is the identity
constraint: `late` on the mapped descriptor, `early` on the mapping's first layer, where the voice
is not yet a face.

The decoder stands in for Vec2Face (Duong et al., CVPR 2020), whose weights were never published: it
learns from true descriptors alone to draw the faces that they are of. So what a voice tells reaches
the picture by way of the descriptor only.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from voiceface.data.batches import Batch
from voiceface.model_config import Mapping as Config
from voiceface.models.acgan import EMBEDDING as VOICE_EMBEDDING
from voiceface.models.acgan import LEAST_S, RATE_HZ, VoiceEmbedding
from voiceface.models.gromov_wasserstein import divergence
from voiceface.models.registry import Entry
from voiceface.models.sincnet import EMBEDDING as SINCNET_EMBEDDING
from voiceface.models.sincnet import SincEncoder, of_windows
from voiceface.models.step import Losses
from voiceface.tables import DESCRIPTOR
from voiceface.training.distributed import whole_batch

FIRST = 128
"""Numbers of the mapping's first layer."""
STEEP = 1 - 1e-4
"""Cosine from which on an angle counts as that: the gradient of the arc cosine has no bound."""


class Mapping(nn.Module):
    """Voice embedding → face descriptor."""

    def __init__(self, embedding: int) -> None:
        super().__init__()
        # An embedding's numbers have much in common, whoever speaks: what differs is to count.
        self.first = nn.Sequential(
            nn.BatchNorm1d(embedding, affine=False), nn.Linear(embedding, FIRST)
        )
        layers: list[nn.Module] = []
        for inner, outer in ((FIRST, 256), (256, 512), (512, DESCRIPTOR)):
            layers += [nn.LeakyReLU(0.2), nn.Linear(inner, outer)]
        self.rest = nn.Sequential(*layers)

    def forward(self, embedding: Tensor) -> tuple[Tensor, Tensor]:
        """(B, embedding) → the first layer's numbers (B, 128), and descriptors (B, 128)."""
        first = self.first(embedding)
        return first, functional.normalize(self.rest(first).float())


class Decoder(nn.Module):
    """Face descriptor → face."""

    def __init__(self) -> None:
        super().__init__()
        # Descriptors fill a small part of their sphere: told apart, they are spread out first.
        layers: list[nn.Module] = [nn.BatchNorm1d(DESCRIPTOR), nn.Linear(DESCRIPTOR, 512 * 16)]
        layers.append(nn.Unflatten(1, (512, 4, 4)))
        for before, after in pairwise((512, 256, 128, 64)):
            layers += [nn.BatchNorm2d(before), nn.ReLU()]
            layers.append(nn.ConvTranspose2d(before, after, 4, 2, 1))
        layers += [nn.BatchNorm2d(64), nn.ReLU(), nn.ConvTranspose2d(64, 3, 4, 2, 1), nn.Tanh()]
        self.layers = nn.Sequential(*layers)

    def forward(self, descriptors: Tensor) -> Tensor:
        """(B, 128) → (B, 3, 64, 64), -1 to 1."""
        faces: Tensor = self.layers(descriptors)
        return faces


class VoiceMapping:
    """The networks, their optimisers, and one training step."""

    drawing = ("encoder", "mapping", "decoder")
    pretrained = ("encoder",)
    px = 64
    rate_hz = RATE_HZ
    input_samples = round(LEAST_S * RATE_HZ)
    whole = True

    def __init__(self, config: Config, speakers: int) -> None:
        """Fresh networks, drawn from torch's global random state; the encoder has yet to learn."""
        self.config = config
        self.flip, self.pairing = config.flip, config.pairing
        least, most = config.crop_s
        self.crop_samples = (round(least * RATE_HZ), round(most * RATE_HZ))
        heard = config.recogniser == "sincnet"
        encoder = SincEncoder() if heard else VoiceEmbedding("paper")
        self.networks: dict[str, nn.Module] = {
            "encoder": encoder.requires_grad_(False),
            "mapping": Mapping(SINCNET_EMBEDDING if heard else VOICE_EMBEDDING),
            "speaker": nn.Linear(DESCRIPTOR if config.identity == "late" else FIRST, speakers),
            "decoder": Decoder(),
        }

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """Adam for the mapping with the speakers' layer, and for the decoder."""
        mapping = [*self.networks["mapping"].parameters(), *self.networks["speaker"].parameters()]
        return {
            "mapping": torch.optim.Adam(mapping, self.config.lr, fused=True),
            "decoder": torch.optim.Adam(
                self.networks["decoder"].parameters(), self.config.lr_decoder, fused=True
            ),
        }

    def step(self, batch: Batch) -> Losses:
        """One step of both; each yielded loss changes the weights before it goes on."""
        config = self.config
        for name in ("mapping", "decoder"):
            self.networks[name].train()
        true = functional.normalize(batch.descriptors)
        first, mapped = self.networks["mapping"](self._embed(batch.audio))

        # Mapping: to the true face's place, the speakers apart, and near whom they look like.
        guesses = self.networks["speaker"](mapped if config.identity == "late" else first).float()
        loss_angle = angles(mapped, true).mean()
        loss_speaker = functional.cross_entropy(guesses, batch.labels)
        loss_mapping = config.angle_weight * loss_angle + config.speaker_weight * loss_speaker
        with torch.set_grad_enabled(config.gw_weight > 0):  # else it is but told
            loss_topology = topology(whole_batch(mapped), whole_batch(true), config.gw_epsilon)
        weighted = config.gw_weight * loss_topology if config.gw_weight else 0.0
        yield "mapping", loss_mapping + weighted

        # Decoder: the face that a true descriptor is of.
        drawn = self.networks["decoder"](true)
        loss_decoder = (drawn.float() - batch.faces).abs().mean()
        yield "decoder", loss_decoder

        return {
            "loss/generator": loss_decoder,
            "loss/mapping": loss_mapping,
            "mapping/angle": loss_angle,
            "mapping/speaker": loss_speaker,
            "mapping/topology": loss_topology,
            "accuracy/speaker": (guesses.argmax(1) == batch.labels).float().mean(),
        }

    def map_voices(self, audio: Tensor) -> Tensor:
        """Face descriptors for voices: (B, samples), a second or more → (B, 128), of length 1."""
        mapped: Tensor = self.networks["mapping"].eval()(self._embed(audio))[1]
        return mapped

    def draw(self, audio: Tensor) -> Tensor:
        """Faces for voices: (B, samples), a second or more → (B, 3, 64, 64), -1 to 1."""
        faces: Tensor = self.networks["decoder"].eval()(self.map_voices(audio))
        return faces

    @torch.no_grad()
    def _embed(self, audio: Tensor) -> Tensor:
        encoder = self.networks["encoder"].eval()
        if self.config.recogniser == "voice":
            embedding: Tensor = encoder(audio)
            return embedding
        return of_windows(encoder, audio, self.config.hop_s).mean(1)


def angles(first: Tensor, second: Tensor) -> Tensor:
    """Angles between vectors of length 1: (B, d) both → (B,), in radians."""
    return (first * second).sum(1).clamp(-STEEP, STEEP).acos()


def topology(mapped: Tensor, true: Tensor, epsilon: float) -> Tensor:
    """Gromov-Wasserstein divergence of two sets of descriptors: (B, 128) both → ().

    Distances are told in the true ones' mean, so that it is a share, whatever the descriptors.
    """
    with torch.autocast(mapped.device.type, enabled=False):
        near, wanted = torch.cdist(mapped, mapped), torch.cdist(true, true)
        scale = wanted.mean().clamp_min(1e-6)
        return divergence(near / scale, wanted / scale, epsilon)


ENTRY = Entry(
    Config,
    VoiceMapping,
    "Vec2Face's space (Duong et al., CVPR 2020) from a voice; SincNet",
    "1 s or more, by a recogniser's embedding; face descriptors",
    needs="faces.descriptor: true",
)
