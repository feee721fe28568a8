"""Small random models in llama2.c's legacy format, and its forward pass in plain Python as a second opinion."""

import math
import random
import struct
from array import array
from dataclasses import dataclass, field

SPACE_MARK = "\u2581"
EXTRA_PIECES = [" t", "he", " the", "\u00e9", "a b", " "]


@dataclass
class Shape:
    dim: int = 64
    hidden: int = 172
    layers: int = 2
    heads: int = 4
    kv_heads: int = 2
    vocabulary: int = 3 + 256 + len(EXTRA_PIECES)
    context: int = 64
    tied: bool = True

    @property
    def head_size(self):
        return self.dim // self.heads

    @property
    def kv_dim(self):
        return self.kv_heads * self.head_size

    def layer_tensors(self):
        """GGUF name -> (rows, columns) in the order of the checkpoint."""
        dim, hidden, kv_dim = self.dim, self.hidden, self.kv_dim
        return {
            "attn_norm": (1, dim), "attn_q": (dim, dim), "attn_k": (kv_dim, dim), "attn_v": (kv_dim, dim),
            "attn_output": (dim, dim), "ffn_norm": (1, dim), "ffn_gate": (hidden, dim), "ffn_down": (dim, hidden),
            "ffn_up": (hidden, dim),
        }

    def header(self):
        vocabulary = self.vocabulary if self.tied else -self.vocabulary
        return struct.pack("<7i", self.dim, self.hidden, self.layers, self.heads, self.kv_heads, vocabulary,
                           self.context)


@dataclass
class Model:
    shape: Shape
    tensors: dict = field(default_factory=dict)  # GGUF name -> array("f"), row after row

    def checkpoint(self):
        """The bytes of the checkpoint file."""
        shape = self.shape
        parts = [shape.header(), self.tensors["token_embd.weight"].tobytes()]
        for name in shape.layer_tensors():
            parts += [self.tensors[f"blk.{layer}.{name}.weight"].tobytes() for layer in range(shape.layers)]
        parts.append(self.tensors["output_norm.weight"].tobytes())
        parts.append(bytes(4 * shape.context * shape.head_size))  # RoPE tables, unused
        if not shape.tied:
            parts.append(self.tensors["output.weight"].tobytes())
        return b"".join(parts)


def random_model(shape, seed=1):
    generator = random.Random(seed)

    def matrix(rows, columns):
        return array("f", (generator.gauss(0, 2 / math.sqrt(columns)) for _ in range(rows * columns)))

    def norm(columns):
        return array("f", (generator.uniform(0.5, 1.5) for _ in range(columns)))

    model = Model(shape)
    model.tensors["token_embd.weight"] = matrix(shape.vocabulary, shape.dim)
    for layer in range(shape.layers):
        for name, (rows, columns) in shape.layer_tensors().items():
            values = norm(columns) if name.endswith("norm") else matrix(rows, columns)
            model.tensors[f"blk.{layer}.{name}.weight"] = values
    model.tensors["output_norm.weight"] = norm(shape.dim)
    if not shape.tied:
        model.tensors["output.weight"] = matrix(shape.vocabulary, shape.dim)
    return model


def read_checkpoint(data):
    """The Model in the bytes of a checkpoint."""
    dim, hidden, layers, heads, kv_heads, vocabulary, context = struct.unpack_from("<7i", data)
    shape = Shape(dim, hidden, layers, heads, kv_heads, abs(vocabulary), context, vocabulary > 0)
    position = 28

    def take(rows, columns):
        nonlocal position
        begin, position = position, position + 4 * rows * columns
        return array("f", data[begin:position])

    model = Model(shape)
    model.tensors["token_embd.weight"] = take(shape.vocabulary, dim)
    for name, (rows, columns) in shape.layer_tensors().items():
        for layer in range(layers):
            model.tensors[f"blk.{layer}.{name}.weight"] = take(rows, columns)
    model.tensors["output_norm.weight"] = take(1, dim)
    take(context, shape.head_size)
    if not shape.tied:
        model.tensors["output.weight"] = take(shape.vocabulary, dim)
    assert position == len(data)
    return model


def pieces():
    """Texts of a vocabulary of Shape().vocabulary pieces as tokenizer.bin has them."""
    return ["<unk>", "\n<s>\n", "\n</s>\n", *(f"<0x{byte:02X}>" for byte in range(256)), *EXTRA_PIECES]


def tokenizer(texts):
    """The bytes of a tokenizer.bin; a piece is a str or raw bytes. Scores fall with the id."""
    encoded = [text if isinstance(text, bytes) else text.encode() for text in texts]
    parts = [struct.pack("<i", max(map(len, encoded)))]
    for index, text in enumerate(encoded):
        parts += [struct.pack("<fi", -index, len(text)), text]
    return b"".join(parts)


# The forward pass of llama2.c's run.c, in double precision.


def _multiply(matrix, x):
    columns = len(x)
    return [sum(map(float.__mul__, map(float, matrix[row:row + columns]), x)) for row in range(0, len(matrix), columns)]


def _norm(x, weight):
    scale = 1 / math.sqrt(sum(value * value for value in x) / len(x) + 1e-5)
    return [value * scale * factor for value, factor in zip(x, weight)]


def _rotate(x, position, head_size):
    rotated = []
    for i in range(0, len(x), 2):
        angle = position / 10000 ** (i % head_size / head_size)
        cosine, sine = math.cos(angle), math.sin(angle)
        rotated += [x[i] * cosine - x[i + 1] * sine, x[i] * sine + x[i + 1] * cosine]
    return rotated


def _attend(shape, q, keys, values):
    out = []
    for head in range(shape.heads):
        size = shape.head_size
        kv_head = head // (shape.heads // shape.kv_heads)
        shared = slice(kv_head * size, (kv_head + 1) * size)
        query = q[head * size:(head + 1) * size]
        scores = [sum(map(float.__mul__, query, key[shared])) / math.sqrt(size) for key in keys]
        weights = [math.exp(score - max(scores)) for score in scores]
        total = sum(weights)
        out += [sum(w * value[shared][i] for w, value in zip(weights, values)) / total for i in range(size)]
    return out


def _add(x, y):
    return [a + b for a, b in zip(x, y)]


def _logits(model, cache, token, position):
    shape, tensors = model.shape, model.tensors
    x = list(map(float, tensors["token_embd.weight"][token * shape.dim:(token + 1) * shape.dim]))
    for layer in range(shape.layers):
        w = {name: tensors[f"blk.{layer}.{name}.weight"] for name in shape.layer_tensors()}
        keys, values = cache[layer]
        normed = _norm(x, w["attn_norm"])
        keys.append(_rotate(_multiply(w["attn_k"], normed), position, shape.head_size))
        values.append(_multiply(w["attn_v"], normed))
        q = _rotate(_multiply(w["attn_q"], normed), position, shape.head_size)
        x = _add(x, _multiply(w["attn_output"], _attend(shape, q, keys, values)))
        normed = _norm(x, w["ffn_norm"])
        gate, up = _multiply(w["ffn_gate"], normed), _multiply(w["ffn_up"], normed)
        x = _add(x, _multiply(w["ffn_down"], [g / (1 + math.exp(-g)) * u for g, u in zip(gate, up)]))
    output = tensors["token_embd.weight" if shape.tied else "output.weight"]
    return _multiply(output, _norm(x, tensors["output_norm.weight"]))


def greedy(model, tokens, positions):
    """Continues the tokens with the likeliest ones up to `positions` of them."""
    cache = [([], []) for _ in range(model.shape.layers)]
    tokens = list(tokens)
    for position in range(positions - 1):
        logits = _logits(model, cache, tokens[position], position)
        if position + 1 == len(tokens):
            tokens.append(logits.index(max(logits)))
    return tokens
