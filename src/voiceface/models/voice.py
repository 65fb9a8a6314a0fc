"""Speaker recognition: what the AC-GAN's voice embedding learns before the rest (Wen et al. 2019).

Cross-entropy over the training split's speakers, through one linear layer on the embedding, which
is thrown away afterwards. The paper trains it on VoxCeleb; here it is the same corpus as the faces.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from voiceface.data.batches import Batch, Pairing
from voiceface.model_config import Voice
from voiceface.models.acgan import EMBEDDING, LEAST_S, RATE_HZ, VoiceEmbedding
from voiceface.models.registry import Entry
from voiceface.models.step import Losses


class SpeakerRecognition:
    """The networks, their optimiser, and one training step."""

    drawing = ("encoder",)
    pretrained = ()
    px = 0
    flip = False
    pairing: Pairing = "paired"
    rate_hz = RATE_HZ
    input_samples = round(LEAST_S * RATE_HZ)

    def __init__(self, config: Voice, speakers: int) -> None:
        """Fresh networks, drawn from torch's global random state."""
        self.config = config
        least, most = config.crop_s
        self.crop_samples = (round(least * RATE_HZ), round(most * RATE_HZ))
        self.networks: dict[str, nn.Module] = {
            "encoder": VoiceEmbedding(config.variant),
            "speaker": nn.Linear(EMBEDDING, speakers),
        }

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """Adam for both."""
        weights = [w for network in self.networks.values() for w in network.parameters()]
        return {"speaker": torch.optim.Adam(weights, self.config.lr, fused=True)}

    def step(self, batch: Batch) -> Losses:
        """One step; the yielded loss changes the weights before it goes on."""
        guesses = self._guesses(batch.audio)
        loss = functional.cross_entropy(guesses, batch.labels)
        yield "speaker", loss
        correct = (guesses.argmax(1) == batch.labels).float().mean()
        return {"loss/speaker": loss, "accuracy/speaker": correct}

    @torch.no_grad()
    def recognise(self, audio: Tensor) -> Tensor:
        """Whole recordings (B, samples) → the likeliest speakers, best first: (B, speakers)."""
        for network in self.networks.values():
            network.eval()
        order: Tensor = self._guesses(audio).argsort(1, descending=True)
        return order

    def _guesses(self, audio: Tensor) -> Tensor:
        guesses: Tensor = self.networks["speaker"](self.networks["encoder"](audio)).float()
        return guesses


RECOGNISER = Entry(
    Voice, SpeakerRecognition, "Wen, Singh and Raj, NeurIPS 2019", "3 to 8 s of mel frames"
)
