"""The same bits for any number of processors, more than the machine has among them."""
import struct

import pytest

import wide_model
from host import run, score, tell, token_ids

PROCESSORS = [2, 3, 4, 7]
CONTEXT, SEQUENCES = 96, 2


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return wide_model.write(tmp_path_factory.mktemp("wide"))


def usable_kernels():
    status, output, _ = run("--kernels")
    assert status == 0
    return [name for name, usable in map(str.split, output.splitlines()) if usable == "yes"]


@pytest.mark.parametrize("number", PROCESSORS)
def test_logits(model, tmp_path, number):
    tokens = tmp_path / "tokens.i32"
    count = CONTEXT * SEQUENCES
    tokens.write_bytes(struct.pack(f"<{count}i", *(3 + i * 7919 % 300 for i in range(count))))
    for kernel in usable_kernels():
        one, many = (score(model, tokens, CONTEXT, tmp_path, "--kernel", kernel, "--processors", processors)
                     for processors in (1, number))
        assert one == many


@pytest.mark.parametrize("variant", ["host", "host32-x87", "host32-sse2"])
@pytest.mark.parametrize("number", PROCESSORS)
def test_text(model, number, variant):
    """With a prompt of several blocks."""
    options = ["--prompt", "aa be ci do fu " * 3, "--temperature", 0, "--steps", 150]
    assert tell(model, *options, "--processors", number, variant=variant) == tell(model, *options, "--processors", 1)


def test_as_many_as_pay(model):
    options = ["--prompt", "aa be", "--seed", 7, "--steps", 100]
    assert token_ids(model, *options) == token_ids(model, *options, "--processors", 1)
