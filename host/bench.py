#!/usr/bin/python3
"""bench.py PROGRAM RESULT.json MODEL.gguf...: speed of every kernel with every model, as a table with bars and as JSON.

Where a MODEL is named "15m", a file of that shape with random weights is made for the time of the measurement.
"""
import json
import random
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

BAR = 24  # characters of the longest bar
DIM, HIDDEN, LAYERS, HEADS, VOCABULARY, CONTEXT = 288, 768, 6, 6, 32000, 256
GGUF_U32, GGUF_I32, GGUF_F32, GGUF_STRING, GGUF_ARRAY = 4, 5, 6, 8, 9  # types of values
TENSOR_F32, TENSOR_Q8_0, ALIGN = 0, 8, 32


def text(value):
    return struct.pack("<Q", len(value)) + value.encode()


def array(kind, packed, count):
    return struct.pack("<IQ", kind, count) + packed


def keys_15m():
    numbers = {"embedding_length": DIM, "feed_forward_length": HIDDEN, "block_count": LAYERS, "context_length": CONTEXT,
               "attention.head_count": HEADS}
    pieces = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    pieces += [f"p{index}" for index in range(len(pieces), VOCABULARY)]
    types = [2, 3, 3] + [6] * 256 + [1] * (VOCABULARY - 259)
    yield "general.architecture", GGUF_STRING, text("llama")
    for name, value in numbers.items():
        yield f"llama.{name}", GGUF_U32, struct.pack("<I", value)
    yield "llama.attention.layer_norm_rms_epsilon", GGUF_F32, struct.pack("<f", 1e-5)
    yield "tokenizer.ggml.model", GGUF_STRING, text("llama")
    yield "tokenizer.ggml.tokens", GGUF_ARRAY, array(GGUF_STRING, b"".join(map(text, pieces)), VOCABULARY)
    yield "tokenizer.ggml.scores", GGUF_ARRAY, array(GGUF_F32, bytes(4 * VOCABULARY), VOCABULARY)
    yield "tokenizer.ggml.token_type", GGUF_ARRAY, array(GGUF_I32, struct.pack(f"<{VOCABULARY}i", *types), VOCABULARY)


def shapes_15m():
    """Name and sizes of every tensor, the contiguous one first."""
    yield "token_embd.weight", (DIM, VOCABULARY)
    yield "output_norm.weight", (DIM,)
    for layer in range(LAYERS):
        for name in ("attn_norm", "ffn_norm"):
            yield f"blk.{layer}.{name}.weight", (DIM,)
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            yield f"blk.{layer}.{name}.weight", (DIM, DIM)
        for name, sizes in ("ffn_gate", (DIM, HIDDEN)), ("ffn_up", (DIM, HIDDEN)), ("ffn_down", (HIDDEN, DIM)):
            yield f"blk.{layer}.{name}.weight", sizes


def write_15m(path):
    """A sound model file with the shape of stories15M; its weights and so its text are without sense."""
    dice = random.Random(1)
    scale, weights = struct.pack("<e", 0.0004), [*range(128), *range(129, 256)]
    blocks = [scale + bytes(dice.choices(weights, k=32)) for _ in range(999)]
    names, data = b"", b""
    for name, sizes in shapes_15m():
        kind = TENSOR_Q8_0 if len(sizes) == 2 else TENSOR_F32
        names += text(name) + struct.pack(f"<I{len(sizes)}QIQ", len(sizes), *sizes, kind, len(data))
        tensor = struct.pack(f"<{DIM}f", *[1.0] * DIM)
        if kind == TENSOR_Q8_0:
            tensor = b"".join(dice.choices(blocks, k=sizes[0] * sizes[1] // 32))
        data += tensor + bytes(-len(tensor) % ALIGN)
    keys = list(keys_15m())
    head = struct.pack("<4sIQQ", b"GGUF", 3, len(list(shapes_15m())), len(keys))
    head += b"".join(text(name) + struct.pack("<I", kind) + value for name, kind, value in keys) + names
    path.write_bytes(head + bytes(-len(head) % ALIGN) + data)


def measure(program, model):
    """What the program says: a dictionary for each kernel."""
    run = subprocess.run([program, model, "--bench"], check=True, stdout=subprocess.PIPE, text=True)
    names, *lines = (line.split("\t") for line in run.stdout.splitlines())
    rows = [dict(zip(names, values)) for values in lines]
    return [{name: value if name == "kernel" else float(value) for name, value in row.items()} for row in rows]


def show(model, rows):
    fastest = max(row["generation_tokens_per_s"] for row in rows)
    print(f"{model}: {rows[-1]['weight_bytes'] / 1e6:.1f} MB of weights, tokens a second on one processor")
    print(f"  {'kernel':<11} {'prompt':>9} {'story':>9}  {'':<{BAR}}  {'weights':>10}  of what the cache gives")
    for row in rows:
        speed = row["generation_tokens_per_s"]
        read, most = speed * row["weight_bytes"] / 1e9, row["read_bytes_per_s"] / 1e9
        bar = "#" * max(1, round(BAR * speed / fastest))
        print(f"  {row['kernel']:<11} {row['prompt_tokens_per_s']:>9,.0f} {speed:>9,.0f}  {bar:<{BAR}}"
              f"  {read:>5.1f} GB/s  {read / most:>4.0%} of {most:.0f} GB/s")
    print(flush=True)


def main(program, result, *models):
    results = []
    with tempfile.TemporaryDirectory() as folder:
        for model in models:
            path = Path(model)
            if model == "15m":
                path = Path(folder, "random weights, shape of stories15M")
                write_15m(path)
            rows = measure(program, path)
            show(path.name, rows)
            results += [{"model": path.name, **row} for row in rows]
    Path(result).write_text(json.dumps(results, indent=1) + "\n")


main(*sys.argv[1:])
