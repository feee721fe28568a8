"""The same bits for any number of processors, more than the machine has among them."""
import struct

import pytest

import wide_model
from host import score, tell, token_ids
from kernels import VARIANTS, names, program

PROCESSORS = [2, 3, 4, 7]
CONTEXT, SEQUENCES = 96, 2


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return wide_model.write(tmp_path_factory.mktemp("wide"))


@pytest.mark.parametrize("kernel", names())
@pytest.mark.parametrize("number", PROCESSORS)
def test_logits(model, tmp_path, number, kernel):
    tokens = tmp_path / "tokens.i32"
    count = CONTEXT * SEQUENCES
    tokens.write_bytes(struct.pack(f"<{count}i", *(3 + i * 7919 % 300 for i in range(count))))
    one, many = (score(model, tokens, CONTEXT, tmp_path, "--kernel", kernel, "--processors", processors,
                       variant=program(kernel)) for processors in (1, number))
    assert one == many


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("number", PROCESSORS)
def test_text(model, number, variant):
    """The prompt is several blocks long."""
    options = ["--prompt", "aa be ci do fu " * 3, "--temperature", 0, "--steps", 150]
    assert tell(model, *options, "--processors", number, variant=variant) == tell(model, *options, "--processors", 1)


def test_as_many_as_pay(model):
    options = ["--prompt", "aa be", "--seed", 7, "--steps", 100]
    assert token_ids(model, *options) == token_ids(model, *options, "--processors", 1)
