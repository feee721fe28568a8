"""A model with random weights and what makes trained ones hard to quantize: attention sinks and outlier channels.

As in trained models, the first layer's feed-forward makes both: a unit that only BOS wakes writes a value of 1000 into
one channel of the first position ("massive activation"), and a unit that is always on writes 30 to 80 into three
others of all positions, where the rest is about 1. Norms keep these outliers at about ten times the others. In the
other layers each query has one dimension, of the pair that RoPE turns least, that reads an outlier, and only the first
position has a key in it: that position takes the share SINKS of the softmax, and its value is nearly zero.
"""
import math
import random
from array import array

from widened_model import BOS, byte_level_vocabulary, write_f32

WIDTH, HIDDEN, HEADS, KV_HEADS, HEAD_SIZE, CONTEXT = 256, 512, 4, 2, 64, 1024
SINKS = [(0.5, 0.8), (0.9, 0.95), (0.98, 0.995)]  # of the layers after the first: for each KV head
IS_FIRST, IS_ONE, MASSIVE, OUTLIERS = 0, 64, 100, (37, 150, 201)  # channels
SIZES = (50.0, -80.0, 30.0)  # of the outliers
BEHIND_NORM = 1.2  # weight of a norm in the outliers' channels
SINK_DIMENSION = HEAD_SIZE - 2
SINK_UNIT, OUTLIER_UNIT = 17, 300  # of the first feed-forward
OTHERS = 7.0  # logarithm of what the other positions' scores, about e^0.5 each, sum up to


class _Maker:
    def __init__(self, vocabulary):
        self.random, self.vocabulary, self.tensors = random.Random(2), vocabulary, {}

    def rows(self, count, columns, scale=1.0):
        deviation = scale / math.sqrt(columns)
        return [[self.random.gauss(0, deviation) for _ in range(columns)] for _ in range(count)]

    def put(self, name, rows):
        dimensions = [len(rows[0]), len(rows)] if len(rows) > 1 else [len(rows[0])]
        self.tensors[f"{name}.weight"] = dimensions, array("f", [number for row in rows for number in row])

    def norm(self, name, scale):
        weights = [scale * self.random.uniform(0.7, 1.3) for _ in range(WIDTH)]
        for place in (*OUTLIERS, MASSIVE) if scale > 1 else ():
            weights[place] = BEHIND_NORM
        self.put(name, [weights])

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

    def attention(self, layer, sinks, spread):
        q, k = self.readers(HEADS * HEAD_SIZE, 0.6), self.readers(KV_HEADS * HEAD_SIZE, 0.6)
        outlier = abs(SIZES[0]) * BEHIND_NORM / spread  # what q reads
        for head in range(HEADS if sinks else 0):
            score = OTHERS + math.log(sinks[head // 2] / (1 - sinks[head // 2]))
            q[head * HEAD_SIZE + SINK_DIMENSION] = [0.0] * WIDTH
            q[head * HEAD_SIZE + SINK_DIMENSION][OUTLIERS[0]] = 4 / outlier
            key = k[head // 2 * HEAD_SIZE + SINK_DIMENSION] = [0.0] * WIDTH
            key[MASSIVE] = score * math.sqrt(HEAD_SIZE) / 4 / (BEHIND_NORM * math.sqrt(WIDTH))
        self.put(f"blk.{layer}.attn_q", q)
        self.put(f"blk.{layer}.attn_k", k)
        self.put(f"blk.{layer}.attn_v", self.readers(KV_HEADS * HEAD_SIZE))
        self.put(f"blk.{layer}.attn_output", self.writers(HEADS * HEAD_SIZE))

    def feed_forward(self, layer):
        gate, up, down = self.readers(HIDDEN), self.readers(HIDDEN), self.writers(HIDDEN)
        if layer == 0:
            for unit, channel in (SINK_UNIT, IS_FIRST), (OUTLIER_UNIT, IS_ONE):
                for rows in gate, up:
                    rows[unit] = [0.0] * WIDTH
                    rows[unit][channel] = 2.0
            down[MASSIVE][SINK_UNIT] = 5.0
            for place, size in zip(OUTLIERS, SIZES):
                down[place][OUTLIER_UNIT] = size / 60
        for name, rows in ("gate", gate), ("up", up), ("down", down):
            self.put(f"blk.{layer}.ffn_{name}", rows)

    def all_tensors(self):
        spread = math.sqrt(sum(size * size for size in SIZES) / WIDTH + 1)  # root mean square behind the first layer
        embedding = self.rows(self.vocabulary, WIDTH, math.sqrt(WIDTH))
        for token, row in enumerate(embedding):
            row[IS_FIRST], row[IS_ONE] = (8.0 if token == BOS else 0.0), 4.0
            for place in (*OUTLIERS, MASSIVE):
                row[place] = 0.0
        self.put("token_embd", embedding)
        for layer, sinks in enumerate([None, *SINKS]):
            scale = spread if sinks else 1.0
            self.norm(f"blk.{layer}.attn_norm", scale)
            self.attention(layer, sinks, spread)
            self.norm(f"blk.{layer}.ffn_norm", scale)
            self.feed_forward(layer)
        self.norm("output_norm", spread)
        self.put("output", self.readers(self.vocabulary, 1.2))
        return self.tensors


def write_with_sinks(path, model):
    """Writes the F32 file; its vocabulary is that of `model`, the GgufFile of default.gguf, as byte-level BPE."""
    vocabulary = byte_level_vocabulary(model.metadata)
    write_f32(path, {
        "general.architecture": "llama", "general.name": "sinks", "llama.context_length": CONTEXT,
        "llama.embedding_length": WIDTH, "llama.block_count": 1 + len(SINKS), "llama.feed_forward_length": HIDDEN,
        "llama.attention.head_count": HEADS, "llama.attention.head_count_kv": KV_HEADS,
        "llama.attention.layer_norm_rms_epsilon": 1e-5, "llama.rope.dimension_count": HEAD_SIZE, **vocabulary,
    }, _Maker(len(vocabulary["tokenizer.ggml.tokens"])).all_tensors())
