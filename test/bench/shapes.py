"""Model files of the shapes of real models, with random weights: as fast as those, without their sense."""
import random
import struct
from dataclasses import dataclass

from gguf_writer import ALIGNMENT, BLOCKS, header, random_row

F32, F16, Q4_0, Q8_0, Q4_K, Q6_K = 0, 1, 2, 8, 12, 14  # types of tensors
POOL_WEIGHTS = 1 << 18  # random ones of a type, which a file repeats
CONTEXT = 8448
UNKNOWN, CONTROL, NORMAL, BYTE = 2, 3, 1, 6  # types of tokens


@dataclass
class Shape:
    dim: int
    hidden: int
    layers: int
    heads: int
    kv_heads: int
    vocabulary: int
    tied: bool = True


SHAPES = {
    "15m": Shape(288, 768, 6, 6, 6, 32000),
    "110m": Shape(768, 2048, 12, 12, 12, 32000),
    "135m": Shape(576, 1536, 30, 9, 3, 49152),  # grouped queries
    "1.1b": Shape(2048, 5632, 22, 32, 4, 32000, tied=False),  # grouped queries
}


def _metadata(shape):
    pieces = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    types = [UNKNOWN, CONTROL, CONTROL] + [BYTE] * 256 + [NORMAL] * (shape.vocabulary - len(pieces))
    pieces += [f"p{index}" for index in range(len(pieces), shape.vocabulary)]
    return {
        "general.architecture": "llama", "llama.embedding_length": shape.dim, "llama.block_count": shape.layers,
        "llama.feed_forward_length": shape.hidden, "llama.context_length": CONTEXT,
        "llama.attention.head_count": shape.heads, "llama.attention.head_count_kv": shape.kv_heads,
        "llama.attention.layer_norm_rms_epsilon": 1e-5, "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.tokens": pieces, "tokenizer.ggml.scores": [0.0] * shape.vocabulary,
        "tokenizer.ggml.token_type": types,
    }


def _is_finer(layer, layers):
    """Layers in which Q4_K_M keeps two matrices in Q6_K: the first and last eighths, and every third between them."""
    eighth = layers // 8
    return layer < eighth or layer >= 7 * layers // 8 or (layer - eighth) % 3 == 2


def _tensors(shape, quantization):
    """Name -> (dimensions, the contiguous one first; type)."""
    kind = {"q8_0": Q8_0, "f16": F16, "q4_0": Q4_0, "q4_k_m": Q4_K}[quantization]
    finer = Q6_K if kind in (Q4_0, Q4_K) else kind
    dim, hidden, kv = shape.dim, shape.hidden, shape.dim // shape.heads * shape.kv_heads
    tensors = {"token_embd.weight": ([dim, shape.vocabulary], finer if shape.tied else kind),
               "output_norm.weight": ([dim], F32)}
    if not shape.tied:
        tensors["output.weight"] = [dim, shape.vocabulary], finer
    for layer in range(shape.layers):
        some = finer if kind == Q4_K and _is_finer(layer, shape.layers) else kind
        tensors |= {f"blk.{layer}.{name}.weight": value for name, value in {
            "attn_norm": ([dim], F32), "attn_q": ([dim, dim], kind), "attn_k": ([dim, kv], kind),
            "attn_v": ([dim, kv], some), "attn_output": ([dim, dim], kind), "ffn_norm": ([dim], F32),
            "ffn_gate": ([dim, hidden], kind), "ffn_up": ([dim, hidden], kind), "ffn_down": ([hidden, dim], some),
        }.items()}
    return tensors


def _pool(generator, kind):
    if kind == F32:
        return struct.pack("<f", 1.0) * POOL_WEIGHTS
    if kind == F16:
        return struct.pack(f"<{POOL_WEIGHTS}e", *(generator.uniform(-0.05, 0.05) for _ in range(POOL_WEIGHTS)))
    return random_row(generator, kind, POOL_WEIGHTS)


def model_file(folder, name, quantization):
    """The file in `folder`, made if it is not there yet."""
    path = folder / f"{name}-{quantization}.gguf"
    if path.exists():
        return path
    folder.mkdir(parents=True, exist_ok=True)
    tensors = _tensors(SHAPES[name], quantization)
    generator = random.Random(1)
    pools = {kind: _pool(generator, kind) for kind in sorted({kind for _, kind in tensors.values()})}
    unfinished = path.with_suffix(".part")
    with open(unfinished, "wb") as file:
        file.write(header(_metadata(SHAPES[name]), tensors)[0])
        for dimensions, kind in tensors.values():
            weights, block = BLOCKS[kind]
            left = dimensions[0] * (dimensions[1] if len(dimensions) > 1 else 1) // weights * block
            file_padding = -left % ALIGNMENT
            while left > 0:
                left -= file.write(pools[kind][:left])
            file.write(bytes(file_padding))
    unfinished.rename(path)
    return path
