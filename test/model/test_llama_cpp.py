"""llama.cpp as the reference for model files and for our own tokenizer and arithmetic.

It comes from npm (package.json) into build/node.
"""

import functools
import json
import os
import platform
import re
import struct
import subprocess
from array import array
from pathlib import Path

import pytest

from divergence import compare
from gguf_file import F32, GgufFile
from gguf_writer import header
from host import score
from llama2c_model import Shape, greedy, pieces, random_model, tokenizer
from npm import node_modules
from places import BUILD, ROOT, built, stories260k, unavailable, wants_stories260k

HERE = Path(__file__).parent
NODE = BUILD / "node"
ANSWER_SECONDS = 120
POSITIONS = 200  # of a story that our program and llama.cpp both tell

# Two ways to the same logits round differently; where the best two tokens are closer than this, either is right. The
# default model is the surer one: its logits lie further apart, and so does what rounding does to them.
CLOSE_CALL = {"stories260k": 0.25, "default": 0.5}  # nat

PROMPTS = ["", "Once upon a time", "One day, a small robot found", "Lily and Ben", "The dog said", '"Hello," said']
TEXTS = [
    "", " ", "  ", "   two  spaces   inside  ", "Once upon a time", " leading", "trailing ", "\n", "\n\n",
    "line\nline\r\n", "\ttab\ttab", "ö & 株式会社", "naïve café — “quoted” …", "e\u0301", "🙂", "👩‍🚀 flies",
    "\u2581", "a\u2581b", "\u00a0", "<s>", "</s> <unk>", "<0x41>", "\x01\x7f", "a" * 30, "ThE qUiCk BrOwN fOx",
    "1234567890 !@#$%^&*()", "\U0010fffd\ud7ff\uffff", "Lily " * 100,
]


@pytest.fixture(scope="session")
def ask():
    """llama.cpp as a function: (model file, tokenize=[...], greedy=[...]) -> its answer, see llama_cpp.mjs."""
    if platform.machine() != "x86_64":
        unavailable("llama.cpp: the package is for x86-64")
    modules = node_modules(NODE, HERE / "package.json", "llama.cpp")

    @functools.cache
    def answer(path, question):
        result = subprocess.run(["node", HERE / "llama_cpp.mjs", modules, path], input=question,
                                capture_output=True, text=True, timeout=ANSWER_SECONDS)
        assert result.returncode == 0, result.stderr
        return json.loads(result.stdout)

    return lambda path, **question: answer(path, json.dumps(question))


def check_alike(ours, theirs, margins, close_call=CLOSE_CALL["stories260k"]):
    """Two greedy lists are equal, or part at a token where llama.cpp's choice was a close call."""
    same = next((i for i, pair in enumerate(zip(ours, theirs)) if pair[0] != pair[1]), None)
    if same is None:
        assert len(ours) == len(theirs)
    else:
        assert margins[same] < close_call, f"token {same}: {ours[same]} instead of {theirs[same]}"


# ---- Against the reference of the f32 model ----


@pytest.fixture(scope="session")
def cases():
    """Prompts with the greedy tokens of llama2.c's own f32 program."""
    stories260k("models/STORIES260K.GGUF")
    models = os.environ.get("BOOTLLAMA_MODELS")
    folder = os.environ.get("BOOTLLAMA_REFERENCE") or (models and Path(models, "../reference"))
    path = folder and Path(folder, "greedy_f32.json")
    if not path or not path.exists():
        unavailable("the f32 reference is not here: BOOTLLAMA_REFERENCE=FOLDER with greedy_f32.json")
    return json.loads(path.read_text())["cases"]


@pytest.fixture(scope="session")
def prompt_tokens(ask, cases):
    return ask(stories260k("models/stories260k-f32.gguf"), tokenize=[case["prompt"] for case in cases])["tokenize"]


def continuations(ask, name, cases, prompt_tokens):
    requests = [{"tokens": tokens, "positions": len(case["tokens"])} for tokens, case in zip(prompt_tokens, cases)]
    return ask(stories260k(f"models/{name}"), greedy=requests)["greedy"]


@pytest.mark.parametrize("index", range(8))
def test_f32_file_tells_the_reference(ask, cases, prompt_tokens, index):
    told = continuations(ask, "stories260k-f32.gguf", cases, prompt_tokens)[index]
    assert told["tokens"] == cases[index]["tokens"]


@pytest.mark.parametrize("index", range(8))
def test_prompts_are_tokenized_as_in_the_reference(cases, prompt_tokens, index):
    tokens = prompt_tokens[index]
    assert tokens == cases[index]["tokens"][:len(tokens)]


@pytest.mark.parametrize("index", range(8))
def test_q8_0_file_tells_the_reference_but_for_close_calls(ask, cases, prompt_tokens, index):
    told = continuations(ask, "STORIES260K.GGUF", cases, prompt_tokens)[index]
    check_alike(cases[index]["tokens"], told["tokens"], told["margins"])


@pytest.mark.parametrize("name", ["STORIES260K.GGUF", "stories260k-f32.gguf"])
def test_name(ask, name):
    assert ask(stories260k(f"models/{name}"))["name"] == "stories260K"


# ---- Shapes that stories260K does not have, against plain Python ----

SHAPES = {
    "gqa": Shape(dim=64, hidden=100, heads=4, kv_heads=2),
    "multi-query": Shape(dim=64, hidden=64, heads=8, kv_heads=1),
    "untied": Shape(dim=64, hidden=96, heads=2, kv_heads=2, tied=False),
    "dim-not-32": Shape(dim=48, hidden=100, heads=4, kv_heads=4),
}


@pytest.mark.parametrize("options", [["--f32"], []], ids=["f32", "q8_0"])
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())
def test_random_model(ask, convert, tmp_path, shape, options):
    model = random_model(shape)
    paths = tmp_path / "model.bin", tmp_path / "tok.bin", tmp_path / "model.gguf"
    paths[0].write_bytes(model.checkpoint())
    paths[1].write_bytes(tokenizer(pieces()))
    assert convert(*paths, *options).returncode == 0

    start = [1, 100, 200, 260]
    told = ask(paths[2], greedy=[{"tokens": start, "positions": 24}])["greedy"][0]
    check_alike(greedy(model, start, len(told["tokens"])), told["tokens"], told["margins"])


# ---- Our own program ----


def model_file(name):
    if name == "default":
        path = ROOT / "model/default.gguf"
        return path if path.exists() else unavailable("model/default.gguf is not here")
    return stories260k(f"models/{name}")


def our_ids(path, prompt, steps):
    """All ids of a greedy story, BOS and prompt first."""
    command = [built("host/bootllama"), path, "--prompt", prompt, "--steps", str(steps), "--temperature", "0", "--ids"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=ANSWER_SECONDS)
    assert result.returncode == 0, result.stderr
    return [int(number) for number in re.findall(r"\d+", result.stdout)]


STORIES = ["STORIES260K.GGUF", "stories260k-f32.gguf"] if wants_stories260k() else []
MODELS = ["default", *STORIES]


@pytest.mark.parametrize("text", TEXTS, ids=[repr(text[:20]) for text in TEXTS])
@pytest.mark.parametrize("name", MODELS[:2])
def test_our_tokenizer_agrees(ask, name, text):
    path = model_file(name)
    theirs = ask(path, tokenize=TEXTS)["tokenize"][TEXTS.index(text)]
    assert our_ids(path, text, len(theirs) + 1)[:len(theirs)] == theirs


@pytest.mark.parametrize("prompt", PROMPTS)
@pytest.mark.parametrize("name", MODELS)
def test_our_greedy_text_agrees(ask, name, prompt):
    path, index = model_file(name), PROMPTS.index(prompt)
    starts = ask(path, tokenize=PROMPTS)["tokenize"]
    told = ask(path, greedy=[{"tokens": start, "positions": POSITIONS} for start in starts])["greedy"][index]
    ours = our_ids(path, prompt, POSITIONS)
    assert ours[:len(starts[index])] == starts[index]
    check_alike(ours, told["tokens"], told["margins"], CLOSE_CALL["default" if name == "default" else "stories260k"])


# ---- Positions that are stretched ----

STRETCHED_DIVERGENCE = 0.005  # nat; without stretching it is 0.001, of rounding to int8
STRETCHES = {  # metadata after "llama.rope.", and the factors of rope_freqs.weight for the four pairs of a head
    "linear": ({"scaling.type": "linear", "scaling.factor": 2.0}, []),
    "untyped": ({"scale_linear": 2.0}, []),
    "yarn": ({"scaling.type": "yarn", "scaling.factor": 2.0, "scaling.original_context_length": 256}, []),
    "yarn-and-more": ({"scaling.type": "yarn", "scaling.factor": 8.0, "scaling.attn_factor": 0.8},
                      [1.0, 1.3, 2.0, 3.0]),
    "llama-3": ({}, [1.0, 1.3, 8.0, 32.0]),  # as in Llama 3.1: the fast ones stay, the slow ones turn 32 times slower
}


@pytest.fixture(scope="session")
def stretched_model(tmp_path_factory):
    """The default model with its positions stretched in a way of STRETCHES, as a function of its name."""
    @functools.cache
    def write(name):
        path = model_file("default")
        file = GgufFile(path.read_bytes())
        keys, factors = STRETCHES[name]
        metadata = {key: value for key, value in file.metadata.items() if not key.startswith("bootllama.tensors.")}
        metadata |= {"llama.rope." + key: value for key, value in keys.items()}
        tensors = {name: (tensor.dimensions, tensor.type) for name, tensor in file.tensors.items()}
        _, old_size = header(file.metadata, tensors)
        factors_shape = {"rope_freqs.weight": ([len(factors)], F32)} if factors else {}
        factors = struct.pack(f"<{len(factors)}f", *factors)
        data, _ = header(metadata, tensors | factors_shape)
        copy = tmp_path_factory.mktemp(name) / "model.gguf"
        copy.write_bytes(data + path.read_bytes()[-old_size:] + factors + bytes(-len(factors) % 32))
        return copy

    return write


def our_logits(path, tokens, folder):
    (folder / "tokens.i32").write_bytes(struct.pack(f"<{len(tokens)}i", *tokens))
    return array("f", score(path, folder / "tokens.i32", len(tokens), folder))


@pytest.mark.parametrize("name", STRETCHES)
def test_our_logits_agree_where_positions_are_stretched(ask, stretched_model, tmp_path, name):
    path = stretched_model(name)
    tokens = [number for prompt in PROMPTS for number in our_ids(model_file("default"), prompt, POSITIONS)][:500]
    rows = ask(path, logits=[tokens])["logits"][0]
    theirs = array("f", [logit for row in rows for logit in row])
    divergence, agreement = compare(theirs, our_logits(path, tokens, tmp_path), len(rows[0]))
    assert divergence < STRETCHED_DIVERGENCE and agreement > 0.96, f"KL {divergence:.5f} nat, {agreement:.2%} agree"
    divergence, _ = compare(theirs, our_logits(model_file("default"), tokens, tmp_path), len(rows[0]))
    assert divergence > 20 * STRETCHED_DIVERGENCE, "the stretch makes no difference"
