"""A model that thinks: another one, two of whose pieces are the marks around it."""
import subprocess

from gguf_file import GgufFile
from gguf_writer import header
from places import built

BEGIN, END = 3, 9  # the tokens of the greedy story that become <think> and </think>


def thinking_model(model, path):
    """Writes a copy of the file `model` to `path`; returns it."""
    command = [built("host/bootllama"), model, "--steps", "12", "--temperature", "0", "--ids"]
    ids = [int(number) for number in subprocess.run(command, capture_output=True, check=True).stdout.split()]
    data = model.read_bytes()
    file = GgufFile(data)
    pieces = list(file.metadata["tokenizer.ggml.tokens"])
    pieces[ids[BEGIN]], pieces[ids[END]] = "<think>", "</think>"
    start, size = header(file.metadata | {"tokenizer.ggml.tokens": pieces},
                         {name: (tensor.dimensions, tensor.type) for name, tensor in file.tensors.items()})
    path.write_bytes(start + data[-size:])
    return path
