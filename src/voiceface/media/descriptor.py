"""dlib's face descriptor, run by onnxruntime: the same numbers at a fifteenth of the time.

The weights are read from dlib's own file and the network is built anew in memory. It is the ResNet
of dlib's example dnn_face_recognition_ex (King 2017; after He et al. 2016, arXiv:1512.03385, with
half of the filters): convolution 7×7, max pooling, fourteen residual blocks of two 3×3
convolutions, mean, linear.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np

from voiceface import dlib_models
from voiceface.errors import VoicefaceError
from voiceface.media.onnx_graph import Graph

_FILE = "dlib_face_recognition_resnet_model_v1.dat"
SIDE = 150
"""Pixels of the chip that is described, in width and in height."""
_DESCRIPTOR = 128
# Filters of each residual block, and whether it halves the picture.
_BLOCKS = [
    *[(32, False)] * 3,
    *[(64, True), (64, False), (64, False), (64, False)],
    *[(128, True), (128, False), (128, False)],
    *[(256, True), (256, False), (256, False)],
    (256, True),
]
# Chips in one run: more gain little, and the arrays between the layers grow with them.
_BATCH = 4
# How dlib names the kinds of layer that have parameters, each with its length before it.
_KINDS = re.compile(rb"\x05con_4|\x07affine_|\x04fc_2")


def describe(chips: np.ndarray) -> np.ndarray:
    """dlib's face descriptors of what `faces.descriptor_chip` cut out.

    Two of one person lie nearer than about 0.6 (dlib's documentation).

    Args:
        chips: uint8 (n, 150, 150, 3), RGB.

    Returns: float32 (n, 128), within 1e-5 of what dlib computes of each chip.

    Raises:
        VoicefaceError: dlib's model or onnxruntime is not installed, or the model is another one.
    """
    parts = [
        _session().run(None, {"chips": chips[at : at + _BATCH]})[0]
        for at in range(0, len(chips), _BATCH)
    ]
    return np.concatenate([np.empty((0, _DESCRIPTOR), np.float32), *parts])


@cache
def _session() -> Any:
    try:
        import onnxruntime
    except ImportError:
        raise VoicefaceError("onnxruntime is missing; pip install onnxruntime") from None

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    # Both keep more memory and save no time here.
    options.enable_cpu_mem_arena = False
    options.enable_mem_pattern = False
    return onnxruntime.InferenceSession(_model(), options, providers=["CPUExecutionProvider"])


def _model() -> bytes:
    """The network in ONNX's format: `chips` uint8 (n, 150, 150, 3) → float32 (n, 128)."""
    path = dlib_models.path(_FILE)
    try:
        means, layers = _weights(np.memmap(path, mode="r").data)
        return _Network(layers).model(means)
    except (StopIteration, ValueError, IndexError) as error:
        raise VoicefaceError(
            f"{path}: not dlib's face descriptor; "
            "pip install --force-reinstall face-recognition-models"
        ) from error


class _Network:
    """Builds the network, layer by layer from the chip on."""

    def __init__(self, layers: Iterator[np.ndarray]) -> None:
        self._layers = layers
        self._graph = Graph()

    def model(self, means: np.ndarray) -> bytes:
        """The whole network as a file of ONNX; `means` is the mean colour, float32 (3,)."""
        node = self._graph.node
        x = node("Cast", ["chips"], to=1)
        x = node("Transpose", [x], perm=[0, 3, 1, 2])
        weights, bias = self._parameters(32, 3, 7)
        # dlib's input is (x - mean) / 256. Nothing is padded here, so the filters can do it.
        weights = weights / np.float32(256)
        bias = bias - (weights * means[:, None, None]).sum(axis=(1, 2, 3))
        x = node("Relu", [self._convolve(x, weights, bias, strides=[2, 2])])
        x = node("MaxPool", [x], kernel_shape=[3, 3], strides=[2, 2])
        had, side = 32, 35
        for filters, halves in _BLOCKS:
            x = self._halving_block(x, had, filters, side) if halves else self._block(x, filters)
            had, side = filters, side // 2 if halves else side
        x = node("Flatten", [node("GlobalAveragePool", [x])])
        last = self._graph.constant(next(self._layers).reshape(had, _DESCRIPTOR))
        result = node("MatMul", [x, last])
        return self._graph.model(("chips", [SIDE, SIDE, 3]), (result, [_DESCRIPTOR]))

    def _block(self, x: str, filters: int) -> str:
        y = self._convolve(x, *self._parameters(filters, filters, 3), pads=[1] * 4)
        return self._second_half(self._graph.node("Relu", [y]), x, filters)

    def _halving_block(self, x: str, had: int, filters: int, side: int) -> str:
        y = self._convolve(x, *self._parameters(filters, had, 3), strides=[2, 2])
        y = self._graph.node("Relu", [y])
        # The mean of 2×2, with channels of zeros added: as a convolution it stays in the blocked
        # layout of its neighbours, which a padding would leave.
        mean = np.zeros((filters, had, 2, 2), np.float32)
        mean[range(had), range(had)] = 0.25
        x = self._convolve(x, mean, np.zeros(filters, np.float32), strides=[2, 2])
        return self._second_half(y, x, filters, missing=side // 2 - (side - 1) // 2)

    def _second_half(self, y: str, x: str, filters: int, missing: int = 0) -> str:
        """The second convolution, and the sum with what went around both.

        dlib adds pictures of two sizes as if the smaller had zeros below and to its right: as many
        as are `missing`.
        """
        y = self._convolve(y, *self._parameters(filters, filters, 3), pads=[1] * 4)
        if missing:
            pads = self._graph.constant(np.array([0, 0, 0, 0, 0, 0, missing, missing]))
            y = self._graph.node("Pad", [y, pads])
        return self._graph.node("Relu", [self._graph.node("Add", [y, x])])

    def _parameters(self, filters: int, channels: int, size: int) -> tuple[np.ndarray, np.ndarray]:
        """The next convolution's weights and bias, with the affine layer after it folded in."""
        convolution, affine = next(self._layers), next(self._layers)
        weights = convolution[:-filters].reshape(filters, channels, size, size)
        gamma, beta = affine.reshape(2, filters)
        return weights * gamma[:, None, None, None], convolution[-filters:] * gamma + beta

    def _convolve(self, x: str, weights: np.ndarray, bias: np.ndarray, **options: list[int]) -> str:
        constant = self._graph.constant
        return self._graph.node("Conv", [x, constant(weights), constant(bias)], **options)


def _weights(data: memoryview) -> tuple[np.ndarray, Iterator[np.ndarray]]:
    """What dlib's file holds: the mean colour, and an iterator over the parameters of its layers.

    dlib writes the layers from the picture on: the kind with a version number, and for those with
    parameters a tensor of raw floats.
    """
    start = re.search(b"input_rgb_image_sized", data)
    if start is None:
        raise ValueError("no picture")
    at = start.end()
    means = []
    for _ in range(3):
        mantissa, at = _integer(data, at)
        exponent, at = _integer(data, at)
        means.append(mantissa * 2.0**exponent)
    return np.array(means, np.float32), _tensors(data, at)


def _tensors(data: memoryview, at: int) -> Iterator[np.ndarray]:
    while match := _KINDS.search(data, at):
        at = match.end()
        if match[0] == b"\4fc_2":
            for _ in range(2):  # its numbers of outputs and inputs
                _, at = _integer(data, at)
        version, at = _integer(data, at)
        size = 1
        for _ in range(4):
            length, at = _integer(data, at)
            size *= length
        if version != 2 or not 0 < size <= (len(data) - at) // 4:
            raise ValueError("no tensor")
        yield np.frombuffer(data, "<f4", size, at)
        at += 4 * size


def _integer(data: memoryview, at: int) -> tuple[int, int]:
    """An integer of dlib's format, and where it ends: a byte of sign and length, then the value."""
    length = data[at] & 0x0F
    value = int.from_bytes(data[at + 1 : at + 1 + length], "little")
    return -value if data[at] & 0x80 else value, at + 1 + length
