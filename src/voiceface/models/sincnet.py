"""SincNet (Ravanelli and Bengio, SLT 2018): who speaks, told from windows of the raw waveform.

Shapes (B windows; c × n), at 16 kHz:

    encoder  1 × 3200 → LayerNorm → 80 band-pass filters of 251 taps, learnt by their two edges
             → 80 × 983 → 60 × 326 → 60 × 107 → 2048 → 2048 → 2048
    speaker  2048 → speakers

Each convolution is followed by max-pooling over 3, LayerNorm and LeakyReLU, each fully connected
layer by BatchNorm and LeakyReLU. It learns from one random window of 200 ms of each recording; a
recording is decided by the mean of its windows' posteriors (section 4.2), one every 10 ms. The
encoder's 2048 numbers are the paper's d-vector. The layer of the speakers is kept: more of them can
be added to it later, see `voiceface.speakers`.
"""

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from voiceface.data.batches import Batch, Pairing
from voiceface.model_config import Sincnet
from voiceface.models.on_cpu import in_parts
from voiceface.models.registry import Entry
from voiceface.models.step import Losses

RATE_HZ = 16_000
WINDOW = 3200
"""Samples that are heard at a time: 200 ms."""
EMBEDDING = 2048
FILTERS = 80
TAPS = 251
LEAST_HZ = 50.0
"""No filter is narrower, and none begins below it."""
AT_A_TIME = 384
"""Windows of recordings that are gone through together."""
FILTERED_AT_A_TIME = 4
"""Of these, windows that are filtered together: their bands, 0.9 MB each, stay in a CPU's cache."""


class SincFilters(nn.Module):
    """Band-pass filters, each of which has its two edges to learn (the paper's section 2).

    An ideal band pass from f₁ to f₂, 2·f₂·sinc(2π·f₂·n) − 2·f₁·sinc(2π·f₁·n), under a Hamming
    window. Its gain is 1 in a band of some 200 Hz and more; a narrower one, which 16 ms do not
    resolve, has less (the lowest at first: 0.56). The edges' learnt parts are evenly spread in mel
    at first. They are kept as shares of the sample rate: RMSprop moves a weight by about its
    learning rate, and 0.001 of 16 kHz is a step of 16 Hz, where 0.001 Hz would never get anywhere.
    """

    window: Tensor
    times: Tensor

    def __init__(self) -> None:
        super().__init__()
        edges = mel_edges(30.0, RATE_HZ / 2 - 2 * LEAST_HZ, FILTERS + 1)
        self.low = nn.Parameter(edges[:-1] / RATE_HZ)
        self.band = nn.Parameter(edges.diff() / RATE_HZ)
        self.register_buffer("window", torch.hamming_window(TAPS, periodic=False), False)
        times = (torch.arange(TAPS) - TAPS // 2) / RATE_HZ
        self.register_buffer("times", times, False)

    def edges_hz(self) -> tuple[Tensor, Tensor]:
        """Lower and upper edge of each filter, in Hz: (80,) each, from 50 Hz to half the rate."""
        low = LEAST_HZ + RATE_HZ * self.low.abs()
        high = (low + LEAST_HZ + RATE_HZ * self.band.abs()).clamp(LEAST_HZ, RATE_HZ / 2)
        return low, high

    def filters(self) -> Tensor:
        """The filters' taps: (80, 251), symmetric."""
        low, high = (edge[:, None] for edge in self.edges_hz())
        below_high = 2 * high * torch.sinc(2 * high * self.times)
        below_low = 2 * low * torch.sinc(2 * low * self.times)
        taps: Tensor = (below_high - below_low) * self.window / RATE_HZ
        return taps

    def forward(self, sound: Tensor) -> Tensor:
        """(B, 1, samples) → (B, 80, samples − 250)."""
        return functional.conv1d(sound, self.filters()[:, None])


def mel_edges(low_hz: float, high_hz: float, count: int) -> Tensor:
    """Frequencies evenly spread in mel (2595·log₁₀(1 + f/700)), both ends among them: (count,)."""
    low, high = (2595 * math.log10(1 + hz / 700) for hz in (low_hz, high_hz))
    return 700 * (10 ** (torch.linspace(low, high, count) / 2595) - 1)


class SincEncoder(nn.Module):
    """A window of sound → d-vector."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.LayerNorm(WINDOW), nn.Unflatten(1, (1, WINDOW))]
        length, before = WINDOW, 1
        for channels, taps in ((FILTERS, TAPS), (60, 5), (60, 5)):
            if before == 1:
                layers += [SincFilters(), Magnitude()]
            else:
                layers.append(nn.Conv1d(before, channels, taps))
            length, before = (length - taps + 1) // 3, channels
            layers += [nn.MaxPool1d(3), nn.LayerNorm([channels, length]), nn.LeakyReLU(0.2)]
        self.convolutions = len(layers)  # layers, the first of all
        layers += [nn.Flatten(), nn.LayerNorm(before * length)]
        for inner, outer in pairwise((before * length, *[EMBEDDING] * 3)):
            layers += [nn.Linear(inner, outer, bias=False), nn.BatchNorm1d(outer)]
            layers.append(nn.LeakyReLU(0.2))
        self.layers = nn.Sequential(*layers)

    def forward(self, windows: Tensor) -> Tensor:
        """(B, 3200) → (B, 2048)."""
        filtered, connected = self.layers[: self.convolutions], self.layers[self.convolutions :]
        if torch.is_grad_enabled():
            bands = filtered(windows)
        else:
            bands = in_parts(filtered, windows, FILTERED_AT_A_TIME * WINDOW)
        vectors: Tensor = connected(bands)
        return vectors.float()


class Magnitude(nn.Module):
    """The filters' output without its sign, as in the authors' code."""

    def forward(self, bands: Tensor) -> Tensor:
        """Of any shape."""
        return bands.abs() if torch.is_grad_enabled() else bands.abs_()


def of_windows(encoder: nn.Module, audio: Tensor, hop_s: float) -> Tensor:
    """The d-vectors of recordings' windows: (B, samples ≥ 3200) → (B, windows, 2048)."""
    windows = audio.unfold(1, WINDOW, round(hop_s * RATE_HZ))
    count = windows.shape[1]
    # By their numbers: all windows at once would take their length / hop times the sound's memory.
    numbers = torch.arange(len(audio) * count, device=audio.device).split(AT_A_TIME)
    parts = [encoder(windows[part // count, part % count]) for part in numbers]
    return torch.cat(parts).unflatten(0, (len(audio), count))


class SincNet:
    """The networks, their optimiser, and one training step."""

    drawing = ("encoder", "speaker")
    pretrained = ()
    px = 0
    flip = False
    pairing: Pairing = "paired"
    rate_hz = RATE_HZ
    input_samples = WINDOW
    crop_samples = (WINDOW, WINDOW)

    def __init__(self, config: Sincnet, speakers: int) -> None:
        """Fresh networks, drawn from torch's global random state."""
        self.config = config
        self.networks: dict[str, nn.Module] = {
            "encoder": SincEncoder(),
            "speaker": nn.Linear(EMBEDDING, speakers),
        }

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """RMSprop for both."""
        weights = [w for network in self.networks.values() for w in network.parameters()]
        return {"speaker": torch.optim.RMSprop(weights, self.config.lr, alpha=0.95)}

    def step(self, batch: Batch) -> Losses:
        """One step; the yielded loss changes the weights before it goes on."""
        vectors = self.networks["encoder"](batch.audio)
        guesses = self.networks["speaker"](vectors).float()
        loss = functional.cross_entropy(guesses, batch.labels)
        yield "speaker", loss
        correct = (guesses.argmax(1) == batch.labels).float().mean()
        return {"loss/speaker": loss, "accuracy/speaker": correct}

    @torch.no_grad()
    def posteriors(self, audio: Tensor) -> Tensor:
        """Recordings (B, samples ≥ 3200) → the speakers' likelihood in each window of 200 ms.

        Returns: (B, windows, speakers), each window's adds up to 1.
        """
        vectors = self.vectors(audio, self.config.hop_s)
        likely: Tensor = self.networks["speaker"].eval()(vectors).softmax(2)
        return likely

    @torch.no_grad()
    def vectors(self, audio: Tensor, hop_s: float) -> Tensor:
        """Recordings (B, samples ≥ 3200) → their windows' d-vectors: (B, windows, 2048)."""
        return of_windows(self.networks["encoder"].eval(), audio, hop_s)

    def decided(self, posteriors: Tensor) -> Tensor:
        """(B, windows, speakers) → the likeliest speakers by all windows, best first."""
        return posteriors.mean(1).argsort(1, descending=True)

    def recognise(self, audio: Tensor) -> Tensor:
        """Whole recordings (B, samples) → the likeliest speakers, best first: (B, speakers)."""
        return self.decided(self.posteriors(audio))


RECOGNISER = Entry(
    Sincnet, SincNet, "Ravanelli and Bengio, SLT 2018", "200 ms of the raw waveform, every 10 ms"
)
