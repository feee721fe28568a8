"""A model whose matrices are large enough to be shared out among processors, and which says printable text alone."""
import subprocess

from llama2c_model import Shape, pieces, random_model, tokenizer
from places import built

CONTEXT = 256
WORDS = [f" {consonant}{vowel}" for consonant in "abcdefghijklmn" for vowel in "aeiou"]


def write(folder):
    """Writes the model into a folder; returns its path. Its weights are random, so it writes nonsense; the pieces that
    every vocabulary has, control characters among them, get the logit 0, which is never the highest of so many."""
    shape = Shape(dim=256, hidden=768, layers=3, heads=8, kv_heads=4, context=CONTEXT, tied=False)
    shape.vocabulary = len(pieces()) + len(WORDS)
    model = random_model(shape)
    for i in range(len(pieces()) * shape.dim):
        model.tensors["output.weight"][i] = 0.0
    (folder / "wide.bin").write_bytes(model.checkpoint())
    (folder / "words.bin").write_bytes(tokenizer(pieces() + WORDS))
    subprocess.run([built("host/llama2c-to-gguf"), folder / "wide.bin", folder / "words.bin", folder / "WIDE.GGUF"],
                   check=True, capture_output=True, timeout=60)
    return folder / "WIDE.GGUF"
