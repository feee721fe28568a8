"""Logits of every quantization against llama.cpp's, on the same file that its own quantizer wrote, by teacher forcing.

The files come from F32 models. "widened" computes what the default model does, on stories of the default model's own
corpus; the others, one for each architecture, have random weights, attention sinks and outlier channels, on random
tokens. llama.cpp keeps its KV cache in F32 and does not use flash attention: see libllama.py. The first position, which
all of them make from BOS alone, is left out.

Our own noise has two sources: weights become int8 in groups of 32, and so do activations. llama.cpp's activations are
int8 in groups of 32 or, for the types of 256 weights, of 256; its F32 and F16 files have no such noise. Hence three
bars: how far we are from llama.cpp (the widened model); how far we both are from the F32 file; and where a file is so
coarse that llama.cpp's own activations take it further than the first bar, how far we both are from what the file
exactly says, which is the same file turned back into F32.
"""
import functools
import random
import subprocess
import sys
from array import array

import pytest

from divergence import compare
from gguf_file import GgufFile
from host import score, token_ids
from libllama import FILE_TYPES, LibLlama
from places import ROOT
from sink_model import ARCHITECTURES, write_with_sinks
from test_llama_cpp import CLOSE_CALL, NODE, ask, check_alike  # pylint: disable=unused-import
from widened_model import BOS, write_widened

DIVERGENCE_MAX, AGREEMENT_MIN = 0.002, 0.98  # KL(llama.cpp || ours) in nat
NOISE_MAX = 1.1  # of KL(F32 || ours) over KL(F32 || llama.cpp)
NOISE_IS_CHANCE = 0.0001  # nat: below it, the noise of both is not compared
FLOATS = ["F32", "F16", "BF16"]
COARSE = "Q2_K"  # whose activations take llama.cpp further from the exact file than DIVERGENCE_MAX
SEQUENCES, POSITIONS = 4, 192  # of stories
RANDOM_POSITIONS = 600
GREEDY_TEXTS, GREEDY_TOKENS = 8, 64


@pytest.fixture(scope="session")
def llama(ask):
    del ask  # it installs the package
    return LibLlama(next((NODE / "node_modules/@node-llama-cpp").glob("*/bins/*/")))


def stories():
    """Some of the corpus, as its own program writes them; each begins with a space, as the tokenizer wants it."""
    lines = subprocess.run([sys.executable, ROOT / "model/train/corpus.py", "60", "77"], capture_output=True, text=True,
                           check=True, timeout=60).stdout.splitlines()
    return [f" {line}" for line in lines]


class Judged:
    """An F32 model with its tokens, [sequences][positions], and its files of other types."""

    def __init__(self, llama, path, tokens):
        self.llama, self.path, self.tokens = llama, path, tokens
        self.vocabulary = len(GgufFile(path.read_bytes()).metadata["tokenizer.ggml.tokens"])

    def file(self, kind):
        path = self.path.with_suffix(f".{kind}.gguf")
        if not path.exists():
            self.llama.quantize(self.path, path, kind)
        return path

    def exact(self, kind):
        """The F32 file of what the weights of another are."""
        path = self.path.with_suffix(f".{kind}.exact.gguf")
        self.llama.quantize(self.file(kind), path, "F32")
        return path

    def _without_first(self, logits):
        row = len(logits) // len(self.tokens)
        return array("f", b"".join(logits[at + self.vocabulary:at + row].tobytes()
                                   for at in range(0, len(logits), row)))

    @functools.cache
    def theirs(self, path):
        logits = b"".join(self.llama.logits(path, sequence).tobytes() for sequence in self.tokens)
        return self._without_first(array("f", logits))

    def ours(self, path, folder):
        (folder / "tokens.i32").write_bytes(b"".join(array("i", sequence).tobytes() for sequence in self.tokens))
        return self._without_first(array("f", score(path, folder / "tokens.i32", len(self.tokens[0]), folder)))

    def compare(self, reference, logits):
        """KL(reference || logits) in nat; the share of positions with the same likeliest token."""
        return compare(reference, logits, self.vocabulary)


@pytest.fixture(scope="session")
def judged(llama, tmp_path_factory):
    """A model by its name, made once."""
    default = GgufFile((ROOT / "model/default.gguf").read_bytes())

    @functools.cache
    def make(name):
        path = tmp_path_factory.mktemp(name) / "model.gguf"
        if name == "widened":
            write_widened(path, default)
            long = [tokens for tokens in (llama.tokenize(path, text) for text in stories()) if len(tokens) >= POSITIONS]
            return Judged(llama, path, [tokens[:POSITIONS] for tokens in long[:SEQUENCES]])
        write_with_sinks(path, default, name)
        generator = random.Random(3)
        pieces = len(default.metadata["tokenizer.ggml.tokens"])
        return Judged(llama, path, [[BOS] + [generator.randrange(3, pieces) for _ in range(RANDOM_POSITIONS - 1)]])

    return make


def test_widened_model_computes_what_the_default_one_does(judged, llama, tmp_path):
    """What is measured here is a trained network: both are F32, and their tokens have the same ids."""
    model = judged("widened")
    assert len(model.tokens) == SEQUENCES
    llama.quantize(ROOT / "model/default.gguf", tmp_path / "default.gguf", "F32")
    divergence, agreement = model.compare(model.theirs(tmp_path / "default.gguf"), model.theirs(model.path))
    assert divergence < 0.00001 and agreement > 0.995, f"KL {divergence:.8f} nat, {agreement:.2%} agree"


@pytest.mark.parametrize("kind", FILE_TYPES)
def test_trained_model(judged, tmp_path, kind):
    model = judged("widened")
    path = model.file(kind)
    ours, theirs = model.ours(path, tmp_path), model.theirs(path)
    divergence, agreement = model.compare(theirs, ours)
    figures, limit = f"{kind}: KL {divergence:.6f} nat, {agreement:.2%} agree", DIVERGENCE_MAX
    if kind == COARSE:
        exact = model.theirs(model.exact(kind))
        (divergence, agreement), (limit, their_agreement) = (model.compare(exact, logits) for logits in (ours, theirs))
        figures += (f"; with the exact file: ours {divergence:.6f} nat, {agreement:.2%}, "
                    f"llama.cpp's {limit:.6f} nat, {their_agreement:.2%}")
    print(figures)
    assert divergence <= limit and agreement >= AGREEMENT_MIN, figures


@pytest.mark.parametrize("kind", FILE_TYPES)
@pytest.mark.parametrize("name", ["widened", *ARCHITECTURES])
def test_noise_is_llama_cpps(judged, tmp_path, name, kind):
    """Weights of F32, F16 and BF16 files become Q8_0's here: so Q8_0's noise comes on top."""
    model = judged(name)
    path, reference = model.file(kind), model.theirs(model.path)
    ours, theirs = (model.compare(reference, logits)[0] for logits in (model.ours(path, tmp_path), model.theirs(path)))
    figures = f"{name} {kind}: KL(F32 || ours) {ours:.6f}, KL(F32 || llama.cpp) {theirs:.6f}"
    if kind in FLOATS:
        of_q8_0 = model.compare(reference, model.theirs(model.file("Q8_0")))[0]
        theirs += of_q8_0
        figures += f", its Q8_0 {of_q8_0:.6f}"
    print(figures, "nat")
    assert ours <= max(NOISE_MAX * theirs, NOISE_IS_CHANCE), figures


def test_text_is_tokenized_alike(judged):
    model = judged("widened")
    for text in stories()[:8]:
        theirs = model.llama.tokenize(model.path, text)
        ours = token_ids(model.path, "--prompt", text, "--steps", len(theirs), "--temperature", 0)
        assert ours[:len(theirs)] == theirs


def test_greedy_text_of_q4_k_m(judged, ask):
    """64 tokens after some beginnings: they part, if at all, where llama.cpp's choice was a close call."""
    model = judged("widened")
    path = model.file("Q4_K_M")
    prompts = [" ".join(text.split(" ")[:7]) for text in stories()[:GREEDY_TEXTS]]
    starts = [model.llama.tokenize(path, prompt) for prompt in prompts]
    requests = [{"tokens": start, "positions": len(start) + GREEDY_TOKENS} for start in starts]
    for prompt, start, told in zip(prompts, starts, ask(path, greedy=requests)["greedy"]):
        ours = token_ids(path, "--prompt", prompt, "--steps", len(start) + GREEDY_TOKENS, "--temperature", 0)
        assert ours[:len(start)] == start
        same = next((i for i, pair in enumerate(zip(ours, told["tokens"])) if pair[0] != pair[1]), None)
        print(prompt, "..: alike" if same is None else f"..: they part at {same}, {told['margins'][same]:.3f} nat")
        check_alike(ours, told["tokens"], told["margins"], CLOSE_CALL["default"])
