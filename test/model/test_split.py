"""Split models: llama.cpp and our program load the same parts, and tell what the whole file tells."""
import re
import struct

import pytest

from gguf_file import F32, Q8_0, GgufFile
from gguf_writer import header, write_split
from host import run, tell
from places import ROOT
from test_llama_cpp import ask, our_ids  # noqa: F401 (a fixture)

DEFAULT = ROOT / "model/default.gguf"
PROMPT = "Once upon a time"


@pytest.fixture(scope="module")
def default():
    return GgufFile(DEFAULT.read_bytes())


def spread(model, parts):
    """How many tensors each part gets."""
    count = len(model.tensors)
    return [count * (number + 1) // parts - count * number // parts for number in range(parts)]


def test_llama_cpp_agrees(ask, default, tmp_path):  # noqa: F811
    """llama.cpp takes the parts that these tests write, and both programs tell what they tell of the whole file."""
    first = write_split(tmp_path, "Some model", default, spread(default, 3))[0]
    start = ask(DEFAULT, tokenize=[PROMPT])["tokenize"][0]
    request = {"tokens": start, "positions": 60}
    whole, parts = (ask(path, greedy=[request])["greedy"][0] for path in (DEFAULT, first))
    assert parts == whole
    assert our_ids(first, PROMPT, 60) == our_ids(DEFAULT, PROMPT, 60)


@pytest.mark.parametrize("variant", ["host", "host32-x87"])
@pytest.mark.parametrize("counts", ["one-each", "two", "none-in-the-first"])
def test_every_way_to_split(default, tmp_path, counts, variant):
    """Whatever is in which part; gguf-split can leave the first one without tensors."""
    count = len(default.tensors)
    ways = {"one-each": [1] * count, "two": [count // 2, count - count // 2], "none-in-the-first": [0, 5, count - 5]}
    first = write_split(tmp_path, "m", default, ways[counts])[0]
    options = "--prompt", PROMPT, "--temperature", 0, "--steps", 40
    assert tell(first, *options, variant=variant) == tell(DEFAULT, *options)


@pytest.mark.parametrize("missing", [1, 2, 3])
def test_a_missing_part(default, tmp_path, missing):
    paths = write_split(tmp_path, "m", default, spread(default, 3))
    paths[missing - 1].unlink()
    path = paths[missing - 1]
    message = "not found" if missing == 1 else f"part {missing} of 3 is missing; copy it there as well"
    assert run(paths[0]) == (1, "", f"bootllama: {path}: {message}\n")


def test_parts_above_4_gib(default, tmp_path):
    """Three sparse files of 5 GiB each, whose tensors lie at their ends: all offsets are of 64 bits, in 32-bit code as
    well. What a 32-bit program cannot have is its memory, which is another matter."""
    paths = write_split(tmp_path, "m", default, spread(default, 3))
    for path in paths:
        move_to_end(path, path.read_bytes())
        assert path.stat().st_size > 5 << 30
    options = "--prompt", PROMPT, "--temperature", 0, "--steps", 40
    for variant in "host", "host32-x87":
        assert tell(paths[0], *options, variant=variant) == tell(DEFAULT, *options)


def move_to_end(path, data):
    """Moves the data of all tensors by 5 GiB; their offsets are changed in the descriptions."""
    position, tensors, starts = 24, *struct.unpack_from("<Q", data, 8), []
    keys, = struct.unpack_from("<Q", data, 16)
    sizes = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}

    def text():
        nonlocal position
        position += 8 + struct.unpack_from("<Q", data, position)[0]

    def value(kind):
        nonlocal position
        if kind == 8:
            text()
        elif kind == 9:
            element, count = struct.unpack_from("<IQ", data, position)
            position += 12
            for _ in range(count):
                value(element)
        else:
            position += sizes[kind]

    for _ in range(keys):
        text()
        position += 4
        value(struct.unpack_from("<I", data, position - 4)[0])
    for _ in range(tensors):
        text()
        position += 4 + 8 * struct.unpack_from("<I", data, position)[0] + 4
        starts.append(position)
        position += 8
    header, gap = bytearray(data[:-(-position // 32) * 32]), 5 << 30
    body = data[len(header):]
    for start in starts:
        struct.pack_into("<Q", header, start, struct.unpack_from("<Q", data, start)[0] + gap)
    with open(path, "wb") as file:
        file.write(header)
        file.seek(gap, 1)
        file.write(body)


def test_what_32_bits_cannot_address(default, tmp_path):
    """A model of the shape of Llama 3.1 8B: the refusal says what it needs with the shortest context."""
    width, hidden, layers, kv_width = 4096, 14336, 32, 1024
    metadata = {key: value for key, value in default.metadata.items() if not key.startswith("bootllama.")} | {
        "llama.embedding_length": width, "llama.feed_forward_length": hidden, "llama.block_count": layers,
        "llama.attention.head_count": 32, "llama.attention.head_count_kv": 8, "llama.rope.dimension_count": 128}
    vocabulary = len(metadata["tokenizer.ggml.tokens"])
    shapes = {"attn_q": [width, width], "attn_k": [width, kv_width], "attn_v": [width, kv_width],
              "attn_output": [width, width], "ffn_gate": [width, hidden], "ffn_up": [width, hidden],
              "ffn_down": [hidden, width], "attn_norm": [width], "ffn_norm": [width]}
    tensors = {"token_embd.weight": ([width, vocabulary], Q8_0), "output_norm.weight": ([width], F32)} | {
        f"blk.{layer}.{name}.weight": (shape, F32 if "norm" in name else Q8_0)
        for layer in range(layers) for name, shape in shapes.items()}
    data, size = header(metadata, tensors)
    path = tmp_path / "8B.gguf"
    with open(path, "wb") as file:
        file.write(data)
        file.truncate(len(data) + size)
    status, output, errors = run(path, variant="host32-x87")
    said = re.fullmatch(rf"bootllama: {path}: the model needs (\d+) MiB of memory even with a context of 64, a 32-bit "
                        r"program has 4096 MiB at most; start it by 64-bit UEFI or choose a smaller model\n", errors)
    assert (status, output) == (1, "") and said, errors
    assert size >> 20 < int(said[1]) < (size >> 20) + 200  # int8 takes what Q8_0 takes, and a little for the context
