"""bootllama --explain: what it says of a model is what the model computes."""
import json
import math
import re
import struct

import pytest

from host import MODELS, model_file, run, score, token_ids
from kernels import VARIANTS, names, program

TEXT = "Once upon a time, there was a little girl named"
SHADES = " .:-=+*#%@"


def explained(model, *options, variant="host"):
    status, output, errors = run(model, "--explain", TEXT, *options, variant=variant)
    assert (status, errors) == (0, "")
    return output


@pytest.fixture(params=MODELS)
def model(request):
    return model_file(request.param)


@pytest.fixture
def trip(model):
    return json.loads(explained(model, "--json"))


def test_tokens_and_likeliest(model, trip, tmp_path):
    """The five largest of the logits that teacher forcing gives for these tokens."""
    ids = token_ids(model, "--prompt", TEXT, "--steps", len(trip["tokens"]))
    assert [token["id"] for token in trip["tokens"]] == ids
    (tmp_path / "tokens.i32").write_bytes(struct.pack(f"<{len(ids)}i", *ids))
    bytes_ = score(model, tmp_path / "tokens.i32", len(ids), tmp_path)
    logits = struct.unpack(f"<{len(bytes_) // 4}f", bytes_)[-len(bytes_) // 4 // len(ids):]
    best = sorted(range(len(logits)), key=lambda id_: (-logits[id_], id_))[:5]
    assert [token["id"] for token in trip["likeliest"]] == best
    total = sum(math.exp(logit - logits[best[0]]) for logit in logits)
    for token in trip["likeliest"]:
        assert struct.pack("<f", token["logit"]) == struct.pack("<f", logits[token["id"]])  # nine digits are enough
        assert token["probability"] == pytest.approx(math.exp(token["logit"] - logits[best[0]]) / total, rel=1e-5)


def test_attention(trip):
    """Scores are the queries' products with keys; weights are their softmax."""
    count = len(trip["tokens"])
    for layer in trip["layers"]:
        assert len(layer["q"]) == len(layer["score"]) == len(layer["weight"])
        for scores, weights in zip(layer["score"], layer["weight"]):
            assert len(scores) == len(weights) == count
            total = sum(map(math.exp, scores))
            assert weights == pytest.approx([math.exp(value) / total for value in scores], rel=1e-4, abs=1e-7)


@pytest.mark.parametrize("kernel", names())
def test_every_kernel_and_build_explains_alike(model, trip, kernel):
    """To the bit where the model's own numbers are shown; what is computed from them is as exact as the build."""
    for variant in VARIANTS:
        other = json.loads(explained(model, "--json", "--kernel", kernel, variant=program(kernel, variant)))
        assert [layer["q"] for layer in other["layers"]] == [layer["q"] for layer in trip["layers"]]
        assert [token["logit"] for token in other["likeliest"]] == [token["logit"] for token in trip["likeliest"]]
        for key in "score", "weight":
            for got, expected in zip(other["layers"], trip["layers"]):
                assert sum(got[key], []) == pytest.approx(sum(expected[key], []), rel=1e-4, abs=1e-6)


def test_text(model, trip):
    """The same numbers, rounded."""
    text = explained(model)
    tokens = re.findall(r'^ *(\d+) +(\d+)  (".*")$', text, re.MULTILINE)
    assert [(int(id_), json.loads(piece)) for _, id_, piece in tokens] == \
        [(token["id"], token["text"]) for token in trip["tokens"]]
    maps = re.findall(r"^  head (\d+) +\|(.*)\|$", text, re.MULTILINE)
    weights = [row for layer in trip["layers"] for row in layer["weight"]]
    assert len(maps) == len(weights)
    for (_, shown), row in zip(maps, weights):
        assert shown == "".join(SHADES[min(9, int(weight * 10 + 0.5))] for weight in row)
    norms = re.findall(r"^Layer \d+: root mean square (\S+) before attention, (\S+) before feed-forward$", text,
                       re.MULTILINE)
    assert norms == [(f"{layer['rms_attention']:.3f}", f"{layer['rms_feed_forward']:.3f}") for layer in trip["layers"]]
    shown = re.findall(r'^ *(\S+) % +(\S+) +(\d+)  (".*")$', text, re.MULTILINE)
    assert shown == [(f"{100 * token['probability']:.2f}", f"{token['logit']:.3f}", str(token["id"]),
                      json.dumps(token["text"], ensure_ascii=False)) for token in trip["likeliest"]]


def test_a_text_that_does_not_fit(model):
    status, output, errors = run(model, "--explain", "word " * 2000)
    assert (status, output) == (1, "")
    assert re.fullmatch(r"bootllama: the text is longer than the context of \d+ tokens\n", errors)
