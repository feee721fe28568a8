"""One text everywhere: every kernel and every build computes the same bits."""
import functools
import random
import struct

import pytest

from family_model import FAMILIES, write
from gguf_file import GgufFile, Q8_0
from gguf_writer import write_every_type
from host import MODELS, model_file, run, score, tell
from kernels import VARIANTS, any_cpu, missing_features, names, program
from places import BUILD

SEQUENCES, CONTEXT = 2, 512  # attention goes by chunks from 257 positions on


@functools.cache
def token_file():
    """Random ids reach states that no text would."""
    path = BUILD / "test/golden-tokens.i32"
    path.parent.mkdir(parents=True, exist_ok=True)
    ids = random.Random(1).choices(range(512), k=SEQUENCES * CONTEXT)
    path.write_bytes(struct.pack(f"<{len(ids)}i", *ids))
    return path


@functools.cache
def scalar_logits(model, folder):
    logits = score(model, token_file(), CONTEXT, folder, "--kernel", "scalar")
    assert len(logits) == SEQUENCES * CONTEXT * 512 * 4
    return logits


@pytest.mark.parametrize("kernel", names())
@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("name", MODELS)
def test_same_logits(name, variant, kernel, tmp_path, tmp_path_factory):
    model, variant = model_file(name), program(kernel, variant)
    logits = score(model, token_file(), CONTEXT, tmp_path, "--kernel", kernel, variant=variant)
    assert logits == scalar_logits(model, tmp_path_factory.getbasetemp())


FAMILY_CONTEXT = 384  # longer than the longest window and a chunk's beginning


@pytest.fixture(scope="session")
def family_model(tmp_path_factory):
    """The file of a random model of an architecture, and its tokens, as a function of the family's name."""
    folder = tmp_path_factory.mktemp("families")
    ids = random.Random(2).choices(range(3, 265), k=FAMILY_CONTEXT)
    (folder / "tokens.i32").write_bytes(struct.pack(f"<{len(ids)}i", *ids))
    return functools.cache(lambda name: (write(folder / f"{name}.gguf", FAMILIES[name], Q8_0), folder / "tokens.i32"))


@pytest.mark.parametrize("kernel", names())
@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("name", FAMILIES)
def test_same_logits_of_every_architecture(family_model, name, variant, kernel, tmp_path):
    model, tokens = family_model(name)
    expected = score(model, tokens, FAMILY_CONTEXT, tmp_path, "--kernel", "scalar")
    logits = score(model, tokens, FAMILY_CONTEXT, tmp_path, "--kernel", kernel, variant=program(kernel, variant))
    assert logits == expected


@pytest.fixture(scope="session")
def model_of_every_type(tmp_path_factory):
    """Four bits beside int8, in one stack of matrices as well."""
    path = tmp_path_factory.mktemp("types") / "types.gguf"
    write_every_type(path, GgufFile(model_file("DEFAULT.GGUF").read_bytes()))
    return path


@pytest.mark.parametrize("kernel", names())
@pytest.mark.parametrize("variant", VARIANTS)
def test_same_logits_of_every_type(model_of_every_type, variant, kernel, tmp_path, tmp_path_factory):
    model, variant = model_of_every_type, program(kernel, variant)
    logits = score(model, token_file(), CONTEXT, tmp_path, "--kernel", kernel, variant=variant)
    assert logits == scalar_logits(model, tmp_path_factory.getbasetemp())


@pytest.mark.parametrize("kernel", names())
@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("name", MODELS)
def test_same_stories(name, variant, kernel):
    """Tells the story at power-on, and one that uses every setting of the sampler."""
    model, variant = model_file(name), program(kernel, variant)
    settings = ["--prompt", "The dog", "--temperature", 1.3, "--top-p", 0.95, "--top-k", 60, "--min-p", 0.01,
                "--repeat-penalty", 1.1, "--seed", 7, "--steps", 300]
    assert tell(model, "--kernel", kernel, variant=variant) == tell(model, "--kernel", "scalar")
    assert tell(model, "--kernel", kernel, *settings, variant=variant) == tell(model, "--kernel", "scalar", *settings)


def test_f32_file_is_quantized_as_the_converter_does(tmp_path):
    """Quantizing while loading, from rows of 172; the converter's file has them padded to 192."""
    converted, original = (model_file(name) for name in ("STORIES260K.GGUF", "stories260k-f32.gguf"))
    assert converted.stat().st_size < original.stat().st_size / 3
    assert score(original, token_file(), CONTEXT, tmp_path) == scalar_logits(converted, tmp_path)


def test_list_of_kernels():
    """The program detects the same processor features as Linux."""
    lines = [f"{name}\t{'no' if missing_features(name) else 'yes'}\n" for name in names()]
    assert run("--kernels") == (0, "".join(lines), "")


def test_kernel_that_the_processor_lacks():
    """A 486 runs only the scalar kernel, and chooses it."""
    machine = {"variant": any_cpu("host"), "environment": {"TEST_CPU": "486"}}
    for name in names()[1:]:
        status, output, errors = run("any.gguf", "--kernel", name, **machine)
        assert (status, output) == (1, "") and f"cannot run the kernel {name}" in errors
    status, output, errors = run(model_file("DEFAULT.GGUF"), **machine)
    assert (status, output) == (0, tell(model_file("DEFAULT.GGUF")) + "\n") and errors.endswith("scalar]\n")
