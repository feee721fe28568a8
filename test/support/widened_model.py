"""default.gguf's network in a wider shape, for what 64 columns cannot show: K-quants, whose blocks take 256 weights.

What the network computes stays the same, up to rounding. Each channel of the residual stream becomes four of different
sizes, and so does each value of a head; a feed-forward unit becomes three. Rows that read them share the old weight
out, plus noise that cancels out over the copies, so that all weights of a block differ. Norms have a few outliers: the
channels behind them are eight times as large as the others. The embedding of BOS has one channel a thousand times
larger than the others, as the first position of trained models has ("massive activation"): its keys and values are then
that channel's columns of the weights. The vocabulary becomes byte-level BPE with the same pieces.
"""
import math
import random
import struct
from array import array

from gguf_file import F32
from gguf_writer import header

WIDTH, HEAD_SIZE, HIDDEN, COPIES = 256, 32, 512, 4
BOS = 1
MASSIVE = 1000.0  # of channel WIDTH - 1 in the embedding of BOS
NOISE, SIZES = 0.5, (0.7, 1.3)  # of a row's weights, as a part of their own size; of copies
NORMS, OUTLIER, OUTLIERS = 1.4, 8.0, 3  # factors of a norm's weights, at most; of its outliers; how many these are
NORMAL, CONTROL, UNUSED = 1, 3, 5  # types of tokens
BYTES, PIECES = 3, 259  # first ids of the default vocabulary's bytes and pieces


# ---- The vocabulary ----

def _byte_letters():
    """GPT-2's letter of each byte: itself if it is visible, else from U+0100 on."""
    visible = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = [byte for byte in range(256) if byte not in visible]
    return {byte: chr(byte) for byte in visible} | {byte: chr(256 + i) for i, byte in enumerate(hidden)}


def _split(word, ranks):
    """The parts of a word by merges of these ranks."""
    parts = list(word)
    while True:
        pairs = [(ranks[pair], i) for i, pair in enumerate(zip(parts, parts[1:])) if pair in ranks]
        if not pairs:
            return parts
        at = min(pairs)[1]
        parts[at:at + 2] = [parts[at] + parts[at + 1]]


def byte_level_vocabulary(metadata):
    """The keys of a byte-level BPE vocabulary with the pieces of a SentencePiece one, at the same ids."""
    letters = _byte_letters()
    pieces = ["".join(letters[byte] for byte in piece.replace("\u2581", " ").encode())
              for piece in metadata["tokenizer.ggml.tokens"][PIECES:]]
    names = list(metadata["tokenizer.ggml.tokens"][:PIECES])
    types = [CONTROL] * BYTES + [NORMAL] * (256 + len(pieces))
    for byte in range(256):
        if letters[byte] in pieces:  # the piece of one letter has its weights
            types[BYTES + byte] = UNUSED
        else:
            names[BYTES + byte] = letters[byte]
    order = sorted(range(len(pieces)), key=lambda i: -metadata["tokenizer.ggml.scores"][PIECES + i])
    ranks = {}
    for piece in (pieces[i] for i in order if len(pieces[i]) > 1):
        parts = _split(piece, ranks)
        assert len(parts) == 2, f"{piece} is not made by one merge"
        ranks[tuple(parts)] = len(ranks)
    return {"tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": "gpt-2",
            "tokenizer.ggml.tokens": names + pieces, "tokenizer.ggml.token_type": types,
            "tokenizer.ggml.merges": [f"{first} {second}" for first, second in ranks],
            "tokenizer.ggml.bos_token_id": BOS, "tokenizer.ggml.eos_token_id": 2, "tokenizer.ggml.add_bos_token": True}


# ---- Copies ----

class Copies:
    """How `old` numbers become `new` ones: new number i is source[i]'s times size[i]. A row that reads them takes
    share[i] of the old weight, and noise; sum(share * size) over the copies of a number is 1. The squares of their
    sizes sum up to COPIES, which keeps a norm's mean."""

    def __init__(self, generator, old, new):
        self.noise = generator
        self.source = [i % old for i in range(new)]
        generator.shuffle(self.source)
        self.places = [[] for _ in range(old)]
        for i, source in enumerate(self.source):
            self.places[source].append(i)
        self.size = [generator.choice((-1, 1)) * generator.uniform(*SIZES) for _ in range(new)]
        for places in self.places:
            total = math.sqrt(sum(self.size[i] ** 2 for i in places) / COPIES)
            for i in places:
                self.size[i] /= total
        squares = [sum(self.size[i] ** 2 for i in places) for places in self.places]
        self.share = [self.size[i] / squares[source] for i, source in enumerate(self.source)]

    def read(self, row):
        """A row that reads the copies."""
        scale = NOISE * math.sqrt(sum(weight * weight for weight in row) / len(row)) / COPIES
        noise = [self.noise.uniform(-scale, scale) for _ in self.source]
        for places in self.places:
            excess = sum(noise[i] * self.size[i] for i in places)
            for i in places:
                noise[i] -= excess * self.share[i]
        return [row[source] * share + more for source, share, more in zip(self.source, self.share, noise)]

    def write(self, rows):
        """The rows that compute the copies."""
        return [[size * weight for weight in rows[source]] for source, size in zip(self.source, self.size)]


# ---- The network ----

def weights(tensor):
    """The rows of an F32 or Q8_0 tensor."""
    columns = tensor.dimensions[0]
    if tensor.type == F32:
        flat = struct.unpack(f"<{len(tensor.data) // 4}f", tensor.data)
    else:
        flat = [scale * q for scale, *block in struct.iter_unpack("<e32b", tensor.data) for q in block]
    return [list(flat[at:at + columns]) for at in range(0, len(flat), columns)]


def _normed(x, weight, epsilon):
    inverse = 1 / math.sqrt(sum(value * value for value in x) / len(x) + epsilon)
    return [value * inverse * factor for value, factor in zip(x, weight)]


def _product(rows, x):
    return [sum(map(float.__mul__, row, x)) for row in rows]


class Network:
    """The default model's weights, as rows."""

    def __init__(self, file):
        self.metadata = file.metadata
        self.tensors = {name.removesuffix(".weight"): weights(tensor) for name, tensor in file.tensors.items()}
        self.epsilon = file.metadata["llama.attention.layer_norm_rms_epsilon"]
        self.layers = file.metadata["llama.block_count"]
        self.heads = file.metadata["llama.attention.head_count"]
        self.kv_heads = file.metadata["llama.attention.head_count_kv"]
        self.width = file.metadata["llama.embedding_length"]

    def first_keys_and_values(self):
        """What each layer computes of the first position, which RoPE does not turn: [(key, value), ...]."""
        x, found = self.tensors["token_embd"][BOS], []
        for layer in range(self.layers):
            w = {name: self.tensors[f"blk.{layer}.{name}"] for name in (
                "attn_norm", "attn_k", "attn_v", "attn_output", "ffn_norm", "ffn_gate", "ffn_up", "ffn_down")}
            normed = _normed(x, w["attn_norm"][0], self.epsilon)
            key, value = _product(w["attn_k"], normed), _product(w["attn_v"], normed)
            found.append((key, value))
            size, group = len(value) // self.kv_heads, self.heads // self.kv_heads
            attended = [v for head in range(self.heads) for v in value[head // group * size:][:size]]
            x = list(map(float.__add__, x, _product(w["attn_output"], attended)))
            normed = _normed(x, w["ffn_norm"][0], self.epsilon)
            hidden = [gate / (1 + math.exp(-gate)) * up for gate, up in
                      zip(_product(w["ffn_gate"], normed), _product(w["ffn_up"], normed))]
            x = list(map(float.__add__, x, _product(w["ffn_down"], hidden)))
        return found


class Widening:
    """Makes the wide tensors: name -> (dimensions, numbers). The stream's last channel is the massive one."""

    def __init__(self, network, seed=1):
        self.network, self.noise = network, random.Random(seed)
        self.stream = Copies(self.noise, network.width, WIDTH - 1)
        self.tensors = {}

    def _put(self, name, rows):
        dimensions = [len(rows[0]), len(rows)] if len(rows) > 1 else [len(rows[0])]
        self.tensors[f"{name}.weight"] = dimensions, array("f", [number for row in rows for number in row])

    def _norm(self, name):
        """Puts a norm; returns what its readers divide their weights by."""
        factors = [NORMS ** self.noise.uniform(-1, 1) for _ in range(WIDTH)]
        for place in self.noise.sample(range(WIDTH - 1), OUTLIERS):
            factors[place] = OUTLIER
        factors[-1] = 1.0
        old = self.network.tensors[name][0]
        self._put(name, [[old[source] * factor for source, factor in zip(self.stream.source, factors)] + [1.0]])
        return factors

    def _readers(self, rows, factors, massive=None):
        """Rows that read the stream behind a norm. massive: what each computes of the first position."""
        massive = massive or [self.noise.uniform(-1, 1) for _ in rows]
        of_massive = math.sqrt(WIDTH)  # the channel behind a norm that nearly nothing else is in
        return [[weight / factor for weight, factor in zip(self.stream.read(row), factors)] + [value / of_massive]
                for row, value in zip(rows, massive)]

    def _writers(self, rows, copies):
        """Rows that write to the stream, reading `copies`."""
        return self.stream.write([copies.read(row) for row in rows]) + [[0.0] * len(copies.source)]

    def _spread(self, numbers, heads, other):
        """The dimensions of old heads in larger ones: RoPE turns pair i as it turns pair 4 i of four times as many.
        `other` makes what is in the rest. Both halves of a score are larger by the root of two, as its divisor is."""
        size = len(numbers) // heads
        wide = []
        for head in range(heads):
            for place in range(HEAD_SIZE):
                pair, half = divmod(place, 2)
                is_old = pair % (HEAD_SIZE // size) == 0
                wide.append(numbers[head * size + 2 * (pair * size // HEAD_SIZE) + half] if is_old else other())
        return wide

    def _attention(self, layer, key, value):
        network, tensors = self.network, self.network.tensors
        factors = self._norm(f"blk.{layer}.attn_norm")
        larger = math.sqrt(math.sqrt(HEAD_SIZE * network.heads / network.width))
        q, k, v, output = (tensors[f"blk.{layer}.attn_{name}"] for name in ("q", "k", "v", "output"))
        scale = math.sqrt(sum(weight ** 2 for row in q for weight in row) / len(q) / len(q[0]))
        q, k = ([[larger * weight for weight in row] for row in rows] for rows in (q, k))
        random_row = lambda: [self.noise.gauss(0, scale) for _ in range(network.width)]
        zeros = lambda: [0.0] * network.width
        self._put(f"blk.{layer}.attn_q", self._readers(self._spread(q, network.heads, random_row), factors))
        keys = self._spread([larger * number for number in key], network.kv_heads, lambda: 0.0)
        self._put(f"blk.{layer}.attn_k", self._readers(self._spread(k, network.kv_heads, zeros), factors, keys))
        values = self._value_copies()
        self._put(f"blk.{layer}.attn_v",
                  self._readers(values.write(v), factors, [value[source] * size for source, size in
                                                           zip(values.source, values.size)]))
        self._put(f"blk.{layer}.attn_output", self._writers(output, self._of_all_heads(values)))

    def _value_copies(self):
        """Copies of a value stay in its head."""
        old = self.network.width // self.network.heads
        values = Copies(self.noise, old * self.network.kv_heads, HEAD_SIZE * self.network.kv_heads)
        order = sorted(range(len(values.source)), key=lambda i: values.source[i] // old)
        values.source, values.size, values.share = (
            [numbers[i] for i in order] for numbers in (values.source, values.size, values.share))
        return values

    def _of_all_heads(self, values):
        """The copies of what queries' heads attend to."""
        old, group = self.network.width // self.network.heads, self.network.heads // self.network.kv_heads
        out = Copies(self.noise, self.network.width, HEAD_SIZE * self.network.heads)
        out.places = [[] for _ in out.places]
        for i in range(len(out.source)):
            head, place = divmod(i, HEAD_SIZE)
            of_kv = head // group * HEAD_SIZE + place
            out.source[i] = head * old + values.source[of_kv] % old
            out.size[i], out.share[i] = values.size[of_kv], values.share[of_kv]
            out.places[out.source[i]].append(i)
        return out

    def _feed_forward(self, layer):
        gate, up, down = (self.network.tensors[f"blk.{layer}.ffn_{name}"] for name in ("gate", "up", "down"))
        used = [unit for unit, row in enumerate(gate) if any(row)]  # the others are padding
        gate, up, down = ([gate[unit] for unit in used], [up[unit] for unit in used],
                          [[row[unit] for unit in used] for row in down])
        factors = self._norm(f"blk.{layer}.ffn_norm")
        units = Copies(self.noise, len(used), HIDDEN)
        self._put(f"blk.{layer}.ffn_gate", self._readers([gate[source] for source in units.source], factors))
        self._put(f"blk.{layer}.ffn_up", self._readers(units.write(up), factors))
        self._put(f"blk.{layer}.ffn_down", self._writers(down, units))

    def all_tensors(self):
        embedding = self.network.tensors["token_embd"]
        columns = [[size * row[source] for source, size in zip(self.stream.source, self.stream.size)] + [0.0]
                   for row in embedding]
        columns[BOS][-1] = MASSIVE
        self._put("token_embd", columns)
        for layer, (key, value) in enumerate(self.network.first_keys_and_values()):
            self._attention(layer, key, value)
            self._feed_forward(layer)
        self._put("output", self._readers(embedding, self._norm("output_norm")))
        return self.tensors


def write_f32(path, metadata, tensors):
    """Writes tensors, name -> (dimensions, numbers), as an F32 file."""
    data, _ = header(metadata, {name: (dimensions, F32) for name, (dimensions, _) in tensors.items()})
    with open(path, "wb") as file:
        file.write(data)
        for _, numbers in tensors.values():
            file.write(numbers.tobytes() + bytes(-4 * len(numbers) % 32))


def write_widened(path, model):
    """Writes the F32 file of `model`, the GgufFile of default.gguf, in its wider shape."""
    network = Network(model)
    kept = {key: value for key, value in model.metadata.items()
            if not key.startswith(("bootllama.", "tokenizer.", "general.file_type"))}
    write_f32(path, kept | byte_level_vocabulary(model.metadata) | {
        "general.name": "widened", "general.file_type": 0, "llama.embedding_length": WIDTH,
        "llama.feed_forward_length": HIDDEN, "llama.rope.dimension_count": HEAD_SIZE,
    }, Widening(network).all_tensors())
