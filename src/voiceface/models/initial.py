"""What the weights of networks without normalisation begin with."""

from torch import nn


def he_initialise(layers: nn.Module) -> None:
    """Draw the weights of layers that ReLU follows, so that what goes through keeps its size.

    He et al., ICCV 2015, equation 10. torch's own begin with a sixth of that variance: what five
    such layers draw differs by a thousandth from one voice to the next, and hundreds of steps pass
    before any is told from another. Biases begin at 0.
    """
    for layer in layers.modules():
        if isinstance(layer, nn.ConvTranspose2d):
            # Each of its outputs is a sum over this share of the kernel; one of a single pixel's.
            side = 1 if layer.stride[0] == 1 else layer.kernel_size[0] / layer.stride[0]
            fan = layer.in_channels * side**2
        elif isinstance(layer, nn.Conv1d | nn.Conv2d | nn.Linear):
            fan = layer.weight[0].numel()
        else:
            continue
        nn.init.normal_(layer.weight, 0, (2 / fan) ** 0.5)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
