"""Writes GGUF files: what gguf_file.py reads, with changes. Format: ggml's docs/gguf.md."""
import math
import struct

from gguf_file import F32, Q8_0

UINT32, FLOAT32, BOOL, STRING, ARRAY, INT32 = 4, 6, 7, 8, 9, 5
ALIGNMENT = 32
BLOCKS = {  # of every type of tensor: weights, bytes
    F32: (1, 4), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), Q8_0: (32, 34), 10: (256, 84), 11: (256, 110),
    12: (256, 144), 13: (256, 176), 14: (256, 210), 20: (32, 18), 23: (256, 136), 39: (32, 17),
}


def _string(text):
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def _kind(value):
    """The type of a value that the models of the build use."""
    return {bool: BOOL, int: UINT32, float: FLOAT32, str: STRING, list: ARRAY}[type(value)]


def _value(value):
    if isinstance(value, list):
        kind = INT32 if isinstance(value[0], int) else _kind(value[0])
        return struct.pack("<IQ", kind, len(value)) + b"".join(
            struct.pack("<i", item) if kind == INT32 else _value(item) for item in value)
    if isinstance(value, str):
        return _string(value)
    return struct.pack({bool: "<?", int: "<I", float: "<f"}[type(value)], value)


def header(metadata, tensors):
    """All before the tensors' data, padded; and the size of that data. tensors: name -> (dimensions, type)."""
    data = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(metadata))
    for key, value in metadata.items():
        data += _string(key) + struct.pack("<I", _kind(value)) + _value(value)
    offset = 0
    for name, (dimensions, kind) in tensors.items():
        data += _string(name) + struct.pack(f"<I{len(dimensions)}QIQ", len(dimensions), *dimensions, kind, offset)
        weights, block = BLOCKS[kind]
        size = math.prod(dimensions) // weights * block
        offset += -(-size // ALIGNMENT) * ALIGNMENT
    return data + bytes(-len(data) % ALIGNMENT), offset


def write_wide(path, model, hidden):
    """Writes a model like `model`, a GgufFile, with `hidden` feed-forward columns, all weights zero; sparse."""
    metadata = {key: value for key, value in model.metadata.items() if not key.startswith("bootllama.tensors.")}
    tensors = {}
    old = model.metadata["llama.feed_forward_length"]
    for name, tensor in model.tensors.items():
        is_norm, is_feed_forward = "norm" in name, "ffn_" in name and "norm" not in name
        wide = [hidden if is_feed_forward and size == old else size for size in tensor.dimensions]
        tensors[name] = wide, F32 if is_norm else Q8_0
    data, size = header(metadata | {"llama.feed_forward_length": hidden}, tensors)
    with open(path, "wb") as file:
        file.write(data)
        file.truncate(len(data) + size)
