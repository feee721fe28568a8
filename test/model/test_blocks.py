"""Quantized blocks against ggml's own decoding, value by value, and whole models of every type against llama.cpp."""

import ctypes
import math
import random
import re
import struct
import subprocess

import pytest

from gguf_file import GgufFile
from gguf_writer import header
from llama2c_model import Shape, pieces, random_model, tokenizer
from places import ROOT, built
from test_llama_cpp import ANSWER_SECONDS, NODE, ask, check_alike  # pylint: disable=unused-import

TYPES = {"q4_0": 2, "q4_1": 3, "q5_0": 6, "q5_1": 7, "q8_0": 8, "q2_K": 10, "q3_K": 11, "q4_K": 12, "q5_K": 13,
         "q6_K": 14, "iq4_nl": 20, "iq4_xs": 23, "mxfp4": 39}
BLOCKS = 3000
ALIGNMENT = 32
FLAGS = ["-shared", "-fPIC", "-std=gnu11", "-O2", "-ffp-contract=off", f"-I{ROOT}/core"]
POSITIONS = 40
CLOSE_CALL = 0.5  # nat: rounding takes each program half of it from what the file exactly says of random weights


@pytest.fixture(scope="session")
def ggml(ask):
    """ggml's own library, from the package of llama.cpp."""
    del ask  # it installs the package
    library = ctypes.CDLL(next((NODE / "node_modules/@node-llama-cpp").glob("*/bins/*/libggml-base.so")))
    library.ggml_blck_size.restype = ctypes.c_int64
    library.ggml_type_size.restype = library.ggml_quantize_chunk.restype = ctypes.c_size_t
    library.ggml_type_name.restype = ctypes.c_char_p
    return library


@pytest.fixture(scope="session")
def ours(tmp_path_factory):
    """core/gguf/blocks.c and gguf.c as a library."""
    path = tmp_path_factory.mktemp("blocks") / "blocks.so"
    sources = [ROOT / "core" / name for name in ("gguf/blocks.c", "gguf/gguf.c", "base/format.c", "base/text.c",
                                                 "base/number.c")]
    subprocess.run(["gcc", *FLAGS, *sources, "-o", path], check=True, timeout=ANSWER_SECONDS)
    library = ctypes.CDLL(path)
    library.gguf_type_name.restype = ctypes.c_char_p
    return library


def is_nan(bits):
    return bits & 0x7FFFFFFF > 0x7F800000


@pytest.mark.parametrize("name", TYPES)
def test_every_value_is_ggmls(ggml, ours, name):
    """Random bytes: every scale, infinite ones as well."""
    kind = TYPES[name]
    assert ours.blocks_elements(kind) == ggml.ggml_blck_size(kind)
    assert ours.blocks_bytes(kind) == ggml.ggml_type_size(kind)
    data = random.Random(kind).randbytes(BLOCKS * ours.blocks_bytes(kind))
    count = BLOCKS * ours.blocks_elements(kind)
    theirs, mine = (ctypes.c_uint32 * count)(), (ctypes.c_uint32 * count)()
    getattr(ggml, f"dequantize_row_{name}")(data, theirs, ctypes.c_int64(count))
    ours.blocks_decode(mine, data, kind, count)
    assert [i for i, (a, b) in enumerate(zip(mine, theirs)) if a != b and not (is_nan(a) and is_nan(b))] == []


def test_names_of_types(ggml, ours):
    for kind in range(43):
        theirs = ggml.ggml_type_name(kind).decode()
        removed = "REMOVED" in theirs or theirs == "DEPRECATED"
        assert ours.gguf_type_name(kind).decode() == ("" if removed else theirs.upper())


def quantize(ggml, kind, values, columns):
    rows = len(values) // columns
    out = ctypes.create_string_buffer(rows * columns // ggml.ggml_blck_size(kind) * ggml.ggml_type_size(kind))
    source = (ctypes.c_float * len(values)).from_buffer_copy(values)
    importance = (ctypes.c_float * columns)(*[1.0] * columns)
    size = ggml.ggml_quantize_chunk(kind, source, out, ctypes.c_int64(0), ctypes.c_int64(rows),
                                    ctypes.c_int64(columns), importance)
    assert size == len(out)
    return out.raw


@pytest.fixture(scope="session")
def whole_model(convert, tmp_path_factory):
    """A random model in F32 whose rows take blocks of 256."""
    folder = tmp_path_factory.mktemp("whole")
    paths = folder / "model.bin", folder / "tok.bin", folder / "model.gguf"
    paths[0].write_bytes(random_model(Shape(dim=256, hidden=512, heads=4, kv_heads=2)).checkpoint())
    paths[1].write_bytes(tokenizer(pieces()))
    assert convert(*paths, "--f32").returncode == 0
    return GgufFile(paths[2].read_bytes())


def write_quantized(ggml, path, model, kind):
    """The matrices of `model` as blocks of one type, the norms as they are."""
    metadata = {key: value for key, value in model.metadata.items() if not key.startswith("bootllama.")}
    kinds = {name: (tensor.dimensions, kind if len(tensor.dimensions) > 1 else tensor.type)
             for name, tensor in model.tensors.items()}
    data = b""
    for name, tensor in model.tensors.items():
        values = tensor.data
        if len(tensor.dimensions) > 1:
            floats = struct.unpack(f"<{math.prod(tensor.dimensions)}f", values)
            values = quantize(ggml, kind, (ctypes.c_float * len(floats))(*floats), tensor.dimensions[0])
        data += values + bytes(-len(values) % ALIGNMENT)
    path.write_bytes(header(metadata | {"general.quantization_version": 2}, kinds)[0] + data)


def our_ids(path, kernel):
    command = [built("host/bootllama"), path, "--ids", "--temperature", "0", "--steps", str(POSITIONS), "--kernel",
               kernel, "--prompt", "a b the"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=ANSWER_SECONDS)
    assert result.returncode == 0, result.stderr
    return [int(number) for number in re.findall(r"\d+", result.stdout)]


@pytest.mark.parametrize("name", TYPES)
def test_a_model_of_every_type_tells_what_llama_cpp_tells(ggml, ask, whole_model, tmp_path, name):
    path = tmp_path / f"{name}.gguf"
    write_quantized(ggml, path, whole_model, TYPES[name])
    start = ask(path, tokenize=["a b the"])["tokenize"][0]
    told = ask(path, greedy=[{"tokens": start, "positions": POSITIONS}])["greedy"][0]
    ours = our_ids(path, "scalar")
    assert ours[:len(start)] == start
    check_alike(ours, told["tokens"], told["margins"], CLOSE_CALL)
