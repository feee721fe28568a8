"""What a machine must say, from the host program with the same model file and settings."""
import re

from host import run, tell, token_ids
from places import BUILD
from volume import models

IMAGE = BUILD / "bootllama.img"
MODEL = models()[0] if (BUILD / "image/arguments").exists() else None  # boots
DEFAULT_SEED = 192  # of the story at power-on; each story told counts it up by one

# The greedy text of a few prompts; short, for the sake of emulated 486s.
GREEDY = {"temperature": 0, "steps": 100}


def expected(prompt="", model=None, **settings):
    """The story after `prompt` under settings by their names in BOOTLLAM.CFG."""
    options = [word for key, value in settings.items() for word in ("--" + key.replace("_", "-"), value)]
    return tell(model or MODEL, "--prompt", prompt, *options)


def refusal(model, path):
    """What is said about a model file that is at fault, when it lies at `path` on the boot volume."""
    status, output, errors = run(model)
    assert (status, output) == (1, "")
    message = re.fullmatch(r"bootllama: (.*)\n", errors)[1]
    assert str(model) in message
    return message.replace(str(model), path)


def long_settings():
    """Settings that make a story of 300 tokens of the model that boots."""
    for seed in range(1, 200):
        settings = {"steps": 300, "seed": seed, "temperature": 0.8}
        if len(token_ids(MODEL, "--steps", 300, "--seed", seed)) == 300:
            return settings
    raise AssertionError("no seed gives a story of 300 tokens")
