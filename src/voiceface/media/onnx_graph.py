"""Writes a network in ONNX's file format, for onnxruntime to run.

Only the few fields of the format's messages (onnx.proto, protobuf 3) that our network needs: the
`onnx` package, which knows all of them, takes longer to import than the network to load.
"""

from collections.abc import Sequence

import numpy as np

_TYPES = {"float32": 1, "uint8": 2, "int64": 7}  # TensorProto.DataType
_FLOAT32, _UINT8 = _TYPES["float32"], _TYPES["uint8"]
_OPSET, _IR = 17, 8


class Graph:
    """A graph that grows by one node or constant at a time, each known by the name returned."""

    def __init__(self) -> None:
        self._parts: list[bytes | memoryview] = []
        self._names = 0

    def node(self, kind: str, inputs: Sequence[str], **options: int | list[int]) -> str:
        """Add an operator of ONNX with its attributes; returns the name of its output."""
        name = self._name()
        message = [_text(1, source) for source in inputs] + [_text(2, name), _text(4, kind)]
        message += [_field(5, _attribute(key, value)) for key, value in options.items()]
        self._parts.append(_field(1, b"".join(message)))
        return name

    def constant(self, array: np.ndarray) -> str:
        """Add an array of float32, uint8 or int64; returns its name."""
        name = self._name()
        head = b"".join(_number(1, length) for length in array.shape)
        head += _number(2, _TYPES[array.dtype.name]) + _text(8, name)
        # Joined from where they lie: the copy of a large network's weights would cost.
        data = np.ascontiguousarray(array, array.dtype.newbyteorder("<")).data.cast("B")
        size = _varint(len(head) + len(_head(9, data)) + len(data))
        self._parts += [_key(5, 2) + size + head + _head(9, data), data]
        return name

    def model(self, pixels: tuple[str, Sequence[int]], result: tuple[str, Sequence[int]]) -> bytes:
        """The whole file.

        Args:
            pixels: the name and shape, without the batch, of the uint8 input.
            result: those of the float32 output.
        """
        parts = [*self._parts, _text(2, "graph")]
        parts += [
            _field(11, _described(_UINT8, *pixels)),
            _field(12, _described(_FLOAT32, *result)),
        ]
        size = _varint(sum(map(len, parts)))
        opset = _field(8, _number(2, _OPSET))
        return b"".join([_number(1, _IR), opset, _key(7, 2), size, *parts])

    def _name(self) -> str:
        self._names += 1
        return f"v{self._names}"


def _described(kind: int, name: str, shape: Sequence[int]) -> bytes:
    """A ValueInfoProto; the first of its dimensions is the batch's, of any length."""
    sizes = _field(1, _text(2, "n")) + b"".join(_field(1, _number(1, size)) for size in shape)
    tensor = _number(1, kind) + _field(2, sizes)
    return _text(1, name) + _field(2, _field(1, tensor))


def _attribute(name: str, value: int | list[int]) -> bytes:
    if isinstance(value, int):
        return _text(1, name) + _number(3, value) + _number(20, 2)
    return _text(1, name) + b"".join(_number(8, each) for each in value) + _number(20, 7)


def _text(field: int, text: str) -> bytes:
    return _field(field, text.encode())


def _field(field: int, data: bytes) -> bytes:
    return _head(field, data) + data


def _head(field: int, data: bytes | memoryview) -> bytes:
    return _key(field, 2) + _varint(len(data))


def _number(field: int, value: int) -> bytes:
    return _key(field, 0) + _varint(value)


def _key(field: int, kind: int) -> bytes:
    return _varint(field << 3 | kind)


def _varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first."""
    data = bytearray()
    while value >= 0x80:
        data.append(value & 0x7F | 0x80)
        value >>= 7
    data.append(value)
    return bytes(data)
