"""Tokenizers on real vocabularies: the ids of core/ against those of llama.cpp, and what comes back as text."""

import ctypes
import re
import subprocess
import time

import pytest

from nasty_texts import nasty_texts
from places import BUILD, ROOT, built
from test_llama_cpp import ANSWER_SECONDS, NODE, ask  # pylint: disable=unused-import
from vocabularies import BYTE, CONTROL, NORMAL, UNKNOWN, VOCABULARIES, metadata, shape, write

TEXTS = nasty_texts()
ROOM = 1 << 18  # ids
SECONDS = 0.3  # of the processor, to load a vocabulary or to encode 16 KiB

# A name for each rule, and most of those that are written in files; the vocabulary that it is tried with.
PRE_TOKENIZERS = {
    "default": "gpt-2", "smollm": "gpt-2", "starcoder": "gpt-2", "refact": "gpt-2", "minerva-7b": "gpt-2",
    "command-r": "gpt-2", "llama3": "gpt-2", "llama-v3": "gpt-2", "falcon3": "gpt-2", "dbrx": "gpt-2",
    "glm4": "llama3", "tekken": "llama3", "minicpm5": "llama3", "stablelm2": "gpt-2", "deepseek-r1-qwen": "qwen2.5",
    "deepseek-llm": "qwen2.5", "deepseek-coder": "qwen2.5",
}


class LlamaCpp:
    """llama.cpp's own library with one vocabulary."""

    class Parameters(ctypes.Structure):
        """struct llama_model_params of the version in package.json; only vocab_only and what follows it matter."""
        _fields_ = [("before", ctypes.c_ubyte * 72), ("vocab_only", ctypes.c_bool), ("flags", ctypes.c_ubyte * 4),
                    ("room", ctypes.c_ubyte * 256)]

    def __init__(self):
        folder = next((NODE / "node_modules/@node-llama-cpp").glob("*/bins/*/libllama.v*.so")).parent
        ctypes.CDLL(str(next(folder.glob("libggml.*.so")))).ggml_backend_load_all_from_path(str(folder).encode())
        self.library = ctypes.CDLL(str(next(folder.glob("libllama.v*.so"))))
        pointer, number = ctypes.c_void_p, ctypes.c_int32
        self.library.llama_model_default_params.restype = self.Parameters
        self.library.llama_model_load_from_file.restype = self.library.llama_model_get_vocab.restype = pointer
        self.library.llama_model_load_from_file.argtypes = [ctypes.c_char_p, self.Parameters]
        self.library.llama_model_get_vocab.argtypes = self.library.llama_model_free.argtypes = [pointer]
        self.library.llama_tokenize.argtypes = [pointer, ctypes.c_char_p, number, pointer, number, ctypes.c_bool,
                                                ctypes.c_bool]
        self.library.llama_detokenize.argtypes = [pointer, pointer, number, ctypes.c_char_p, number, ctypes.c_bool,
                                                  ctypes.c_bool]
        self.library.llama_vocab_is_eog.restype = ctypes.c_bool
        self.library.llama_vocab_is_eog.argtypes = [pointer, number]
        self.library.llama_chat_apply_template.argtypes = [ctypes.c_char_p, pointer, ctypes.c_size_t, ctypes.c_bool,
                                                           ctypes.c_char_p, number]
        self.quiet = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, pointer)(lambda *_: None)
        self.library.llama_log_set(self.quiet, None)
        self.model, self.ids = None, (number * ROOM)()

    def open(self, path):
        """Loads the vocabulary in place of the one before."""
        parameters = self.library.llama_model_default_params()
        assert not parameters.vocab_only and list(parameters.flags) == [0, 1, 0, 0], "another struct llama_model_params"
        parameters.vocab_only = True
        if self.model:
            self.library.llama_model_free(self.model)
        self.model = self.library.llama_model_load_from_file(str(path).encode(), parameters)
        assert self.model
        self.vocabulary = self.library.llama_model_get_vocab(self.model)

    def encode(self, text, special):
        """The ids, BOS first where the file asks for it."""
        count = self.library.llama_tokenize(self.vocabulary, text, len(text), self.ids, ROOM, True, special)
        assert count >= 0
        return self.ids[:count]

    def decode(self, ids):
        """The text of these ids."""
        array, text = (ctypes.c_int32 * len(ids))(*ids), ctypes.create_string_buffer(1 << 16)
        size = self.library.llama_detokenize(self.vocabulary, array, len(ids), text, len(text), False, True)
        assert size >= 0
        return text.raw[:size].decode()

    def ends(self, pieces):
        """The ids below `pieces` that end what a model generates."""
        return [i for i in range(pieces) if self.library.llama_vocab_is_eog(self.vocabulary, i)]

    def chat(self, template, messages):
        """What llama_chat_apply_template writes for (role, text) pairs, up to the beginning of an answer."""
        chat = (ctypes.c_char_p * (2 * len(messages)))(*(text.encode() for message in messages for text in message))
        text = ctypes.create_string_buffer(1 << 16)
        size = self.library.llama_chat_apply_template(template.encode(), chat, len(messages), True, text, len(text))
        assert 0 <= size <= len(text), template
        return text.raw[:size].decode()


class Core:
    """core/'s tokenizer with one vocabulary: token_ids.c."""

    def __init__(self, path):
        sources = [source for room in ("base", "gguf", "text") for source in ROOT.glob(f"core/{room}/*.c")
                   if source.name != "memory.c"]
        sources += [ROOT / "test/model/token_ids.c", ROOT / "test/unit/helpers/memory_platform.c",
                    BUILD / "unicode_table.c"]
        # -Bsymbolic: ggml has functions of the same names
        subprocess.run(["gcc", "-shared", "-fPIC", "-Wl,-Bsymbolic", "-std=gnu11", "-O2", f"-I{ROOT}/core",
                        f"-I{ROOT}/test/unit/helpers", *sources, "-o", path], check=True, timeout=ANSWER_SECONDS)
        self.library = ctypes.CDLL(str(path))
        text, size = ctypes.c_char_p, ctypes.c_size_t
        self.library.token_ids_open.restype = text
        self.library.token_ids_open.argtypes = [text, size]
        self.library.token_ids_memory.restype = ctypes.c_uint64
        self.library.token_ids_encode.argtypes = [text, size, ctypes.c_bool, ctypes.c_void_p, ctypes.c_uint32]
        self.library.token_ids_is_end.restype = ctypes.c_bool
        self.library.token_ids_decode.restype = size
        self.library.token_ids_decode.argtypes = [ctypes.c_void_p, ctypes.c_int32, text, size]
        self.ids, self.text = (ctypes.c_int32 * ROOM)(), ctypes.create_string_buffer(1 << 20)

    def open(self, path):
        """Loads the vocabulary in place of the one before. Returns the seconds that it took."""
        data = path.read_bytes()
        start = time.process_time()
        problem = self.library.token_ids_open(data, len(data))
        assert problem == b""
        return time.process_time() - start

    def encode(self, text, special):
        """The ids, BOS first where the file asks for it."""
        count = self.library.token_ids_encode(text, len(text), special, self.ids, ROOM)
        assert count >= 0
        return self.ids[:count]

    def ends(self, pieces):
        """The ids below `pieces` that end what a model generates."""
        return [i for i in range(pieces) if self.library.token_ids_is_end(i)]

    def decode(self, ids):
        """The text that a story of these ids shows."""
        array = (ctypes.c_int32 * len(ids))(*ids)
        size = self.library.token_ids_decode(array, len(ids), self.text, len(self.text))
        return self.text.raw[:size]


@pytest.fixture(scope="session")
def llama_cpp(ask):
    """llama.cpp as the judge."""
    del ask  # it installs the package
    return LlamaCpp()


@pytest.fixture(scope="session")
def core(tmp_path_factory):
    """What is judged."""
    built("unicode_table.c")
    return Core(tmp_path_factory.mktemp("core") / "token_ids.so")


@pytest.fixture(scope="session")
def model(ask, tmp_path_factory):
    """A model file of a vocabulary, as a function of its name, its pre-tokenizer and changes to its keys."""
    del ask
    folder = tmp_path_factory.mktemp("vocabularies")

    def written(name, rule=None, **changes):
        path = folder / f"{name}-{rule}-{len(changes)}.gguf"
        keys = metadata(NODE / "node_modules", name, rule)
        keys |= {f"tokenizer.ggml.{key}": value for key, value in changes.items()}
        return write(path, {key: value for key, value in keys.items() if value is not None})

    return written


def check(llama_cpp, core, path, texts, special=False):
    """All ids alike, of more than as many tokens as there are texts."""
    llama_cpp.open(path)
    core.open(path)
    tokens = 0
    for text in texts:
        theirs = llama_cpp.encode(text, special)
        assert core.encode(text, special) == theirs, text
        tokens += len(theirs)
    assert tokens > len(texts)


def test_there_are_enough_texts():
    assert len(set(TEXTS)) > 2500


@pytest.mark.parametrize("special", [False, True], ids=["text", "markup"])
@pytest.mark.parametrize("name", VOCABULARIES)
def test_ids_are_llama_cpps(llama_cpp, core, model, name, special):
    check(llama_cpp, core, model(name), TEXTS, special)


@pytest.mark.parametrize("pre", PRE_TOKENIZERS)
def test_words_are_llama_cpps(llama_cpp, core, model, pre):
    check(llama_cpp, core, model(PRE_TOKENIZERS[pre], pre), TEXTS)


@pytest.mark.parametrize("pre", ["llama-bpe", "deepseek-coder", "deepseek-llm"])
def test_every_character_is_llama_cpps(llama_cpp, core, model, pre):
    """The first four planes, and what is beyond them, between letters, digits and spaces."""
    codes = [code for start in (0, 0xE0000) for code in range(start, start + (0x40000 if start == 0 else 0x1000))
             if not 0xD800 <= code < 0xE000]
    texts = ["".join(f"a{c} {c}{c}1{c}" for c in map(chr, codes[i:i + 64])).encode() for i in range(0, len(codes), 64)]
    check(llama_cpp, core, model("gpt-2", pre), texts)


def test_file_without_a_pre_tokenizer(llama_cpp, core, model):
    check(llama_cpp, core, model("gpt-2", pre=None), TEXTS[::5])


@pytest.mark.parametrize("add_bos", [None, False, True])
@pytest.mark.parametrize("pre", ["llama-bpe", "qwen2", "tekken", "smollm", "glm4"])
def test_bos_without_its_keys(llama_cpp, core, model, pre, add_bos):
    """llama.cpp's own BOS, and whether it goes first; a file that asks for one that there is not it refuses."""
    if pre == "glm4" and add_bos:
        return
    check(llama_cpp, core, model("gpt-2", pre, bos_token_id=None, eos_token_id=None, add_bos_token=add_bos),
          [b"", b"a", b"Once upon a time"] + [b"a b c"] * 3)


@pytest.mark.parametrize("name", VOCABULARIES)
def test_text_comes_back(core, model, name):
    """Well-formed text in full; but SentencePiece drops a space and writes U+2581 as one."""
    path = model(name)
    core.open(path)
    compared = 0
    for text in TEXTS:
        expected = text.decode(errors="replace")
        marked = re.search("<[|/a-z0]|\u2581|\ufffd", expected)
        if not marked:
            assert core.decode(core.encode(text, False)).decode() == expected, text
            compared += 1
    assert compared > 1500



@pytest.mark.parametrize("name", VOCABULARIES)
def test_loading_and_encoding_take_no_time(core, model, name):
    path = model(name)
    assert min(core.open(path) for _ in range(3)) <= SECONDS
    for text in (b"Once upon a time, there was a dog.\n" * 500)[:16384], b"a" * 16384, b" " * 16384, b"<|" * 8192:
        start = time.process_time()
        core.encode(text, True)
        assert time.process_time() - start <= SECONDS, text[:10]


# ---- What ends a model's text ----

ENDS = [  # alone or together in a vocabulary: all texts that llama.cpp looks for, and some that it does not
    ["<|eot_id|>"], ["<|eom_id|>"], ["<|im_end|>"], ["<|end|>"], ["<|return|>"], ["<|call|>"], ["<|calls|>"],
    ["<|flush|>"], ["<end_of_turn>"], ["<|endoftext|>"], ["<|end_of_text|>"], ["<end_of_utterance>"], ["</s>"],
    ["<eos>"], ["<EOT>"], ["_<EOT>"], ["[EOT]"], ["[EOS]"], ["[e~["], ["<turn|>"], ["<|tool_response>"],
    ["<\uff5cend\u2581of\u2581sentence\uff5c>"], ["<|fim_pad|>"], ["<fim-pad>"], ["<fim_pad>"], ["<PAD>"], ["[PAD]"],
    ["<|fim_repo|>"], ["<|repo_name|>"], ["<fim-repo>"], ["<REPO>"], ["<reponame>"], ["<|file_sep|>"],
    ["<|fim_prefix|>"], ["<fim_suffix>"], ["<file_sep>"], ["<repo_name>"], ["<|EOT|>"], ["<|eot|>"],
    ["<|message_sep|>"], ["<|return|>", "<|call|>", "<|end|>"], ["<|calls|>", "<|flush|>", "<|end|>"],
    ["<|return|>", "<|flush|>", "<|end|>"], ["<|calls|>", "<|return|>", "<|end|>"], ["</s>", "<|tool_response>"],
    ["<|eot_id|>", "[e~[", "<|im_end|>", "</s>"],
]
NAMED_ENDS = [(name, value) for name in ("eos", "eot", "eom", "fim_pad", "fim_rep", "fim_sep", "fim_pre", "pad")
              for value in (258, 259, 0xFFFFFFFF)]
NAMED_ENDS.remove(("eos", 0xFFFFFFFF))  # llama.cpp takes token 2 then; here there is none


def small_vocabulary(pieces, **keys):
    """The keys of a vocabulary of bytes and these pieces, the first of which has number 258."""
    pieces = ["<unk>", "<s>", *(f"<0x{i:02X}>" for i in range(256)), *pieces, "a", "b"]
    types = [UNKNOWN, CONTROL] + [BYTE] * 256 + [NORMAL] * (len(pieces) - 258)
    return shape() | {"tokenizer.ggml.model": "llama", "tokenizer.ggml.tokens": pieces,
                      "tokenizer.ggml.token_type": types, "tokenizer.ggml.scores": [0.0] * len(pieces),
                      "tokenizer.ggml.eos_token_id": len(pieces) - 1,
                      **{f"tokenizer.ggml.{key}_token_id": value for key, value in keys.items()}}


def check_ends(llama_cpp, core, path, pieces):
    llama_cpp.open(path)
    core.open(path)
    ends = llama_cpp.ends(pieces)
    assert core.ends(pieces) == ends and ends


@pytest.mark.parametrize("pieces", ENDS, ids=" ".join)
def test_ends_are_llama_cpps_by_their_text(llama_cpp, core, tmp_path, pieces):
    keys = small_vocabulary(pieces)
    check_ends(llama_cpp, core, write(tmp_path / "model.gguf", keys), len(keys["tokenizer.ggml.tokens"]))


@pytest.mark.parametrize("name, value", NAMED_ENDS)
def test_ends_are_llama_cpps_by_their_keys(llama_cpp, core, tmp_path, name, value):
    """Also beside pieces that would be taken if the key were not there."""
    keys = small_vocabulary(["x", "<|im_end|>", "<|fim_pad|>", "<reponame>", "<|file_sep|>"], **{name: value})
    check_ends(llama_cpp, core, write(tmp_path / "model.gguf", keys), len(keys["tokenizer.ggml.tokens"]))


@pytest.mark.parametrize("name", VOCABULARIES)
def test_ends_are_llama_cpps_in_real_vocabularies(llama_cpp, core, model, name):
    path = model(name)
    check_ends(llama_cpp, core, path, len(metadata(NODE / "node_modules", name)["tokenizer.ggml.tokens"]))


def test_llama_3_takes_five_megabytes(core, model):
    core.open(model("llama3"))
    assert core.library.token_ids_memory() < 5_000_000
