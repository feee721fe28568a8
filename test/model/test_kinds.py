"""The kind of a file, as /info names it: what general.file_type says, or what llama.cpp guesses from the tensors."""
import math
import random
import re

import pytest

from gguf_file import F32, Q8_0, GgufFile
from gguf_writer import BLOCKS, write_split
from places import ROOT
from terminal import Terminal
from test_llama_cpp import ask  # noqa: F401 (a fixture)

F16, Q4_0, Q4_1, Q5_0, Q5_1, Q6_K = 1, 2, 3, 6, 7, 14
LONG = 256  # elements of a block of Q6_K
ABSENT = 4294967295  # an id that says so
NAMES = {F32: "F32", F16: "F16", Q4_0: "Q4_0", Q4_1: "Q4_1", Q5_0: "Q5_0", Q5_1: "Q5_1", Q8_0: "Q8_0"}
LLAMA_CPP = {"all F32": "F32", "Q4_K - Medium": "Q4_K_M", "Q3_K - Large": "Q3_K_L", "Q2_K - Medium": "Q2_K"}


def write(folder, types, file_type=None):
    """The default model with zeros for weights, a type for each matrix, and this file type or none."""
    model = GgufFile((ROOT / "model/default.gguf").read_bytes())
    model.metadata = {key: value for key, value in model.metadata.items()
                      if key != "general.file_type" and not key.startswith("bootllama.tensors.")}
    if file_type is not None:
        model.metadata["general.file_type"] = file_type
    for tensor, kind in zip((tensor for tensor in model.tensors.values() if len(tensor.dimensions) > 1), types):
        weights, size = BLOCKS[kind]
        tensor.type = kind
        tensor.data = bytes(tensor.dimensions[0] * tensor.dimensions[1] // weights * size)
    return write_split(folder, "kind", model, [len(model.tensors)])[0]


def write_long(folder, types):
    """The same with zeros, the rows of ffn_down as long as a block of Q6_K; types: of matrices by their names' ends."""
    model = GgufFile((ROOT / "model/default.gguf").read_bytes())
    model.metadata = {key: value for key, value in model.metadata.items()
                      if not key.startswith("bootllama.tensors.")} | {"llama.feed_forward_length": LONG}
    for name, tensor in model.tensors.items():
        if "ffn_" in name and "norm" not in name:
            tensor.dimensions = [LONG, tensor.dimensions[1]] if "down" in name else [tensor.dimensions[0], LONG]
        tensor.type = next((kind for end, kind in types.items() if name.endswith(end)), tensor.type)
        weights, size = BLOCKS[tensor.type]
        tensor.data = bytes(math.prod(tensor.dimensions) // weights * size)
    return write_split(folder, "kind", model, [len(model.tensors)])[0]


def info(path, pattern):
    """What the group of a pattern matches in /info."""
    with Terminal(path) as terminal:
        terminal.wait_for("\n> ")
        return re.search(pattern, terminal.ask("/info"))[1]


def our_kind(path):
    return info(path, r"\nKind: (\S+( \(guessed\))?), matrices: ")


def their_kind(ask, path):  # noqa: F811
    """Of "llama ?B (guessed) Q4_K - Medium" what comes after the size."""
    guessed, kind = re.fullmatch(r"llama \S+ (\(guessed\) )?(.*)", ask(path)["kind"]).groups()
    return LLAMA_CPP.get(kind, kind) + (" (guessed)" if guessed else "")


LAYERS = GgufFile((ROOT / "model/default.gguf").read_bytes()).metadata["llama.block_count"]
MATRICES = sum(len(tensor.dimensions) > 1 for tensor in
               GgufFile((ROOT / "model/default.gguf").read_bytes()).tensors.values())


@pytest.mark.parametrize("seed", range(8))
def test_the_guess_is_llama_cpps(ask, tmp_path, seed):  # noqa: F811
    """Types by chance, of few so that many are equally frequent: then the order counts."""
    generator = random.Random(seed)
    few = generator.sample([F16, Q4_0, Q4_1, Q8_0], 2 + seed % 2)
    path = write(tmp_path, [few[number % len(few)] for number in generator.sample(range(MATRICES), MATRICES)])
    assert our_kind(path) == their_kind(ask, path)


@pytest.mark.parametrize("file_type, kind", [(15, "Q4_K_M"), (13, "Q3_K_L"), (7, "Q8_0"), (10, "Q2_K")])
def test_the_key_counts(ask, tmp_path, file_type, kind):  # noqa: F811
    path = write(tmp_path, [Q8_0] * MATRICES, file_type)
    assert our_kind(path) == their_kind(ask, path) == kind


@pytest.mark.parametrize("types, kept", [
    ([Q8_0] * MATRICES, f"matrices as int8 in groups of 32, {MATRICES} of {MATRICES} exactly"),
    ([F16, Q5_1] + [Q8_0] * (MATRICES - 2), f"matrices as int8 in groups of 32, {MATRICES - 2} of {MATRICES} exactly"),
    ([Q4_0, Q4_1, F16] + [Q8_0] * (MATRICES - 3), "2 matrices in the file's four bits, the others as int8 in groups "
     f"of 32, {MATRICES - 3} of {MATRICES - 2} exactly"),
    ([Q4_0] * MATRICES, f"{MATRICES} matrices in the file's four bits"),
])
def test_what_is_kept_how(tmp_path, types, kept):
    assert " ".join(info(write(tmp_path, types), r"\nKept: ([^;]*);").split()) == kept


@pytest.mark.parametrize("types, narrow, bits", [
    ({"ffn_down.weight": Q6_K}, LAYERS, "six"),
    ({"ffn_down.weight": Q6_K, "ffn_up.weight": Q4_0}, 2 * LAYERS, "four and six"),
])
def test_six_bits_are_kept(tmp_path, types, narrow, bits):
    path = write_long(tmp_path, types)
    assert " ".join(info(path, r"\nKept: ([^;]*);").split()) == (
        f"{narrow} matrices in the file's {bits} bits, the others as int8 in groups of 32, "
        f"{MATRICES - narrow} of {MATRICES - narrow} exactly")


def test_a_token_that_the_model_lacks(tmp_path):
    model = GgufFile((ROOT / "model/default.gguf").read_bytes())
    model.metadata |= {"tokenizer.ggml.bos_token_id": ABSENT, "tokenizer.ggml.unknown_token_id": ABSENT}
    path = write_split(tmp_path, "lacking", model, [len(model.tensors)])[0]
    assert info(path, r"\nTokenizer: (.*)\n") == "512 tokens, BOS none, EOS 2, unknown none"
