"""Random models of every architecture: of the sizes of real ones in proportion, with what real ones have (biases, norms
of heads, windows, a channel that is much larger than all others), and with logits about as sure as those of real ones.
"""
import math
import random
from array import array
from dataclasses import dataclass, field

from gguf_file import F32, Q8_0, quantize
from gguf_writer import ALIGNMENT, header
from llama2c_model import pieces

BYTES_BEGIN, BYTES_END = 3, 259  # ids of the pieces of single bytes
UNKNOWN, CONTROL, NORMAL, BYTE = 2, 3, 1, 6
OUTLIER = 3  # the number of the large channel
SUCCESSORS = 0.5  # how strongly a token suggests the next one by itself
LOGITS = 3.0  # standard deviation of the logits, about


@dataclass
class Family:
    """`extra`: more metadata, keys without the architecture's name. `vocabulary`: metadata of a tokenizer to use."""
    architecture: str
    dim: int = 96
    hidden: int = 160
    layers: int = 2
    heads: int = 4
    kv_heads: int = 2
    head_size: int = 24
    context: int = 1024
    tied: bool = False
    added: float = 0.5  # by a layer to the residual stream, in proportion to the embedding
    biases: bool = False
    key_bias: float = 10  # how large the largest ones of keys are
    head_norms: bool = False
    post_norms: bool = False
    scaled: bool = False
    extra: dict = field(default_factory=dict)
    vocabulary: dict = None

    def layer_shapes(self):
        """Name in a layer -> (rows, columns)."""
        dim, hidden, q, kv = self.dim, self.hidden, self.heads * self.head_size, self.kv_heads * self.head_size
        shapes = {
            "attn_norm.weight": (1, dim), "attn_q.weight": (q, dim), "attn_k.weight": (kv, dim),
            "attn_v.weight": (kv, dim), "attn_output.weight": (dim, q), "ffn_norm.weight": (1, dim),
            "ffn_gate.weight": (hidden, dim), "ffn_up.weight": (hidden, dim), "ffn_down.weight": (dim, hidden),
        }
        if self.biases:
            shapes |= {"attn_q.bias": (1, q), "attn_k.bias": (1, kv), "attn_v.bias": (1, kv)}
        if self.head_norms:
            shapes |= {"attn_q_norm.weight": (1, self.head_size), "attn_k_norm.weight": (1, self.head_size)}
        if self.post_norms:
            shapes |= {"post_attention_norm.weight": (1, dim), "post_ffw_norm.weight": (1, dim)}
        return shapes

    def metadata(self):
        own = {
            "context_length": self.context, "embedding_length": self.dim, "block_count": self.layers,
            "feed_forward_length": self.hidden, "attention.head_count": self.heads,
            "attention.head_count_kv": self.kv_heads, "attention.key_length": self.head_size,
            "attention.value_length": self.head_size, "attention.layer_norm_rms_epsilon": 1e-6,
            "rope.freq_base": 1e6 if self.architecture != "llama" else 1e4,
        } | self.extra
        return {"general.architecture": self.architecture, "general.name": f"random {self.architecture}"} | {
            f"{self.architecture}.{key}": value for key, value in own.items()} | (self.vocabulary or byte_vocabulary())


def byte_vocabulary():
    """A SentencePiece vocabulary of little but single bytes."""
    texts = [piece.strip("\n").replace(" ", "\u2581") for piece in pieces()]
    types = [UNKNOWN, CONTROL, CONTROL] + [BYTE] * (BYTES_END - BYTES_BEGIN) + [NORMAL] * (len(texts) - BYTES_END)
    return {"tokenizer.ggml.model": "llama", "tokenizer.ggml.tokens": texts,
            "tokenizer.ggml.scores": [-float(i) for i in range(len(texts))], "tokenizer.ggml.token_type": types,
            "tokenizer.ggml.bos_token_id": 1, "tokenizer.ggml.eos_token_id": 2, "tokenizer.ggml.unknown_token_id": 0,
            "tokenizer.ggml.add_space_prefix": False}


FAMILIES = {
    "llama": Family("llama", added=0.6),
    "llama-biases": Family("llama", added=1.9, biases=True, tied=True),
    "qwen2": Family("qwen2", added=2, biases=True, tied=True),
    "qwen2-untied": Family("qwen2", added=0.8, biases=True, dim=128, heads=2, kv_heads=1, head_size=64),
    "qwen2-large-biases": Family("qwen2", added=0.8, biases=True, key_bias=200, dim=128, heads=2, kv_heads=1,
                                 head_size=64),
    "qwen3": Family("qwen3", added=2.6, head_norms=True, head_size=48, tied=True),
    "qwen3-odd": Family("qwen3", added=0.7, head_norms=True, heads=6, kv_heads=3, head_size=20, hidden=96),
    "gemma3": Family("gemma3", added=0.5, layers=7, heads=2, kv_heads=1, head_size=64, tied=True, head_norms=True,
                     post_norms=True, scaled=True, extra={"attention.sliding_window": 40}),
    "gemma3-no-window": Family("gemma3", added=1.2, head_size=32, tied=True, head_norms=True, post_norms=True,
                               scaled=True),
    "gemma3-stretched": Family("gemma3", added=0.3, layers=7, head_size=32, head_norms=True, post_norms=True,
                               scaled=True, extra={
                                   "attention.sliding_window": 300, "rope.freq_base_swa": 20000.0,
                                   "rope.scaling.type": "linear", "rope.scaling.factor": 8.0}),
}


def _embedding_scale(family):
    return 1 / math.sqrt(family.dim) if family.scaled or family.tied else 0.5


def _embedding(family, generator, vocabulary):
    """With a tied output, these numbers are also what makes the logits."""
    scale = _embedding_scale(family)
    values = array("f", (generator.gauss(0, scale) for _ in range(vocabulary * family.dim)))
    for row in range(vocabulary):
        values[row * family.dim + OUTLIER] = 12 * scale + generator.gauss(0, scale)
    return values


def _vector(family, generator, name, columns):
    """Biases are of the size of Qwen2's: those of keys are large, some very large."""
    if name == "attn_k.bias":
        return array("f", (generator.gauss(0, 2 if i % 16 else family.key_bias) for i in range(columns)))
    if name.endswith("bias"):
        return array("f", (generator.gauss(0, 1 if name == "attn_q.bias" else 0.3) for _ in range(columns)))
    large = LOGITS if name == "output_norm.weight" else 1.5 if name.startswith("attn_q_norm") else 1
    large = family.added if name.startswith("post") else large
    values = array("f", (large * generator.uniform(0.5, 1.5) for _ in range(columns)))
    if not name.startswith(("attn_q_norm", "attn_k_norm", "post")):
        values[OUTLIER] /= 8  # real norms make the large channel smaller, though not small
    return values


def _matrix(generator, rows, columns, gain):
    return array("f", (generator.gauss(0, gain / math.sqrt(columns)) for _ in range(rows * columns)))


def _successors(family, generator, vocabulary, embedding):
    """An output that knows which token tends to follow which, as a trained one does."""
    scale = SUCCESSORS / math.sqrt(family.dim) / _embedding_scale(family)
    order = generator.sample(range(vocabulary), vocabulary)
    noise = _matrix(generator, vocabulary, family.dim, 1)
    return array("f", (embedding[token * family.dim + i] * scale + noise[row * family.dim + i]
                       for row, token in enumerate(order) for i in range(family.dim)))


def tensors(family, seed=1):
    """Name in the file -> (dimensions, the contiguous one first; values)."""
    generator = random.Random(seed)
    vocabulary = len((family.vocabulary or byte_vocabulary())["tokenizer.ggml.tokens"])
    added = family.added * (1 if family.scaled else _embedding_scale(family))
    result = {"token_embd.weight": ([family.dim, vocabulary], _embedding(family, generator, vocabulary))}
    for layer in range(family.layers):
        for name, (rows, columns) in family.layer_shapes().items():
            gain = added if name in ("attn_output.weight", "ffn_down.weight") else 1.5 if "attn_" in name else 1
            vector = rows == 1
            values = _vector(family, generator, name, columns) if vector else _matrix(generator, rows, columns, gain)
            result[f"blk.{layer}.{name}"] = [columns] if vector else [columns, rows], values
    result["output_norm.weight"] = [family.dim], _vector(family, generator, "output_norm.weight", family.dim)
    if not family.tied:
        result["output.weight"] = [family.dim, vocabulary], _successors(
            family, generator, vocabulary, result["token_embd.weight"][1])
    return result


def _encode(dimensions, values, kind):
    columns = dimensions[0]
    if kind == F32:
        return values.tobytes()
    return b"".join(quantize(values[begin:begin + columns]) for begin in range(0, len(values), columns))


def write(path, family, kind=F32, seed=1):
    """Writes the model into a file: vectors as F32, and so matrices unless `kind` is Q8_0 and their rows allow it."""
    all_tensors = tensors(family, seed)
    kinds = {name: kind if len(dimensions) > 1 and dimensions[0] % 32 == 0 else F32
             for name, (dimensions, _) in all_tensors.items()}
    data, _ = header(family.metadata(), {name: (dimensions, kinds[name])
                                         for name, (dimensions, _) in all_tensors.items()})
    parts = [data]
    for name, (dimensions, values) in all_tensors.items():
        block = _encode(dimensions, values, kinds[name])
        parts += [block, bytes(-len(block) % ALIGNMENT)]
    path.write_bytes(b"".join(parts))
    return path
