"""The host program as functions. The boot tests take the text that a machine must show from here."""
import functools
import os
import subprocess
from pathlib import Path

from places import built, models, stories260k

SECONDS = 120  # of one run at most; it takes two
MODELS = models()


def model_file(name):
    """A model that the build makes."""
    path = f"models/{name}"
    return stories260k(path) if name.lower().startswith("stories260k") else built(path)


def start(model, *options, variant="host", **popen):
    """The process of a run, with its output in pipes."""
    command = [built(f"{variant}/bootllama"), model, *map(str, options)]
    return subprocess.Popen(command, **{"stdin": subprocess.DEVNULL, "stderr": subprocess.PIPE} | popen)


def run(model, *options, variant="host", environment=()):
    """Exit status, standard output and standard error of a run, both as text."""
    process = start(model, *options, variant=variant, stdout=subprocess.PIPE, env=os.environ | dict(environment))
    try:
        output, errors = process.communicate(timeout=SECONDS)
    finally:
        process.kill()
    return process.returncode, output.decode(), errors.decode()


@functools.cache
def tell(model, *options, variant="host"):
    """The story as the program prints it, without the line end that follows it."""
    status, output, errors = run(model, *options, variant=variant)
    assert status == 0, errors
    assert output.endswith("\n")
    return output[:-1]


def token_ids(model, *options, variant="host"):
    status, output, errors = run(model, "--ids", *options, variant=variant)
    assert status == 0, errors
    return [int(line) for line in output.splitlines()]


def score(model, tokens, context, folder, *options, variant="host"):
    """Bytes of the logits under teacher forcing: the file `tokens` in sequences of `context`."""
    logits = Path(folder) / "logits.f32"
    status, output, errors = run(model, "--score", tokens, "--context", context, "--logits", logits, *options,
                                 variant=variant)
    assert (status, output) == (0, ""), errors
    return logits.read_bytes()
