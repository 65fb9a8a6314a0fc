"""torch's layers, computed in another, quicker way on a CPU."""

import torch
from torch import Tensor, nn
from torch.nn import functional


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
