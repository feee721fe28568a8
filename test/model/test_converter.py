"""llama2c-to-gguf: its output, byte for byte, and its messages about bad files."""

import math
import resource
import signal
import struct
from array import array
from functools import reduce

import pytest

from gguf_file import F32, Q8_0, GgufFile, quantize
from llama2c_model import SPACE_MARK, Shape, pieces, random_model, read_checkpoint, tokenizer
from places import stories260k

SHAPES = {
    "gqa-padded": Shape(),
    "untied": Shape(tied=False, hidden=64),
    "multi-query": Shape(kv_heads=1, layers=1, hidden=1),
    "dim-not-32": Shape(dim=48, heads=4, kv_heads=4, hidden=100),
}


@pytest.fixture
def files(tmp_path):
    """Paths of a checkpoint, a tokenizer and an output, and functions that fill the first two."""
    class Files:
        checkpoint, tokenizer, output = tmp_path / "small.bin", tmp_path / "tok.bin", tmp_path / "out.gguf"
        model = None

        def write_model(self, shape, seed=1):
            self.model = random_model(shape, seed)
            self.checkpoint.write_bytes(self.model.checkpoint())
            self.tokenizer.write_bytes(tokenizer(pieces()))

        def arguments(self, *options):
            return self.checkpoint, self.tokenizer, self.output, *options

    return Files()


def padded(values, rows, columns, to_rows, to_columns):
    """A matrix with zeros to the right and below, as a list of rows."""
    matrix = [values[row * columns:(row + 1) * columns] for row in range(rows)]
    matrix = [list(row) + [0.0] * (to_columns - columns) for row in matrix]
    return matrix + [[0.0] * to_columns] * (to_rows - rows)


def expected_tensors(model, f32):
    """GGUF name -> (dimensions, type, bytes) that the converter must write."""
    shape = model.shape
    hidden = shape.hidden if f32 else math.ceil(shape.hidden / 32) * 32
    shapes = {"token_embd.weight": (shape.vocabulary, shape.dim), "output_norm.weight": (1, shape.dim)}
    if not shape.tied:
        shapes["output.weight"] = (shape.vocabulary, shape.dim)
    for layer in range(shape.layers):
        shapes |= {f"blk.{layer}.{name}.weight": size for name, size in shape.layer_tensors().items()}

    expected = {}
    for name, (rows, columns) in shapes.items():
        to_rows = hidden if "ffn_gate" in name or "ffn_up" in name else rows
        to_columns = hidden if "ffn_down" in name else columns
        matrix = padded(model.tensors[name], rows, columns, to_rows, to_columns)
        quantized = not f32 and "norm" not in name and to_columns % 32 == 0
        dimensions = [to_columns] if "norm" in name or to_rows == 1 else [to_columns, to_rows]
        data = b"".join(quantize(row) if quantized else array("f", row).tobytes() for row in matrix)
        expected[name] = (dimensions, Q8_0 if quantized else F32, data)
    return expected


def with_word(lane, word):
    return ((lane << 13 | lane >> 19) % (1 << 32) ^ word) * 2654435761 % (1 << 32)


def mix32(gguf):
    """The checksum over the words of all tensors in the order of the file (model/README.md)."""
    lanes = [2166136261] * 4
    for tensor in sorted(gguf.tensors.values(), key=lambda tensor: tensor.offset):
        whole = tensor.data + bytes(-len(tensor.data) % 16)
        for number, (word,) in enumerate(struct.iter_unpack("<I", whole)):
            lanes[number % 4] = with_word(lanes[number % 4], word)
    return reduce(with_word, lanes, 2166136261)


def check_tensors(gguf, model, f32):
    assert gguf.metadata["bootllama.tensors.mix32"] == mix32(gguf)
    expected = expected_tensors(model, f32)
    assert set(gguf.tensors) == set(expected)
    for name, (dimensions, kind, data) in expected.items():
        tensor = gguf.tensors[name]
        assert (name, tensor.dimensions, tensor.type) == (name, dimensions, kind)
        assert tensor.data == data, name


@pytest.mark.parametrize("f32", [False, True], ids=["q8_0", "f32"])
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())
def test_weights(convert, files, shape, f32):
    files.write_model(shape)
    assert convert(*files.arguments(*["--f32"] * f32)).returncode == 0
    check_tensors(GgufFile(files.output.read_bytes()), files.model, f32)


@pytest.mark.parametrize("name, f32", [("STORIES260K.GGUF", False), ("stories260k-f32.gguf", True)])
def test_weights_of_stories260k(name, f32):
    model = read_checkpoint(stories260k("cache/models/stories260K.bin").read_bytes())
    gguf = GgufFile(stories260k(f"models/{name}").read_bytes())
    check_tensors(gguf, model, f32)
    assert gguf.metadata["llama.feed_forward_length"] == (172 if f32 else 192)


def test_metadata(convert, files):
    files.write_model(Shape())
    result = convert(*files.arguments("--name", "Small", "--license", "MIT"))
    size = files.output.stat().st_size
    assert (result.returncode, result.stdout, result.stderr) == (0, f"{files.output}: Small, Q8_0, {size} bytes\n", "")

    gguf = GgufFile(files.output.read_bytes())
    marked = [text.replace(" ", SPACE_MARK) for text in pieces()]
    marked[1:3] = ["<s>", "</s>"]
    assert gguf.version == 3
    assert gguf.metadata == {
        "bootllama.tensors.mix32": mix32(gguf),
        "general.architecture": "llama",
        "general.name": "Small",
        "general.size_label": "108K",
        "general.license": "MIT",
        "general.file_type": 7,
        "general.quantization_version": 2,
        "llama.context_length": 64,
        "llama.embedding_length": 64,
        "llama.block_count": 2,
        "llama.feed_forward_length": 192,
        "llama.attention.head_count": 4,
        "llama.attention.head_count_kv": 2,
        "llama.attention.layer_norm_rms_epsilon": array("f", [1e-5])[0],
        "llama.rope.dimension_count": 16,
        "llama.rope.freq_base": 10000.0,
        "llama.vocab_size": 265,
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.tokens": marked,
        "tokenizer.ggml.scores": [-float(index) for index in range(265)],
        "tokenizer.ggml.token_type": [2, 3, 3] + [6] * 256 + [1] * 6,
        "tokenizer.ggml.bos_token_id": 1,
        "tokenizer.ggml.eos_token_id": 2,
        "tokenizer.ggml.unknown_token_id": 0,
        "tokenizer.ggml.add_bos_token": True,
        "tokenizer.ggml.add_eos_token": False,
        "tokenizer.ggml.add_space_prefix": True,
    }


def test_metadata_of_f32(convert, files):
    files.write_model(Shape())
    assert convert(*files.arguments("--f32")).returncode == 0
    metadata = GgufFile(files.output.read_bytes()).metadata
    assert metadata["general.name"] == "small"  # from small.bin
    assert metadata["general.file_type"] == 0
    assert metadata["llama.feed_forward_length"] == 172
    assert not {"general.quantization_version", "general.license"} & set(metadata)


def test_same_bytes_again(convert, files):
    files.write_model(Shape())
    assert convert(*files.arguments()).returncode == 0
    first = files.output.read_bytes()
    assert convert(*files.arguments()).returncode == 0
    assert files.output.read_bytes() == first


def test_output_is_readable_by_all(convert, files):
    files.write_model(Shape())
    assert convert(*files.arguments(), umask=0o022).returncode == 0
    assert files.output.stat().st_mode & 0o777 == 0o644


GROUPS = {
    "zeros": [0.0] * 32,
    "largest-scale": [65504 * 127.0, -8e6] + [1.0] * 30,
    "subnormal-scale": [1e-4, -1e-4, 5e-5] + [0.0] * 29,
    "vanishing-scale": [1e-6, -1e-6] + [0.0] * 30,
    "halves": [127.0, *(n + 0.5 for n in range(-15, 16))],  # d is 1: ties of rounding
    "inverse-of-d": [1.2431526, 1.1501609] + [0.0] * 30,  # 117 by 1 / d, but 118 by 127 / max|w|
}


@pytest.mark.parametrize("group", GROUPS.values(), ids=GROUPS.keys())
def test_quantization_at_its_edges(convert, files, group):
    files.write_model(Shape())
    files.model.tensors["blk.1.attn_q.weight"][32:64] = array("f", group)
    files.checkpoint.write_bytes(files.model.checkpoint())
    assert convert(*files.arguments()).returncode == 0
    data = GgufFile(files.output.read_bytes()).tensors["blk.1.attn_q.weight"].data
    assert data[34:68] == quantize(array("f", group))


def test_halves_round_away_from_zero():
    assert struct.unpack("<e32b", quantize(GROUPS["halves"]))[1:8] == (127, -15, -14, -13, -12, -11, -10)


# ---- Bad files ----


def refuse(convert, files, message, *options):
    """The converter ends with exactly this one line, and nothing new is in the folder."""
    before = sorted(files.output.parent.iterdir())
    result = convert(*files.arguments(*options))
    assert result.stderr == f"llama2c-to-gguf: {message}\n"
    assert (result.returncode, result.stdout) == (1, "")
    assert sorted(files.output.parent.iterdir()) == before


HEADERS = {
    "dim": (Shape(dim=0), "dim is 0; allowed are 2 to 131072"),
    "dim-negative": (Shape(dim=-64), "dim is -64; allowed are 2 to 131072"),
    "hidden": (Shape(hidden=2**31 - 1), "hidden_dim is 2147483647; allowed are 1 to 131072"),
    "layers": (Shape(layers=257), "n_layers is 257; allowed are 1 to 256"),
    "heads": (Shape(heads=65), "n_heads is 65; allowed are 1 to 64"),
    "kv-heads": (Shape(kv_heads=5), "n_kv_heads is 5; allowed are 1 to 4"),
    "vocabulary": (Shape(vocabulary=2), "vocab_size is 2; allowed are 3 to 524288"),
    "vocabulary-lowest": (Shape(vocabulary=-2**31), "vocab_size is 2147483648; allowed are 3 to 524288"),
    "context": (Shape(context=0), "seq_len is 0; allowed are 1 to 16777216"),
}


@pytest.mark.parametrize("shape, problem", HEADERS.values(), ids=HEADERS.keys())
def test_header_out_of_range(convert, files, shape, problem):
    files.write_model(Shape())
    files.checkpoint.write_bytes(shape.header() + files.checkpoint.read_bytes()[28:])
    refuse(convert, files, f"{files.checkpoint}: not a llama2.c checkpoint: {problem}")


@pytest.mark.parametrize("shape, problem", [
    (Shape(dim=66), "dim 66 does not divide into 4 heads of an even size"),
    (Shape(dim=60), "dim 60 does not divide into 4 heads of an even size"),
    (Shape(kv_heads=3), "4 heads cannot share 3 key-value heads evenly"),
], ids=["dim-by-heads", "odd-head", "heads-by-kv-heads"])
def test_header_that_does_not_fit(convert, files, shape, problem):
    files.write_model(Shape())
    files.checkpoint.write_bytes(shape.header() + files.checkpoint.read_bytes()[28:])
    refuse(convert, files, f"{files.checkpoint}: {problem}")


@pytest.mark.parametrize("length", [0, 27])
def test_header_truncated(convert, files, length):
    files.write_model(Shape())
    files.checkpoint.write_bytes(files.checkpoint.read_bytes()[:length])
    refuse(convert, files, f"{files.checkpoint}: not a llama2.c checkpoint: shorter than its header of 28 bytes")


def test_later_version(convert, files):
    files.write_model(Shape())
    files.checkpoint.write_bytes(struct.pack("<Ii", 0x616B3432, 1) + bytes(1000))
    refuse(convert, files, f"{files.checkpoint}: a llama2.c checkpoint of version 1 or 2; export it with --version 0")


@pytest.mark.parametrize("change", [-1, 1, -4 * 64 * 265, 4 * 64 * 265])
def test_wrong_length(convert, files, change):
    files.write_model(Shape())
    data = files.checkpoint.read_bytes()
    files.checkpoint.write_bytes(data[:change] if change < 0 else data + bytes(change))
    refuse(convert, files, f"{files.checkpoint}: {len(data) + change} bytes long, but its header "
           f"(dim 64, hidden_dim 172, 2 layers, vocabulary 265) means {len(data)}")


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("options", [[], ["--f32"]], ids=["q8_0", "f32"])
def test_weight_not_finite(convert, files, value, options):
    files.write_model(Shape())
    data = bytearray(files.checkpoint.read_bytes())
    struct.pack_into("<f", data, 28 + 4 * 100, value)
    files.checkpoint.write_bytes(data)
    refuse(convert, files, f"{files.checkpoint}: the weight at byte 428 is not a finite number", *options)


def test_weight_too_large(convert, files):
    files.write_model(Shape())
    files.model.tensors["blk.0.ffn_up.weight"][0] = 65520 * 127.0
    files.checkpoint.write_bytes(files.model.checkpoint())
    refuse(convert, files, f"{files.checkpoint}: a weight of blk.0.ffn_up.weight is too large for Q8_0; try --f32")
    assert convert(*files.arguments("--f32")).returncode == 0


def test_vocabulary_too_small(convert, files):
    files.write_model(Shape())
    files.tokenizer.write_bytes(tokenizer(pieces()[:-1]))
    refuse(convert, files, f"{files.tokenizer}: ends after 264 pieces; the model has 265")


def test_vocabulary_too_large(convert, files):
    files.write_model(Shape())
    files.tokenizer.write_bytes(tokenizer(pieces() + ["more"]))
    refuse(convert, files, f"{files.tokenizer}: continues after 265 pieces, all that the model has")


def changed(index, piece):
    return tokenizer(pieces()[:index] + [piece] + pieces()[index + 1:])


TOKENIZERS = {
    "empty": (b"", "not a llama2.c tokenizer: does not begin with the length of its longest piece"),
    "text": (b"text of another kind", "not a llama2.c tokenizer: does not begin with the length of its longest piece"),
    "cut": (tokenizer(pieces())[:-1], "ends within piece 264; the model has 265"),
    "cut-length": (tokenizer(pieces())[:-3], "ends after 264 pieces; the model has 265"),
    "no-text": (changed(260, ""), "piece 260 is 0 bytes long; allowed are 1 to 6"),
    "too-long": (struct.pack("<i", 5) + tokenizer(pieces())[4:], "piece 2 is 6 bytes long; allowed are 1 to 5"),
    "bad-utf-8": (changed(260, b"\xc3"), "piece 260 is not text in UTF-8"),
    "nul": (changed(260, b"a\0b"), "piece 260 is not text in UTF-8"),
    "alike": (changed(264, "<0x41>"), "pieces 68 and 264 are identical"),
    "alike-as-marked": (changed(262, SPACE_MARK), "pieces 262 and 264 are identical"),
    "score": (struct.pack("<if", 6, math.nan) + tokenizer(pieces())[8:], "the score of piece 0 is not a finite number"),
    "grows-too-long": (changed(260, " " * 21846), "piece 260 is longer than 65535 bytes"),
}


@pytest.mark.parametrize("data, problem", TOKENIZERS.values(), ids=TOKENIZERS.keys())
def test_tokenizer_not_right(convert, files, data, problem):
    files.write_model(Shape())
    files.tokenizer.write_bytes(data)
    refuse(convert, files, f"{files.tokenizer}: {problem}")


def test_no_such_input(convert, files):
    refuse(convert, files, f"{files.checkpoint}: No such file or directory")
    files.write_model(Shape())
    files.tokenizer.unlink()
    refuse(convert, files, f"{files.tokenizer}: No such file or directory")


def test_input_is_a_folder(convert, files):
    files.checkpoint.mkdir()
    refuse(convert, files, f"{files.checkpoint}: is not a regular file")


def test_output_in_no_folder(convert, files):
    files.write_model(Shape())
    output = files.output.parent / "absent" / "out.gguf"
    result = convert(files.checkpoint, files.tokenizer, output)
    assert result.stderr == f"llama2c-to-gguf: {output}: cannot be written: No such file or directory\n"
    assert result.returncode == 1


def test_output_is_no_file(convert, files):
    files.write_model(Shape())
    result = convert(files.checkpoint, files.tokenizer, "/dev/null")
    assert result.stderr == "llama2c-to-gguf: /dev/null: cannot be written: is not a regular file\n"
    assert result.returncode == 1


def small_disk():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # so that writing fails as on a full disk
    resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))


def test_output_does_not_fit(convert, files):
    """What was there before stays, and nothing else is left."""
    files.write_model(Shape())
    files.output.write_text("before")
    result = convert(*files.arguments(), preexec_fn=small_disk)
    assert result.stderr == f"llama2c-to-gguf: {files.output}: cannot be written: File too large\n"
    assert result.returncode == 1
    assert files.output.read_text() == "before"
    assert sorted(files.output.parent.iterdir()) == sorted([files.checkpoint, files.tokenizer, files.output])


# ---- Command line ----


@pytest.mark.parametrize("arguments", [[], ["a", "b"], ["a", "b", "c", "d"], ["a", "b", "c", "--q4"],
                                       ["a", "b", "c", "--name"]])
def test_wrong_usage(convert, arguments):
    result = convert(*arguments)
    assert (result.returncode, result.stdout) == (2, "")
    assert "Usage: llama2c-to-gguf CHECKPOINT.bin TOKENIZER.bin OUTPUT.gguf [options]\n" in result.stderr


def test_help(convert):
    result = convert("--help")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("Usage: llama2c-to-gguf CHECKPOINT.bin TOKENIZER.bin OUTPUT.gguf [options]\n")
