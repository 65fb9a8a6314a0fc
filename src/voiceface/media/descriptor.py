"""dlib's face descriptor, run by onnxruntime: the same numbers at a tenth of the time.

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

_FILE = "dlib_face_recognition_resnet_model_v1.dat"
_SIDE = 150  # px of the chip
_DESCRIPTOR = 128
# Filters of each residual block, and whether it halves the picture.
_BLOCKS = [
    *[(32, False)] * 3,
    *[(64, True), (64, False), (64, False), (64, False)],
    *[(128, True), (128, False), (128, False)],
    *[(256, True), (256, False), (256, False)],
    (256, True),
]
# Chips in one run: more gain nothing, and the arrays between the layers grow with them.
_BATCH = 8
# How dlib names the kinds of layer that have parameters, each with its length before it.
_KINDS = re.compile(rb"\x05con_4|\x07affine_|\x04fc_2")


def describe(chips: np.ndarray) -> np.ndarray:
    """dlib's face descriptors of what `faces.descriptor_chip` cut out.

    Two of one person lie nearer than about 0.6 (dlib's documentation).

    Args:
        chips: uint8 (n, 150, 150, 3), RGB.

    Returns: float32 (n, 128), within 1e-3 of what dlib computes of each chip.

    Raises:
        VoicefaceError: dlib's model is not installed, or is another one than this network.
    """
    parts = [
        _session().run(None, {"chips": chips[at : at + _BATCH]})[0]
        for at in range(0, len(chips), _BATCH)
    ]
    return np.concatenate([np.empty((0, _DESCRIPTOR), np.float32), *parts])


@cache
def _session() -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    # A stage's memory is counted; the arena keeps the weights' first copy and saves no time here.
    options.enable_cpu_mem_arena = False
    return onnxruntime.InferenceSession(
        _model().SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def _model() -> Any:
    """The network as an ONNX model: `chips` uint8 (n, 150, 150, 3) → float32 (n, 128)."""
    data = dlib_models.path(_FILE).read_bytes()
    try:
        means, layers = _weights(data)
        return _Graph(means, layers).model
    except (StopIteration, ValueError) as error:
        raise VoicefaceError(
            f"{dlib_models.path(_FILE)}: not dlib's face descriptor; "
            "pip install --force-reinstall face-recognition-models"
        ) from error


class _Graph:
    """Builds the ONNX graph, layer by layer from the chip on."""

    def __init__(self, means: np.ndarray, layers: Iterator[np.ndarray]) -> None:
        from onnx import helper, numpy_helper

        self._helper, self._numpy = helper, numpy_helper
        self._layers = layers
        self._nodes: list[Any] = []
        self._values: list[Any] = []
        self._run(means)
        chips: list[str | int | None] = ["n", _SIDE, _SIDE, 3]
        graph = helper.make_graph(
            self._nodes,
            "descriptor",
            [helper.make_tensor_value_info("chips", 2, chips)],
            [helper.make_tensor_value_info(self._nodes[-1].output[0], 1, ["n", _DESCRIPTOR])],
            self._values,
        )
        self.model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9
        )

    def _run(self, means: np.ndarray) -> None:
        x = self._node("Cast", ["chips"], to=1)
        x = self._node("Transpose", [x], perm=[0, 3, 1, 2])
        weights, bias = self._convolution(32, 3, 7)
        # dlib's input is (x - mean) / 256. Nothing is padded here, so the filters can do it.
        weights = weights / 256
        bias = bias - (weights * means[:, None, None]).sum(axis=(1, 2, 3))
        x = self._relu(self._convolve(x, weights, bias, strides=[2, 2]))
        x = self._node("MaxPool", [x], kernel_shape=[3, 3], strides=[2, 2])
        had, side = 32, 35
        for filters, halves in _BLOCKS:
            x, side = self._block(x, had, filters, halves, side)
            had = filters
        x = self._node("GlobalAveragePool", [x])
        x = self._node("Flatten", [x])
        self._node("MatMul", [x, self._value(next(self._layers).reshape(256, _DESCRIPTOR))])

    def _block(self, x: str, had: int, filters: int, halves: bool, side: int) -> tuple[str, int]:
        """A residual block; returns its output and that one's side."""
        step = 2 if halves else 1
        pad = 0 if halves else 1
        first = self._convolution(filters, had, 3)
        y = self._relu(self._convolve(x, *first, strides=[step] * 2, pads=[pad] * 4))
        y = self._convolve(y, *self._convolution(filters, filters, 3), pads=[1] * 4)
        if halves:
            inner, side = (side - 3) // 2 + 1, side // 2
            # The mean of 2×2, with channels of zeros added: as a convolution it stays in the
            # blocked layout of its neighbours, which a padding would leave.
            mean = np.zeros((filters, had, 2, 2), np.float32)
            mean[range(had), range(had)] = 0.25
            x = self._convolve(x, mean, np.zeros(filters, np.float32), strides=[2, 2])
            if inner < side:
                # dlib adds pictures of two sizes as if the smaller one had zeros below.
                pads = np.array([0, 0, 0, 0, 0, 0, side - inner, side - inner])
                y = self._node("Pad", [y, self._value(pads)])
        return self._relu(self._node("Add", [y, x])), side

    def _convolution(self, filters: int, channels: int, size: int) -> tuple[np.ndarray, np.ndarray]:
        """The next convolution's weights and bias, with the affine layer after it folded in."""
        convolution, affine = next(self._layers), next(self._layers)
        weights = convolution[:-filters].reshape(filters, channels, size, size)
        gamma, beta = affine.reshape(2, filters)
        return weights * gamma[:, None, None, None], convolution[-filters:] * gamma + beta

    def _convolve(self, x: str, weights: np.ndarray, bias: np.ndarray, **options: Any) -> str:
        return self._node("Conv", [x, self._value(weights), self._value(bias)], **options)

    def _relu(self, x: str) -> str:
        return self._node("Relu", [x])

    def _node(self, kind: str, inputs: list[str], **options: Any) -> str:
        name = f"n{len(self._nodes)}"
        self._nodes.append(self._helper.make_node(kind, inputs, [name], **options))
        return name

    def _value(self, array: np.ndarray) -> str:
        name = f"w{len(self._values)}"
        self._values.append(self._numpy.from_array(array, name))
        return name


def _weights(data: bytes) -> tuple[np.ndarray, Iterator[np.ndarray]]:
    """What dlib's file holds: the mean colour, and an iterator over the parameters of its layers.

    dlib writes the layers from the picture on: the kind with a version number, and for those with
    parameters a tensor of raw floats.
    """
    at = data.index(b"input_rgb_image_sized") + len(b"input_rgb_image_sized")
    means = []
    for _ in range(3):
        mantissa, at = _integer(data, at)
        exponent, at = _integer(data, at)
        means.append(mantissa * 2.0**exponent)
    return np.array(means, np.float32), _tensors(data, at)


def _tensors(data: bytes, at: int) -> Iterator[np.ndarray]:
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


def _integer(data: bytes, at: int) -> tuple[int, int]:
    """An integer of dlib's format, and where it ends: a byte of sign and length, then the value."""
    length = data[at] & 0x0F
    value = int.from_bytes(data[at + 1 : at + 1 + length], "little")
    return -value if data[at] & 0x80 else value, at + 1 + length
