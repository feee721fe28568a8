"""llama.cpp's own library, from the npm package of test_llama_cpp.py: quantizes files, and computes logits of them.

The functions are those of llama.h at the release that package.json pins. Their structures are passed by value and grow
from release to release: here they are rooms larger than any of them, filled by the library's own defaults, in which a
few numbers are set by their place. What these places hold is checked first.
"""
import ctypes
from array import array

WORDS = 128  # of 32 bits, in the room for a structure
F32, NEVER = 0, 0  # of enum ggml_type; of enum llama_flash_attn_type
N_CTX, N_BATCH, N_UBATCH, N_THREADS, N_THREADS_BATCH = 0, 1, 2, 7, 8
FLASH_ATTENTION, TYPE_K, TYPE_V = 13, 26, 27
MODEL_DEFAULTS = {4: 0xFFFFFFFF}  # n_gpu_layers
CONTEXT_DEFAULTS = {N_CTX: 512, N_BATCH: 2048, N_UBATCH: 512, N_THREADS: 4, N_THREADS_BATCH: 4,
                    FLASH_ATTENTION: 0xFFFFFFFF, TYPE_K: 1, TYPE_V: 1}
QUANTIZE_THREADS, FILE_TYPE, REQUANTIZE, OVERRIDES = 0, 1, 4, 10
QUANTIZE_DEFAULTS = {QUANTIZE_THREADS: 0, FILE_TYPE: 7, 2: 43, 3: 43, REQUANTIZE: 0x100, OVERRIDES: 0}

FILE_TYPES = {  # enum llama_ftype: what the quantizer is asked for
    "F32": 0, "F16": 1, "BF16": 32, "Q8_0": 7, "Q4_0": 2, "Q4_1": 3, "Q5_0": 8, "Q5_1": 9, "Q2_K": 10, "Q3_K_S": 11,
    "Q3_K_M": 12, "Q3_K_L": 13, "Q4_K_S": 14, "Q4_K_M": 15, "Q5_K_S": 16, "Q5_K_M": 17, "Q6_K": 18, "IQ4_NL": 25,
    "IQ4_XS": 30, "MXFP4": 38,
}
OVERRIDDEN = {"MXFP4": 39}  # by itself the quantizer gives this type to experts alone: the type of all matrices


class Room(ctypes.Structure):
    _fields_ = [("word", ctypes.c_uint32 * WORDS)]


class Batch(ctypes.Structure):
    _fields_ = [("n_tokens", ctypes.c_int32), ("token", ctypes.POINTER(ctypes.c_int32)), ("embd", ctypes.c_void_p),
                ("pos", ctypes.c_void_p), ("n_seq_id", ctypes.c_void_p), ("seq_id", ctypes.c_void_p),
                ("logits", ctypes.c_void_p)]


class Override(ctypes.Structure):
    _fields_ = [("pattern", ctypes.c_char_p), ("type", ctypes.c_int)]


LOG = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)


class LibLlama:
    """`folder`: with the libraries."""

    def __init__(self, folder):
        ctypes.CDLL(folder / "libggml-base.so", ctypes.RTLD_GLOBAL)
        ggml = ctypes.CDLL(next(folder.glob("libggml.*so")), ctypes.RTLD_GLOBAL)
        self._library = ctypes.CDLL(next(folder.glob("libllama.*so")))
        self._messages, self._path, self._loaded = [], None, None
        self._log = LOG(lambda _level, text, _context: self._messages.append(text))
        self._library.llama_log_set(self._log, None)
        ggml.ggml_backend_load_all_from_path(str(folder).encode())
        for name, result, *arguments in (
                ("llama_model_load_from_file", ctypes.c_void_p, ctypes.c_char_p, Room),
                ("llama_init_from_model", ctypes.c_void_p, ctypes.c_void_p, Room),
                ("llama_model_get_vocab", ctypes.c_void_p, ctypes.c_void_p),
                ("llama_vocab_n_tokens", ctypes.c_int32, ctypes.c_void_p),
                ("llama_decode", ctypes.c_int32, ctypes.c_void_p, Batch),
                ("llama_get_logits", ctypes.c_void_p, ctypes.c_void_p),
                ("llama_get_memory", ctypes.c_void_p, ctypes.c_void_p),
                ("llama_memory_seq_rm", ctypes.c_bool, ctypes.c_void_p, ctypes.c_int32, ctypes.c_int32,
                 ctypes.c_int32),
                ("llama_tokenize", ctypes.c_int32, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int32, ctypes.c_void_p,
                 ctypes.c_int32, ctypes.c_bool, ctypes.c_bool),
                ("llama_free", None, ctypes.c_void_p), ("llama_model_free", None, ctypes.c_void_p)):
            function = getattr(self._library, name)
            function.restype, function.argtypes = result, arguments

    def _default_parameters(self, of, expected):
        function = getattr(self._library, f"llama_{of}_default_params")
        function.restype = Room
        room = function()
        assert {place: room.word[place] for place in expected} == expected, f"llama_{of}_params has another layout"
        return room

    def _failed(self, what, path):
        messages = b"".join(self._messages).decode(errors="replace").splitlines()
        return AssertionError(f"llama.cpp cannot {what} {path}:\n" + "\n".join(messages[-12:]))

    def quantize(self, source, target, file_type):
        """Writes `target`, a file of one of FILE_TYPES, from `source`: an F32 file, or any for F32."""
        self._messages.clear()
        parameters = self._default_parameters("model_quantize", QUANTIZE_DEFAULTS)
        parameters.word[QUANTIZE_THREADS], parameters.word[FILE_TYPE] = 1, FILE_TYPES[file_type]
        parameters.word[REQUANTIZE] |= 1
        overrides = (Override * 2)((b".*", OVERRIDDEN.get(file_type, 0)), (None, 0))
        if file_type in OVERRIDDEN:
            address = ctypes.addressof(overrides)
            parameters.word[OVERRIDES], parameters.word[OVERRIDES + 1] = address & 0xFFFFFFFF, address >> 32
        if self._library.llama_model_quantize(str(source).encode(), str(target).encode(), ctypes.byref(parameters)):
            raise self._failed("quantize", source)

    def _model(self, path):
        """The model of a file; the one before is freed."""
        if path != self._path:
            self._library.llama_model_free(self._loaded)
            self._messages.clear()
            self._path, self._loaded = path, self._library.llama_model_load_from_file(
                str(path).encode(), self._default_parameters("model", MODEL_DEFAULTS))
            if not self._loaded:
                raise self._failed("load", path)
        return self._loaded

    def tokenize(self, path, text):
        """Ids, with BOS where the file wants one; control tokens are text."""
        vocabulary = self._library.llama_model_get_vocab(self._model(path))
        data, ids = text.encode(), (ctypes.c_int32 * (len(text.encode()) + 8))()
        count = self._library.llama_tokenize(vocabulary, data, len(data), ids, len(ids), True, False)
        assert count >= 0
        return list(ids[:count])

    def vocabulary(self, path):
        """The number of tokens."""
        return self._library.llama_vocab_n_tokens(self._library.llama_model_get_vocab(self._model(path)))

    def context(self, path, positions, changes=()):
        """A context for so many positions and one thread, with the library's defaults but for `changes`: place ->
        value. The caller frees it."""
        parameters = self._default_parameters("context", CONTEXT_DEFAULTS)
        for place, value in ({N_CTX: positions, N_THREADS: 1, N_THREADS_BATCH: 1} | dict(changes)).items():
            parameters.word[place] = value
        context = self._library.llama_init_from_model(self._model(path), parameters)
        if not context:
            raise self._failed("run", path)
        return context

    def free(self, context):
        self._library.llama_free(context)

    def decode(self, context, tokens, all_logits=False):
        """Computes tokens, at most 2,048, after those that the context holds, with the logits of all or of the last."""
        wanted = ctypes.cast((ctypes.c_int8 * len(tokens))(*[1] * len(tokens)), ctypes.c_void_p) if all_logits else None
        batch = Batch(len(tokens), (ctypes.c_int32 * len(tokens))(*tokens), None, None, None, None, wanted)
        if self._library.llama_decode(context, batch):
            raise self._failed("run", self._path)

    def rewind(self, context, position):
        """Forgets this position and those after it."""
        assert self._library.llama_memory_seq_rm(self._library.llama_get_memory(context), 0, position, -1)

    def logits(self, path, tokens):
        """The logits [positions][vocabulary] after each token under teacher forcing, as an array of floats. The KV
        cache is F32 and attention is not flash attention, so that what is left of llama.cpp's own rounding is that of
        its matrices."""
        count = len(tokens)
        context = self.context(path, count, {N_BATCH: count, N_UBATCH: count, FLASH_ATTENTION: NEVER, TYPE_K: F32,
                                             TYPE_V: F32})
        self.decode(context, tokens, all_logits=True)
        out = array("f")
        size = 4 * count * self.vocabulary(path)
        out.frombytes(ctypes.string_at(self._library.llama_get_logits(context), size))
        self.free(context)
        return out
