"""What is computed otherwise on a CPU than it usually is: the same values, faster."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

PART_SAMPLES = 160_000
"""Sound whose spectra stay in a CPU's cache: 10 s at 16 kHz."""


class Convolution(nn.Conv1d):
    """A convolution that is one product of matrices where its result is short.

    On a CPU the usual way takes five times as long for the last layer of Wav2Pix's encoder.
    """

    def forward(self, input: Tensor) -> Tensor:
        """(B, c, n) → (B, d, n/4)."""
        if input.device.type != "cpu" or input.shape[2] > 4 * self.kernel_size[0] + 4:
            return super().forward(input)
        padded = functional.pad(input, (int(self.padding[0]),) * 2)
        windows = padded.unfold(2, self.kernel_size[0], self.stride[0])  # B × c × n/4 × 15
        rows = windows.transpose(1, 2).flatten(2)
        return functional.linear(rows, self.weight.flatten(1), self.bias).transpose(1, 2)


class Dropout(nn.Dropout):
    """Dropout that takes 16 random bits for a value on a CPU.

    There the usual one takes longer to draw its numbers than the convolution before it to compute.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Any shape → the same."""
        is_usual = not self.training or not self.p or input.device.type != "cpu"
        if is_usual or torch.compiler.is_compiling():
            return super().forward(input)
        words = torch.empty(-(-input.numel() // 4), dtype=torch.int64).random_(-(2**63), None)
        numbers = words.view(torch.int16)[: input.numel()]
        kept = numbers.as_strided(input.shape, input.stride()) >= round(self.p * 2**16) - 2**15
        return input * kept.to(input.dtype).mul_(1 / (1 - self.p))


def power(spectrum: Tensor) -> Tensor:
    """The square of a complex spectrum's magnitude, of which .abs() would take the root first."""
    return spectrum.real.square() + spectrum.imag.square()


def in_parts(
    features: Callable[[Tensor], Tensor], audio: Tensor, samples: int = PART_SAMPLES
) -> Tensor:
    """Features of voices, (B, samples) → (B, …): on a CPU of few at a time.

    Spectra of many are written to memory and read from there at every step of the way: of 32 voices
    of 10 s, mel frames take a third of the time in parts.

    Args:
        features: takes voices one by one, whatever the others are.
        samples: of sound at a time, of one voice at least.
    """
    if audio.device.type != "cpu" or torch.compiler.is_compiling():
        return features(audio)
    rows = max(1, samples // audio.shape[1])
    return torch.cat([features(part) for part in audio.split(rows)])
