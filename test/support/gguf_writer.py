"""Writes GGUF files: what gguf_file.py reads, with changes. Format: ggml's docs/gguf.md."""
import math
import random
import struct

from gguf_file import F32, Q8_0

UINT16, UINT32, FLOAT32, BOOL, STRING, ARRAY, INT32 = 2, 4, 6, 7, 8, 9, 5
ALIGNMENT = 32
NORMAL, SPACE = 1, "\u2581"  # a type of token; what a space is in its piece
BLOCKS = {  # of every type of tensor: weights, bytes
    F32: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), Q8_0: (32, 34), 10: (256, 84),
    11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210), 20: (32, 18), 23: (256, 136), 39: (32, 17),
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


# ---- Split models ----

def _pairs(metadata):
    return b"".join(_string(key) + struct.pack("<I", _kind(value)) + _value(value) for key, value in metadata.items())


def write_split(folder, name, model, counts):
    """Writes a model, a GgufFile, in parts of so many tensors each, as llama.cpp's gguf-split does: all keys in the
    first part, the split's own in each. Returns the paths."""
    assert sum(counts) == len(model.tensors)
    left, paths = list(model.tensors.items()), []
    for number, count in enumerate(counts):
        tensors, left = left[:count], left[count:]
        metadata = model.metadata if number == 0 else {}
        data = b"GGUF" + struct.pack("<IQQ", 3, count, len(metadata) + 3) + _pairs(metadata)
        data += _string("split.no") + struct.pack("<IH", UINT16, number)
        data += _string("split.count") + struct.pack("<IH", UINT16, len(counts))
        data += _string("split.tensors.count") + struct.pack("<Ii", INT32, len(model.tensors))
        offset = 0
        for tensor_name, tensor in tensors:
            dimensions = tensor.dimensions
            data += _string(tensor_name) + struct.pack(f"<I{len(dimensions)}QIQ", len(dimensions), *dimensions,
                                                       tensor.type, offset)
            offset += -(-len(tensor.data) // ALIGNMENT) * ALIGNMENT
        data += bytes(-len(data) % ALIGNMENT)
        for _, tensor in tensors:
            data += tensor.data + bytes(-len(tensor.data) % ALIGNMENT)
        paths.append(folder / f"{name}-{number + 1:05}-of-{len(counts):05}.gguf")
        paths[-1].write_bytes(data)
    return paths


# ---- A model of every type of blocks ----

SCALES = {  # type -> where its f16 lie in a block; what they are, so that weights are about 0.05 at most
    2: ([0], 0.008), 3: ([0, 2], 0.005), 6: ([0], 0.004), 7: ([0, 2], 0.002), Q8_0: ([0], 0.0005),
    10: ([80, 82], 0.001), 11: ([108], 0.0006), 12: ([0, 2], 0.0001), 13: ([0, 2], 0.00005), 14: ([208], 0.00002),
    20: ([0], 0.0005), 23: ([0], 0.00002), 39: ([], 0),
}
EXPONENT = 120  # of MXFP4's scale, its first byte


def random_row(generator, kind, columns, is_zero=False):
    """Blocks of so many random weights, about 0.05 at most."""
    weights, size = BLOCKS[kind]
    places, scale = SCALES[kind]
    data = bytearray(generator.randbytes(columns // weights * size))
    for at in range(0, len(data), size):
        if not places:
            data[at] = EXPONENT
        for place in places:
            struct.pack_into("<e", data, at + place, 0 if is_zero else scale)
    return bytes(data)


def write_every_type(path, model):
    """Writes a model with the vocabulary of `model`, a GgufFile, and random weights, its matrices of all types in turn.
    Greedy texts of it are ASCII: the output's rows of all other tokens are zero."""
    generator, width, kv_width, kinds = random.Random(1), 256, 128, list(SCALES)
    metadata = {key: value for key, value in model.metadata.items() if not key.startswith("bootllama.tensors.")} | {
        "llama.embedding_length": width, "llama.feed_forward_length": width, "llama.block_count": 2,
        "llama.attention.head_count": 4, "llama.attention.head_count_kv": 2, "llama.rope.dimension_count": 64}
    vocabulary = len(metadata["tokenizer.ggml.tokens"])
    layer = {"attn_q": width, "attn_k": kv_width, "attn_v": kv_width, "attn_output": width, "ffn_gate": width,
             "ffn_up": width, "ffn_down": width}
    rows = {"token_embd.weight": vocabulary, "output.weight": vocabulary} | {
        f"blk.{number}.{name}.weight": count for number in range(2) for name, count in layer.items()}
    norms = ["output_norm.weight", *(f"blk.{number}.{name}_norm.weight" for number in range(2)
                                     for name in ("attn", "ffn"))]
    tensors = {name: ([width, count], kinds[number % len(kinds)]) for number, (name, count) in enumerate(rows.items())}
    data, _ = header(metadata, tensors | {name: ([width], F32) for name in norms})
    is_other = [kind != NORMAL or not piece.replace(SPACE, " ").isascii() for piece, kind in
                zip(metadata["tokenizer.ggml.tokens"], metadata["tokenizer.ggml.token_type"])]
    for name, ((_, count), kind) in tensors.items():
        blocks = b"".join(random_row(generator, kind, width, name == "output.weight" and is_other[row])
                          for row in range(count))
        data += blocks + bytes(-len(blocks) % ALIGNMENT)
    path.write_bytes(data + struct.pack("<f", 1.0) * width * len(norms))
