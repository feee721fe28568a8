"""Reads a GGUF file by the letter of ggml's docs/gguf.md, and quantizes to Q8_0: written apart from the C code."""

import math
import struct
from array import array
from dataclasses import dataclass

SCALARS = {4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q"}
STRING, ARRAY = 8, 9
F32, Q8_0 = 0, 8


@dataclass
class Tensor:
    dimensions: list  # the contiguous one first
    type: int
    offset: int  # from the start of the data section
    data: bytes = b""

    def size(self):
        elements = math.prod(self.dimensions)
        return elements * 4 if self.type == F32 else elements // 32 * 34


class GgufFile:
    """metadata: key -> value, tensors: name -> Tensor; both in the order of the file."""

    def __init__(self, data):
        self._data, self._position = data, 0
        assert self._take(4) == b"GGUF"
        self.version = self._scalar("<I")
        tensors, keys = self._scalar("<Q"), self._scalar("<Q")
        self.metadata = dict(self._pair() for _ in range(keys))
        assert len(self.metadata) == keys, "a key stands twice"
        self.tensors = dict(self._tensor() for _ in range(tensors))
        assert len(self.tensors) == tensors, "a tensor stands twice"
        self._read_data(math.ceil(self._position / 32) * 32)

    def _take(self, count):
        part = self._data[self._position:self._position + count]
        assert len(part) == count, "the file ends early"
        self._position += count
        return part

    def _scalar(self, pattern):
        return struct.unpack(pattern, self._take(struct.calcsize(pattern)))[0]

    def _string(self):
        return self._take(self._scalar("<Q")).decode()

    def _value(self, kind):
        if kind == STRING:
            return self._string()
        if kind == ARRAY:
            element, count = self._scalar("<I"), self._scalar("<Q")
            return [self._value(element) for _ in range(count)]
        return self._scalar(SCALARS[kind])

    def _pair(self):
        return self._string(), self._value(self._scalar("<I"))

    def _tensor(self):
        name = self._string()
        dimensions = [self._scalar("<Q") for _ in range(self._scalar("<I"))]
        return name, Tensor(dimensions, self._scalar("<I"), self._scalar("<Q"))

    def _read_data(self, start):
        """Tensors follow each other at multiples of 32 bytes, with zeros between them and nothing after the last."""
        end = 0
        for tensor in self.tensors.values():
            assert tensor.offset == end and end % 32 == 0
            begin = start + tensor.offset
            tensor.data = self._data[begin:begin + tensor.size()]
            assert len(tensor.data) == tensor.size()
            end = math.ceil((tensor.offset + tensor.size()) / 32) * 32
            assert not any(self._data[begin + tensor.size():start + end]), "padding is zeros"
        assert len(self._data) == start + end


def _single(value):
    """Rounds to single precision; right for one +, -, *, / of singles done in double (53 >= 2 * 24 + 2 bits)."""
    return array("f", [value])[0]


def quantize(values):
    """Bytes of the Q8_0 blocks of a row: d = max|x| / 127, q = x * (1 / d) rounded half away from zero, d as f16."""
    blocks = []
    for begin in range(0, len(values), 32):
        group = values[begin:begin + 32]
        d = _single(max(map(abs, group)) / 127)
        inverse = _single(1 / d) if d else 0
        scaled = [_single(value * inverse) for value in group]
        numbers = [int(math.copysign(math.floor(abs(value) + 0.5), value)) for value in scaled]
        blocks.append(struct.pack("<e32b", d, *numbers))
    return b"".join(blocks)
