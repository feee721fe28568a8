"""The sector's size, its arithmetic as story.c repeats it against single precision, and the converter."""
import array
import json
import math
import re
import struct
import subprocess

import pytest

from gguf_file import GgufFile
from gguf_writer import write_split
from llama2c_model import Shape, pieces, random_model, tokenizer
from places import built
from reference import reference
from sector import BUILDS, MODELS, ROOT, file, image, story, symbols, tokens

POSITIONS, VOCABULARY = 256, 512
CONVERTERS = ["sector", "record"]
RECORD_BYTES_MAX = 340


@pytest.mark.parametrize("build", BUILDS)
def test_sector_is_one_sector(build):
    code = file(f"{build}.bin").read_bytes()
    assert len(code) == 512 and code[510:] == b"\x55\xaa"
    at = symbols(build)
    assert set(code[at["end"] - at["start"]:510]) <= {0}
    assert at["end"] - at["start"] <= (RECORD_BYTES_MAX if build == "record" else 510)


def bytes_of(build):
    at = symbols(build)
    return at["end"] - at["start"]


def count(*arguments):
    command = [ROOT / "bios/sector/count.py", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


def counted_parts():
    """By name of a sector its parts and their bytes, and the line of both."""
    *lines, last = count(file("sector.lst"), file("record.lst")).splitlines()
    parts = {}
    for line in lines:
        if line.endswith(":"):
            found = parts[line[:-1]] = []
        else:
            found.append(tuple(line.split(maxsplit=1)))
    return parts, last


def test_count_is_that_of_the_symbols():
    parts, last = counted_parts()
    for build, found in parts.items():
        assert sum(int(size) for size, _ in found) == bytes_of(build)
    assert last == f"sector: {bytes_of('sector')} bytes, record: {bytes_of('record')} bytes"


def test_readme_has_the_count():
    parts, _ = counted_parts()
    text = (ROOT / "bios/sector/README.md").read_text()
    assert re.findall(r"^\| (\d+) \| ([^|]+) \|", text, re.MULTILINE)[:len(parts["sector"])] == parts["sector"]
    assert re.findall(r"^\| (\d+) \| ([^|]+) \|", text, re.MULTILINE)[-len(parts["record"]):] == parts["record"]
    assert f"**{bytes_of('sector')} bytes** for disks, {bytes_of('floppy')} for floppies" in " ".join(text.split())
    assert f"**{bytes_of('record')} bytes** that tell" in text
    bars = re.findall(r"^\| [^|]+ \| \**([\d,]+)\** \| `(█*)(▌?)` \|$", text, re.MULTILINE)
    sizes = [int(size.replace(",", "")) for size, _, _ in bars]
    assert sizes == [1356, 1189, 1076, bytes_of("sector"), bytes_of("record")]
    for size, (_, blocks, half) in zip(sizes, bars):
        assert abs(len(blocks) + len(half) / 2 - size / sizes[0] * 28) <= 0.5


def test_main_readme_has_the_sizes():
    text = " ".join((ROOT / "README.md").read_text().split())
    assert f"a complete Llama 2 engine of {bytes_of('sector')} bytes" in text
    assert f"another one has {bytes_of('record')}" in text


def test_readme_has_the_listing_and_the_source():
    text = (ROOT / "bios/sector/README.md").read_text()
    assert f"```asm\n{count('--listing', file('record.lst'), file('record.bin'))}```\n" in text
    source = re.search(r"```c\n(.*?)```\n", text, re.DOTALL)[1]
    assert source.count("\n") > 40 and source in (ROOT / "bios/sector/record.c").read_text()


@pytest.mark.parametrize("build", BUILDS)
def test_greedy_text_is_that_of_single_precision(build):
    cases = json.loads(reference("greedy_f32.json").read_text())["cases"]
    expected = next(case["tokens"] for case in cases if case["prompt"] == "")
    assert tokens(build, "stories260k") == expected[:POSITIONS]


def log_softmax(logits):
    largest = max(logits)
    total = largest + math.log(math.fsum(math.exp(logit - largest) for logit in logits))
    return [logit - total for logit in logits]


@pytest.mark.parametrize("build", BUILDS)
def test_logits_are_those_of_single_precision(build):
    ids = array.array("i", reference("tokens.i32").read_bytes())
    lines = [" ".join(map(str, ids[at:at + POSITIONS])) for at in range(0, len(ids), POSITIONS)]
    ours = array.array("f", story(build, "stories260k", "--logits", typed="\n".join(lines).encode() + b"\n"))
    theirs = array.array("f", reference("logits.f32").read_bytes())
    assert len(ours) == len(theirs) == len(ids) * VOCABULARY
    divergence = same = 0
    for at in range(0, len(ours), VOCABULARY):
        p, q = (log_softmax(logits[at:at + VOCABULARY]) for logits in (theirs, ours))
        divergence += sum(math.exp(a) * (a - b) for a, b in zip(p, q))
        same += p.index(max(p)) == q.index(max(q))
    assert divergence / len(ids) <= 5e-6  # nat; 2.6e-6 when it was written
    assert same / len(ids) >= 0.998


def test_default_model_ends_its_story():
    ids = tokens("sector", "default")
    assert 40 < len(ids) < POSITIONS and ids[0] == 1 and 1 not in ids[1:]


# ---- The converter ----

def convert(build, tmp_path, gguf, *bits):
    command = [built(f"host/gguf-to-{build}"), file(f"{build}.bin"), file(f"{build}.map"), gguf, tmp_path / "image",
               *bits]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("build", CONVERTERS)
def test_same_bytes_from_two_builds(tmp_path, build):
    code, source = tmp_path / "sector.bin", ROOT / "bios/sector"
    subprocess.run(["nasm", "-f", "bin", f"-I{source}/", "-o", code, source / f"{build}.asm"], check=True, timeout=60)
    assert code.read_bytes() == file(f"{build}.bin").read_bytes()
    assert convert(build, tmp_path, ROOT / "model/default.gguf", "7", "8").returncode == 0
    first = (tmp_path / "image").read_bytes()
    kept = image(build, "default").read_bytes()
    assert kept.startswith(first) and set(kept[len(first):]) <= {0}


@pytest.mark.parametrize("bits", [("12", "8"), ("7", "0")])
@pytest.mark.parametrize("build", CONVERTERS)
def test_weights_that_do_not_fit_are_refused(tmp_path, build, bits):
    result = convert(build, tmp_path, ROOT / "model/default.gguf", *bits)
    assert result.returncode == 1
    assert re.fullmatch(r".*a weight of (token_embd|ffn_down|attn_output) is too large for 16 bits: -?\d+\n",
                        result.stderr), result.stderr


@pytest.mark.parametrize("build", CONVERTERS)
@pytest.mark.parametrize("arguments", [[], ["7"], ["7", "x"], ["7", "16"], ["-1", "8"], ["7", ""]])
def test_wrong_usage(tmp_path, arguments, build):
    result = convert(build, tmp_path, ROOT / "model/default.gguf", *arguments)
    assert result.returncode == 2 and result.stderr.startswith(f"Usage: gguf-to-{build} ")
    assert not (tmp_path / "image").exists()


def refused(build, tmp_path, gguf):
    result = convert(build, tmp_path, gguf, "7", "8")
    assert result.returncode == 1 and not (tmp_path / "image").exists()
    start = f"gguf-to-{build}: {gguf}: "
    assert result.stderr.startswith(start) and result.stderr.endswith("\n")
    return result.stderr[len(start):-1]


@pytest.mark.parametrize("build", CONVERTERS)
@pytest.mark.parametrize("change, message", [
    ({"dim": 32}, "its embedding_length is 32, and only 64 fits a sector"),
    ({"layers": 3}, "its block_count is 3, and only 5 fits a sector"),
    ({"heads": 4}, "its attention.head_count is 4, and only 8 fits a sector"),
    ({"kv_heads": 8}, "its attention.head_count_kv is 8, and only 4 fits a sector"),
    ({}, "its vocabulary is 265, and only 512 fits a sector"),
])
def test_other_shapes_are_refused(tmp_path, build, change, message):
    model = random_model(Shape(**{"layers": 5, "heads": 8, "kv_heads": 4} | change))
    checkpoint, words, gguf = (tmp_path / name for name in ("model.bin", "words.bin", "other.gguf"))
    checkpoint.write_bytes(model.checkpoint())
    words.write_bytes(tokenizer(pieces()))
    command = [built("host/llama2c-to-gguf"), checkpoint, words, gguf]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    assert refused(build, tmp_path, gguf) == message


@pytest.mark.parametrize("build", CONVERTERS)
def test_damaged_files_are_refused(tmp_path, build):
    whole = (ROOT / "model/default.gguf").read_bytes()
    base = whole.index(b"llama.rope.freq_base") + len("llama.rope.freq_base") + 4
    other = tmp_path / "other.gguf"
    for contents, message in [
        (whole[:base] + struct.pack("<f", 5e5) + whole[base + 4:],
         "its rope.freq_base is 500000, and only 10000 fits a sector"),
        (whole[:40], "keys number 27, more than the file can hold; copy it again"),
        (b"GGUG" + whole[4:], "not a GGUF model file"),
        (whole.replace(b"blk.4.ffn_up.weight", b"blk.4.ffn_ux.weight"),
         "blk.4.ffn_ux.weight is not a tensor of a llama model with 5 layers"),
    ]:
        other.write_bytes(contents)
        assert refused(build, tmp_path, other) == message
    assert "No such file" in refused(build, tmp_path, tmp_path / "none.gguf")


@pytest.mark.parametrize("build", CONVERTERS)
def test_a_split_model_is_refused(tmp_path, build):
    model = GgufFile((ROOT / "model/default.gguf").read_bytes())
    count = len(model.tensors)
    first, second = write_split(tmp_path, "model", model, [count // 2, count - count // 2])
    result = convert(build, tmp_path, first, "7", "8")
    assert result.returncode == 1 and not (tmp_path / "image").exists()
    assert result.stderr == (f"gguf-to-{build}: {second}: cannot be opened: a sector takes a model of one file; join "
                             "its parts first (gguf-split --merge)\n")


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("build", BUILDS)
def test_image_holds_the_sector(build, model):
    assert image(build, model).read_bytes()[:512] == file(f"{build}.bin").read_bytes()
