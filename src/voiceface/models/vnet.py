"""The V-net of FE-GAN (Fang et al. 2021), which learns to tell speakers before the rest.

Shapes (B voices, c × n), with 64 bands of the Fbank front-end:

    front-end   sound at 32 kHz → 64 × T frames of 33 ms every 16 ms, normalised
    V-net       64 × T → 256 → 384 → 576 → 864 → 256 × T/32 → mean: 256 → 128

The front-end is Fbank (64 log-mel bands), MFCC (13) or a spectrogram (128 linear bands). Sound of
another rate is resampled, on the device; of a lower one, the bands above what it holds stay empty.
Sound is repeated until it is 10 s long. Silence is little in it: of a segment, at
least `speech.min_voiced` is voiced.

The paper names the last widths; the others are those of its code. Where the two differ,
`variant: paper` does as the paper says and `variant: code` as the code does:

    | part            | paper                    | code                       |
    | activation      | LeakyReLU                | ReLU                       |
    | embedding       | 256 → a linear layer 128 | 64, of the last convolution |
    | its last layers | BatchNorm and LeakyReLU  | a bias instead             |
"""

from itertools import pairwise

import torch
import torchaudio
from torch import Tensor, nn
from torch.nn import functional

from voiceface.data.batches import Batch, Pairing, repeated
from voiceface.model_config import Vnet
from voiceface.models.on_cpu import in_parts, power
from voiceface.models.registry import Entry, Known
from voiceface.models.step import Losses

RATE_HZ = 32_000
WINDOW, HOP, FFT = 1056, 512, 2048
"""33 ms and 16 ms at that rate, and the next power of two."""
BANDS = {"fbank": 64, "mfcc": 13, "spectrogram": 128}
EMBEDDING = {"paper": 128, "code": 64}
REPEATED_S = 10.0
"""What is shorter is repeated until it is so long."""
LEAST_S = 1.0
"""A voice has at least so much sound."""


class FrontEnd(nn.Module):
    """Waveform → frames."""

    bank: Tensor
    cosines: Tensor | None

    def __init__(self, kind: str, rate_hz: int) -> None:
        """Args:
        kind: a key of `BANDS`.
        rate_hz: of the sound that it is given.
        """
        super().__init__()
        self.resample = torchaudio.transforms.Resample(rate_hz, RATE_HZ)
        self.spectrum = torchaudio.transforms.Spectrogram(
            FFT, WINDOW, HOP, power=None, center=False
        )
        make = torchaudio.functional
        if kind == "spectrogram":
            bank = make.linear_fbanks(FFT // 2 + 1, 0.0, RATE_HZ / 2, BANDS[kind], RATE_HZ)
        else:
            mels = BANDS["fbank"]
            bank = make.melscale_fbanks(FFT // 2 + 1, 0.0, RATE_HZ / 2, mels, RATE_HZ)
        # Above half the sound's own rate there is nothing but what the resampling left.
        bank[torch.linspace(0, RATE_HZ / 2, len(bank)) > rate_hz / 2] = 0
        self.register_buffer("bank", bank, persistent=False)
        cosines = make.create_dct(BANDS[kind], BANDS["fbank"], "ortho") if kind == "mfcc" else None
        self.register_buffer("cosines", cosines, persistent=False)

    def forward(self, audio: Tensor) -> Tensor:
        """(B, samples) → (B, bands, frames)."""
        with torch.autocast(audio.device.type, enabled=False):
            return in_parts(self._frames, audio)

    def _frames(self, audio: Tensor) -> Tensor:
        spectrum = power(self.spectrum(self.resample(audio)))
        frames = (spectrum.transpose(1, 2) @ self.bank + 1e-9).log()
        if self.cosines is not None:
            frames = frames @ self.cosines
        spread, mean = torch.std_mean(frames, 1, keepdim=True)
        return ((frames - mean) / (spread + 1e-5)).transpose(1, 2)


class VNet(nn.Module):
    """Waveform → embedding."""

    def __init__(self, variant: str, front_end: str, rate_hz: int) -> None:
        super().__init__()
        code = variant == "code"
        layers: list[nn.Module] = []
        for before, after in pairwise((BANDS[front_end], 256, 384, 576, 864, 64 if code else 256)):
            plain = code and after == EMBEDDING["code"]
            layers.append(nn.Conv1d(before, after, 3, stride=2, padding=1, bias=plain))
            if not plain:
                layers += [nn.BatchNorm1d(after), nn.ReLU() if code else nn.LeakyReLU(0.2)]
        self.features = FrontEnd(front_end, rate_hz)
        self.convolutions = nn.Sequential(*layers)
        self.last = nn.Identity() if code else nn.Linear(256, EMBEDDING["paper"])

    def forward(self, audio: Tensor) -> Tensor:
        """(B, samples), a second or more → (B, 128); the code's: (B, 64)."""
        pooled = self.convolutions(self.features(audio)).float().mean(2)
        embedding: Tensor = self.last(pooled)
        return embedding.float()


def samples_of(frames: int, rate_hz: int) -> int:
    """The length of the sound, at that rate, that gives so many frames."""
    return -(-((frames - 1) * HOP + FFT) * rate_hz // RATE_HZ)


def rate_notes(rate_hz: int) -> tuple[str, ...]:
    """What to say of sound at that rate."""
    if rate_hz == RATE_HZ:
        return ()
    empty = f"; nothing stands above {rate_hz // 2} Hz" if rate_hz < RATE_HZ else ""
    return (f"the sound is resampled from {rate_hz} to {RATE_HZ} Hz, on the device{empty}",)


class SpeakerRecognition:
    """The networks, their optimiser, and one training step: cross-entropy over the speakers."""

    drawing = ("encoder",)
    pretrained = ()
    px = 0
    flip = False
    pairing: Pairing = "paired"
    repeats = True

    def __init__(self, config: Vnet, speakers: int, known: Known) -> None:
        """Fresh networks, drawn from torch's global random state."""
        self.config, self.rate_hz = config, known.rate_hz
        rate_hz = known.rate_hz
        self.notes = rate_notes(rate_hz)
        self.input_samples = round(LEAST_S * rate_hz)
        least, most = config.crop_frames
        self.crop_samples = (samples_of(least, rate_hz), samples_of(most, rate_hz))
        self.networks: dict[str, nn.Module] = {
            "encoder": VNet(config.variant, config.front_end, rate_hz),
            "speaker": nn.Linear(EMBEDDING[config.variant], speakers),
        }

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """SGD for both."""
        weights = [w for network in self.networks.values() for w in network.parameters()]
        return {"speaker": torch.optim.SGD(weights, self.config.lr)}

    def rate_factor(self, epochs: float) -> float:
        """Of the learning rate, after so many epochs."""
        return float(0.5 ** (epochs // self.config.halve_every))

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
        sound = repeated(audio, round(REPEATED_S * self.rate_hz))
        order: Tensor = self._guesses(sound).argsort(1, descending=True)
        return order

    def _guesses(self, audio: Tensor) -> Tensor:
        guesses: Tensor = self.networks["speaker"](self.networks["encoder"](audio)).float()
        return guesses


RECOGNISER = Entry(
    Vnet, SpeakerRecognition, "Fang et al. 2021", "5 to 13 s of frames at 32 kHz", knows=True
)
