"""One text everywhere: every kernel and every build computes the same bits."""
import functools
import random
import struct

import pytest

from host import MODELS, kernels, missing_features, model_file, run, score, tell
from places import BUILD

VARIANTS = ["host", "host32-x87", "host32-sse2"]  # 64-bit, 32-bit x87 at 24-bit precision, 32-bit SSE2
SEQUENCES, CONTEXT = 2, 512  # attention goes by chunks from 257 positions on


@functools.cache
def token_file():
    """Ids without sense: they take the model where no text leads."""
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


@pytest.fixture(params=kernels())
def kernel(request):
    missing = missing_features(request.param)
    if missing:
        pytest.skip(f"this processor lacks {', '.join(missing)}")
    return request.param


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("name", MODELS)
def test_same_logits(name, variant, kernel, tmp_path, tmp_path_factory):
    model = model_file(name)
    logits = score(model, token_file(), CONTEXT, tmp_path, "--kernel", kernel, variant=variant)
    assert logits == scalar_logits(model, tmp_path_factory.getbasetemp())


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("name", MODELS)
def test_same_stories(name, variant, kernel):
    """The story at power-on, and one that uses every setting of the sampler."""
    model = model_file(name)
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
    """What the program finds in the processor is what Linux shows of it."""
    lines = [f"{name}\t{'no' if missing_features(name) else 'yes'}\n" for name in kernels()]
    assert run("--kernels") == (0, "".join(lines), "")


def test_kernel_that_the_processor_lacks():
    missing = [name for name in kernels() if missing_features(name)]
    if not missing:
        pytest.skip("this processor has every kernel")
    status, output, errors = run("any.gguf", "--kernel", missing[-1])
    assert (status, output) == (1, "") and f"cannot run the kernel {missing[-1]}" in errors
