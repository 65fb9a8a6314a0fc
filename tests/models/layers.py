"""What the layers of a network give."""

from torch import Tensor, nn


def shapes(network: nn.Module, kinds: tuple[type, ...], *inputs: Tensor) -> list[tuple[int, ...]]:
    """The shape of what each layer of these kinds gives, without the batch's, in order."""
    found: list[tuple[int, ...]] = []
    for layer in network.modules():
        if isinstance(layer, kinds):
            layer.register_forward_hook(lambda _, __, out: found.append(tuple(out.shape[1:])))
    network(*inputs)
    return found
