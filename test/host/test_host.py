"""The host program's interface: text on standard output, all else on standard error, exit status."""
import fcntl
import hashlib
import os
import re
import signal
import struct
import termios
import time

import pytest

import wide_model
from gguf_file import GgufFile
from host import MODELS, SECONDS, model_file, run, start, tell, token_ids
from kernels import names

SPACE_MARK = "\u2581"
PIPE_BYTES = 4096
CONTEXT = 512

STORIES = {  # SHA-256 of a model file -> the story that it tells at power-on
    # stories260K
    "2188c98da0505778ba3dcf4f349fb5e05496091c408c9cf7b6c15239e039c166":
        "Once upon a time, there was a boy named Tim. Tim loved to play with his toys. He loved to play outside in "
        "the sunshine. One day, Tim saw a small bird who wanted to play with it. He wanted to play with it.\nTim "
        "said, \"I want to play with the bird!\" They played together, and had a fun day. Tim and the bird went back "
        "to the sky.\nTim saw a big, scary cat, and the squirrel wanted to show it to Tim. So, Tim and his mom went "
        "to the sun. The bird was very happy. Tim was very happy. He went home with the big cat. They went to the "
        "park and tried to help the squirrel.",
    # the project's own
    "9acefeb9ed69d60c08aeb9cc4bf03fb8328801bcd80fe8d8dc4682d2b10480fc":
        "One day, a gentle otter named Kate wanted to sail on the lake. She made a boat out of paper, but the boat "
        "got wet and went down. She made a boat out of mud, but the boat fell apart. Then Kate found half of a big "
        "nut shell. Kate said, \"This will be my boat!\" Kate gave it a sail made of a leaf. The wind blew, and the "
        "boat sailed. On the other side of the lake stood a happy rabbit named Ella. \"May I come along?\" asked "
        "Ella. There was just enough room for two. And so Kate and Ella became friends.",
}


@pytest.fixture(scope="module", params=MODELS)
def model(request):
    return model_file(request.param)


@pytest.fixture(scope="module")
def circling(tmp_path_factory):
    """A model that repeats itself with greedy sampling and never ends a story."""
    return wide_model.write(tmp_path_factory.mktemp("circling"))


@pytest.mark.parametrize("name", MODELS)
def test_story_at_power_on(name):
    """The story is the one of the day when the model was made, and it has an end: it is the first impression."""
    model = model_file(name)
    digest = hashlib.sha256(model.read_bytes()).hexdigest()
    assert digest in STORIES, "the model file is a new one: its story belongs into this test"
    assert tell(model) == STORIES[digest]
    assert len(token_ids(model)) < CONTEXT


def test_any_number_of_processors_tells_the_same(model):
    for processors in "auto", 1, 2, 64:
        assert tell(model, "--processors", processors) == tell(model)


def test_output_is_the_story_and_nothing_else(model):
    status, output, errors = run(model)
    assert status == 0
    assert output == tell(model) + "\n"
    assert re.fullmatch(r"\[\d+ tokens, \d+\.\d tokens/s, \w+\]\n", errors)


def test_same_story_again(model):
    assert run(model)[1] == run(model)[1]


def text_of(model, ids):
    """Text of token ids by the model file's own list, as llama2.c writes it: pieces joined, the first space dropped."""
    pieces = GgufFile(model.read_bytes()).metadata["tokenizer.ggml.tokens"]
    data = b""
    for piece in (pieces[number] for number in ids[1:]):
        byte = re.fullmatch(r"<0x([0-9A-F]{2})>", piece)
        data += bytes.fromhex(byte[1]) if byte else piece.replace(SPACE_MARK, " ").encode()
    return data.decode(errors="replace").removeprefix(" ")


@pytest.mark.parametrize("options", [(), ("--prompt", "Ein Bär, ein Schloß: ö & 株", "--steps", 200)],
                         ids=["default", "bytes"])
def test_ids_are_the_text(model, options):
    ids = token_ids(model, *options)
    assert ids[0] == 1
    assert text_of(model, ids) == tell(model, *options)


def test_prompt_begins_the_story(model):
    for prompt in "Once upon a time", "The dog", " The dog", '"Hello," said the cat.\n', "ö & 株式会社":
        assert tell(model, "--prompt", prompt).startswith(prompt)


@pytest.mark.parametrize("steps", [1, 2, 100, 300])
def test_steps(model, steps):
    assert token_ids(model, "--steps", steps, "--temperature", 0.0) == token_ids(model, "--temperature", 0.0)[:steps]


def test_context_is_the_end_of_a_story(circling):
    assert len(token_ids(circling, "--temperature", 0, "--prompt", "aa be")) == wide_model.CONTEXT


def test_prompt_longer_than_the_context(model):
    status, _, errors = run(model, "--prompt", "x q z " * 400)
    assert status == 1 and "the prompt is longer than the model's context of 512 tokens" in errors


def test_seed(model):
    assert tell(model, "--seed", 1) != tell(model, "--seed", 2)
    assert tell(model, "--seed", 1) == tell(model, "--seed", "1")
    assert tell(model, "--seed", 1, "--temperature", 0) == tell(model, "--seed", 2, "--temperature", 0)


def test_settings_that_leave_one_token_are_greedy(model):
    greedy = tell(model, "--temperature", 0)
    assert tell(model, "--top-k", 1) == greedy
    assert tell(model, "--top-p", "0.000001") == greedy
    assert tell(model, "--min-p", 1) == greedy
    assert tell(model, "--temperature", 0.001) == greedy
    assert tell(model) != greedy


@pytest.mark.parametrize("setting", [("--temperature", 1.2), ("--top-p", 0.5), ("--top-k", 3), ("--min-p", 0.3),
                                     ("--repeat-penalty", 1.5)], ids=lambda setting: setting[0][2:])
def test_each_setting_changes_the_story(model, setting):
    assert tell(model, *setting) != tell(model)


def test_settings_that_change_nothing(model):
    """The defaults that the program states."""
    assert tell(model) == tell(model, "--temperature", 0.8, "--top-p", 0.9, "--top-k", 0, "--min-p", 0,
                               "--repeat-penalty", 1, "--steps", 0, "--kernel", "auto", "--prompt", "")


def repeats(ids, window=64):
    """How many of the tokens are among the `window` before them."""
    return sum(token in ids[max(0, at - window):at] for at, token in enumerate(ids))


def test_repeat_penalty_stops_repeating(model):
    options = ("--prompt", "The dog", "--temperature", 0)
    plain, less, least = (repeats(token_ids(model, *options, "--repeat-penalty", penalty)) for penalty in (1, 1.3, 100))
    assert plain > 80 and less < plain - 20 and least == 0


# Exit status: 1 = a file is at fault, 2 = usage, 130 = interrupted. Nothing on standard output either way.

def test_files_at_fault(model, tmp_path):
    truncated, text = tmp_path / "truncated.gguf", tmp_path / "text.gguf"
    truncated.write_bytes(model.read_bytes()[:-1])
    text.write_text("once upon a time")
    for path, message in [(tmp_path / "none.gguf", "not found"), (text, "not a GGUF model file"),
                          (truncated, "reaches beyond the end of the file"), (tmp_path, "not a regular file")]:
        status, output, errors = run(path)
        assert (status, output) == (1, "")
        assert re.fullmatch(rf"bootllama: {re.escape(str(path))}: .*{message}.*\n", errors)


@pytest.mark.parametrize("options, message", [
    (("--seed", "1"), "no model named"),
    (("a.gguf", "b.gguf"), "more than one model"),
    (("a.gguf", "--nonsense"), "unrecognized option"),
    (("a.gguf", "--prompt"), "requires an argument"),
    (("a.gguf", "--temperature", "-1"), "temperature must be a number from 0 to 100"),
    (("a.gguf", "--temperature", "nan"), "temperature must be a number from 0 to 100"),
    (("a.gguf", "--top-p", "1.1"), "top_p must be a number from 0 to 1"),
    (("a.gguf", "--min-p", "2"), "min_p must be a number from 0 to 1"),
    (("a.gguf", "--repeat-penalty", "0"), "repeat_penalty must be a number above 0"),
    (("a.gguf", "--top-k", "-3"), "top_k must be a whole number"),
    (("a.gguf", "--steps", "many"), "steps must be a whole number"),
    (("a.gguf", "--seed", "18446744073709551616"), "seed must be random or a whole number below 2^64"),
    (("a.gguf", "--processors", "0"), "processors must be auto or a whole number from 1 to 64"),
    (("a.gguf", "--prompt", "x" * 5000), "--prompt is too long"),
    (("a.gguf", "--score", "a.i32"), "belong together"),
    (("a.gguf", "--context", "5"), "belong together"),
    (("a.gguf", "--logits", "a.f32"), "belong together"),
    (("a.gguf", "--bench", "--kernel", "abacus"), "--kernel takes"),
    (("a.gguf", "--json"), "--json belongs to --explain"),
    (("a.gguf", "--score", "a", "--logits", "b", "--context", "0"), "--context takes a number of tokens"),
], ids=lambda value: " ".join(value)[:40] if isinstance(value, tuple) else "")
def test_usage(options, message):
    status, output, errors = run(*options)
    assert (status, output) == (2, "") and message in errors


def test_unknown_kernel(model):
    status, output, errors = run(model, "--kernel", "abacus")
    *others, last = names()
    assert (status, output) == (2, "") and f"--kernel takes auto, {', '.join(others)} or {last}\n" in errors


def test_help():
    status, output, errors = run("--help")
    assert (status, output) == (0, "") and errors.startswith("usage: bootllama MODEL.gguf")


def score(model, tokens, context, logits):
    return run(model, "--score", tokens, "--context", context, "--logits", logits)


def test_score_files_at_fault(model, tmp_path):
    tokens, logits = tmp_path / "tokens.i32", tmp_path / "logits.f32"
    incomplete, unknown = "the last sequence is not complete", "a token id that the model does not have"
    for ids, message in [([1] * 7, incomplete), ([1, 2, 3, 512], unknown), ([-1], unknown)]:
        tokens.write_bytes(struct.pack(f"<{len(ids)}i", *ids))
        status, output, errors = score(model, tokens, 4, logits)
        assert (status, output) == (1, "") and message in errors and not logits.exists()
    tokens.write_bytes(struct.pack("<4i", 1, 2, 3, 4))
    assert score(model, tokens, 513, logits)[0] == 1
    assert score(model, tokens, 4, tmp_path / "none/logits.f32")[0] == 1
    assert score(model, tmp_path / "none.i32", 4, logits)[0] == 1
    assert score(model, tokens, 4, logits)[0] == 0 and logits.stat().st_size == 4 * 512 * 4


@pytest.mark.parametrize("options", [[], ["--ids"]])
def test_disk_full(model, options):
    """The last part of the line says why it ended."""
    with open("/dev/full", "wb") as full:
        process = start(model, *options, stdout=full)
        _, errors = process.communicate(timeout=SECONDS)
    assert process.returncode == 1
    assert re.match(rb"bootllama: standard output: (No space left on device|not all of it could be written)\n", errors)


def test_random_seed(model):
    """The clock gives the seed, the program shows it, and with it the story repeats."""
    seeds = set()
    for _ in range(3):
        status, output, errors = run(model, "--seed", "random")
        told = re.fullmatch(r"\[\d+ tokens, \d+\.\d tokens/s, \w+, seed (\d+)\]\n", errors)
        assert status == 0 and told, errors
        assert output == tell(model, "--seed", told[1]) + "\n"
        seeds.add(told[1])
    assert len(seeds) == 3


def waiting_bytes(pipe):
    return struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)))[0]


def test_interrupt(model):
    """Ctrl-C in the middle of a story, which a nearly full pipe holds there."""
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    filling = PIPE_BYTES - 12
    os.write(writer, b"." * filling)
    process = start(model, stdout=writer)
    os.close(writer)
    limit = time.monotonic() + SECONDS
    while waiting_bytes(reader) == filling and time.monotonic() < limit:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    with os.fdopen(reader, "rb") as pipe:
        text = pipe.read()[filling:].decode()
    _, errors = process.communicate(timeout=SECONDS)
    assert process.returncode == 130, errors
    assert text.endswith("\n") and 0 < len(text) < 40 and tell(model).startswith(text[:-1])
