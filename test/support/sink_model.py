"""Models with random weights and what makes trained ones hard to quantize: attention sinks and outlier channels.

As in trained models, the first layer's feed-forward makes both: a unit that only BOS wakes writes a value of 1000 into
one channel of the first position ("massive activation"), and a unit that is always on writes 30 to 100 into three
others of all positions, where the rest is about 1. Norms keep these outliers at about ten times the others. In the
other layers each query has one dimension, of the pair that RoPE turns least, that reads an outlier, and only the first
position has a key in it: that position takes the share SINKS of the softmax, and its value is nearly zero.

qwen2's keys have biases of KEY_BIAS in two dimensions, where queries are as much smaller.
"""
import math
import random
from array import array
from dataclasses import dataclass

from widened_model import BOS, byte_level_vocabulary, write_f32

WIDTH, HIDDEN, HEADS, KV_HEADS, CONTEXT = 256, 512, 4, 2, 1024
SINKS = [(0.5, 0.8), (0.9, 0.95), (0.98, 0.995)]  # of the layers after the first by turns: for each KV head
IS_FIRST, IS_ONE, MASSIVE, OUTLIERS = 0, 64, 100, (37, 150, 201)  # channels
SIZES = (50.0, -80.0, 30.0)  # of the outliers
BEHIND_NORM = 1.2  # weight of a norm in the outliers' channels
SINK_UNIT, OUTLIER_UNIT = 17, 300  # of the first feed-forward
OTHERS = 6.5  # logarithm of what the other positions' scores sum up to
REST = 0.8  # makes up for a part of what the sink takes
QUERY = 4.0  # in the sink's dimension
KEY_BIAS, BIASED = 40.0, (5, 20)


@dataclass
class Architecture:
    name: str
    layers: int = 4
    head_size: int = 64
    halves: bool = True  # RoPE's pairs: element i with i + head_size / 2, not neighbours
    biases: bool = False
    head_norms: bool = False
    after_norms: bool = False  # norms after attention and feed-forward, and the other ways of Gemma 3
    keys: tuple = ()  # metadata besides the usual: (name, value), ...

    @property
    def sink_dimension(self):
        return self.head_size // 2 - 1 if self.halves else self.head_size - 2


ARCHITECTURES = {architecture.name: architecture for architecture in (
    Architecture("llama", halves=False),
    Architecture("qwen2", biases=True, keys=(("rope.freq_base", 1000000.0),)),
    Architecture("qwen3", head_size=128, head_norms=True, keys=(("rope.freq_base", 1000000.0),)),
    Architecture("gemma3", layers=6, head_norms=True, after_norms=True,
                 keys=(("rope.freq_base", 1000000.0), ("attention.sliding_window", 256))),
)}


class _Maker:
    def __init__(self, architecture, vocabulary):
        self.of, self.vocabulary = architecture, vocabulary
        self.random, self.tensors = random.Random(2), {}
        self.spread = math.sqrt(sum(size * size for size in SIZES) / WIDTH + 1)  # RMS behind the first layer

    def rows(self, count, columns, scale=1.0):
        deviation = scale / math.sqrt(columns)
        return [[self.random.gauss(0, deviation) for _ in range(columns)] for _ in range(count)]

    def put(self, name, rows):
        dimensions = [len(rows[0]), len(rows)] if len(rows) > 1 else [len(rows[0])]
        self.tensors[name] = dimensions, array("f", [number for row in rows for number in row])

    def norm(self, name, scale, size=WIDTH, others=()):
        """others: the weights of some channels, {channel: weight}."""
        weights = [scale * self.random.uniform(0.7, 1.3) for _ in range(size)]
        for place, weight in dict(others).items():
            weights[place] = weight
        self.put(f"{name}.weight", [weights])

    def norm_before(self, name, layer):
        if layer == 0:
            self.norm(name, 1.0, others=dict.fromkeys((IS_FIRST, IS_ONE), 1.0))
        else:
            self.norm(name, self.spread, others=dict.fromkeys((*OUTLIERS, MASSIVE), BEHIND_NORM))

    def norm_after(self, name, layer, of_large):
        """Behind the first feed-forward it keeps what is large."""
        if self.of.after_norms:
            first = layer == 0 and of_large
            self.norm(name, self.spread if first else 0.5, others={MASSIVE: 60.0} if first else {})

    def readers(self, count, scale=1.0):
        """Rows behind a norm, to whom the outliers mean no more than the others, and the massive channel nothing."""
        rows = self.rows(count, WIDTH, scale)
        for row in rows:
            for place in OUTLIERS:
                row[place] /= 10
            row[MASSIVE] = 0.0
        return rows

    def writers(self, columns):
        """Rows that leave the large channels and the constant ones alone."""
        rows = self.rows(WIDTH, columns, 0.5)
        for place in (*OUTLIERS, MASSIVE, IS_FIRST, IS_ONE):
            rows[place] = [0.0] * columns
        return rows

    def add_sinks(self, q, k, output, sinks):
        """Each query head reads the first outlier, each key head the massive channel."""
        size, at = self.of.head_size, self.of.sink_dimension
        query = QUERY * (2 if self.of.head_norms else 1) / (abs(SIZES[0]) * BEHIND_NORM / self.spread)
        for head in range(HEADS):
            sink = sinks[head // 2]
            score = OTHERS + math.log(sink / (1 - sink))
            q[head * size + at], k[head // 2 * size + at] = [0.0] * WIDTH, [0.0] * WIDTH
            q[head * size + at][OUTLIERS[0]] = query
            k[head // 2 * size + at][MASSIVE] = score * math.sqrt(size) / QUERY / (BEHIND_NORM * math.sqrt(WIDTH))
            for row in output:
                row[head * size:(head + 1) * size] = [weight * REST / math.sqrt(1 - sink)
                                                      for weight in row[head * size:(head + 1) * size]]

    def put_biases(self, layer, q, k):
        size, biases = self.of.head_size, {"q": [0.0] * len(q), "k": [0.0] * len(k), "v": self.rows(1, len(k))[0]}
        for head in range(HEADS):
            for place in BIASED:
                biases["k"][head // 2 * size + place] = KEY_BIAS
                for half in place, place + size // 2:  # RoPE turns the bias into both
                    q[head * size + half] = [weight / KEY_BIAS for weight in q[head * size + half]]
        for name, values in biases.items():
            self.put(f"blk.{layer}.attn_{name}.bias", [values])

    def put_head_norms(self, layer):
        """They leave the sink's dimension a little larger: nearly all of the first position's key is in it."""
        for name in "q", "k":
            self.norm(f"blk.{layer}.attn_{name}_norm", 1.0, self.of.head_size, {self.of.sink_dimension: 1.2})

    def attention(self, layer):
        self.norm_before(f"blk.{layer}.attn_norm", layer)
        q, k = (self.readers(heads * self.of.head_size) for heads in (HEADS, KV_HEADS))
        output = self.writers(HEADS * self.of.head_size)
        if layer > 0:
            self.add_sinks(q, k, output, SINKS[(layer - 1) % len(SINKS)])
        if self.of.biases:
            self.put_biases(layer, q, k)
        if self.of.head_norms:
            self.put_head_norms(layer)
        self.put(f"blk.{layer}.attn_q.weight", q)
        self.put(f"blk.{layer}.attn_k.weight", k)
        self.put(f"blk.{layer}.attn_v.weight", self.readers(KV_HEADS * self.of.head_size))
        self.put(f"blk.{layer}.attn_output.weight", output)
        self.norm_after(f"blk.{layer}.post_attention_norm", layer, False)

    def feed_forward(self, layer):
        self.norm_before(f"blk.{layer}.ffn_norm", layer)
        gate, up, down = self.readers(HIDDEN), self.readers(HIDDEN), self.writers(HIDDEN)
        if layer == 0:
            for unit, channel in (SINK_UNIT, IS_FIRST), (OUTLIER_UNIT, IS_ONE):
                for rows in gate, up:
                    rows[unit] = [0.0] * WIDTH
                    rows[unit][channel] = 2.0
            for row in down:
                row[SINK_UNIT] = row[OUTLIER_UNIT] = 0.0
            down[MASSIVE][SINK_UNIT] = 25.0
            for place, size in zip(OUTLIERS, SIZES):
                down[place][OUTLIER_UNIT] = size / 60
        for name, rows in ("gate", gate), ("up", up), ("down", down):
            self.put(f"blk.{layer}.ffn_{name}.weight", rows)
        self.norm_after(f"blk.{layer}.post_ffw_norm", layer, True)

    def all_tensors(self):
        factor = math.sqrt(WIDTH) if self.of.after_norms else 1.0  # of Gemma's embeddings
        embedding = self.rows(self.vocabulary, WIDTH, math.sqrt(WIDTH) / factor)
        for token, row in enumerate(embedding):
            row[IS_FIRST], row[IS_ONE] = (8.0 / factor if token == BOS else 0.0), 4.0 / factor
            for place in (*OUTLIERS, MASSIVE):
                row[place] = 0.0
        self.put("token_embd.weight", embedding)
        for layer in range(self.of.layers):
            self.attention(layer)
            self.feed_forward(layer)
        self.norm_before("output_norm", self.of.layers)
        if self.of.after_norms:
            _, weights = self.tensors["output_norm.weight"]
            for channel in range(WIDTH):  # the embedding is the output matrix: no token is to follow itself
                weights[channel] *= self.random.choice((-1, 1))
        else:
            self.put("output.weight", self.readers(self.vocabulary, 1.2))
        return self.tensors


def write_with_sinks(path, model, name="llama"):
    """Writes the F32 file of an architecture; its vocabulary is that of `model`, the GgufFile of default.gguf, as
    byte-level BPE."""
    architecture, vocabulary = ARCHITECTURES[name], byte_level_vocabulary(model.metadata)
    of_heads = {"attention.key_length": architecture.head_size, "attention.value_length": architecture.head_size}
    if name == "llama":
        of_heads["rope.dimension_count"] = architecture.head_size
    keys = {"context_length": CONTEXT, "embedding_length": WIDTH, "block_count": architecture.layers,
            "feed_forward_length": HIDDEN, "attention.head_count": HEADS, "attention.head_count_kv": KV_HEADS,
            "attention.layer_norm_rms_epsilon": 1e-5} | of_heads | dict(architecture.keys)
    metadata = {"general.architecture": name, "general.name": f"{name} with sinks"}
    write_f32(path, metadata | {f"{name}.{key}": value for key, value in keys.items()} | vocabulary,
              _Maker(architecture, len(vocabulary["tokenizer.ggml.tokens"])).all_tensors())
