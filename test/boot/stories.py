"""The expected output of a machine, from the host program with the same model file and settings."""
import atexit
import re
import shutil
import tempfile
from pathlib import Path

from host import run, tell, token_ids
from places import BUILD
from volume import Volume, models

SHIPPED_IMAGE = BUILD / "bootllama.img"
MODEL = models()[0] if (BUILD / "image/arguments").exists() else None  # boots
DEFAULT_SEED = 487  # of the story at power-on; each story told counts it up by one



def make_quick_image():
    """The image as it is built, but for a story that begins at once."""
    folder = Path(tempfile.mkdtemp(prefix="bootllama-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    volume = Volume.copy_of_image(folder / "bootllama.img")
    shipped = volume.file("/BOOTLLAM.CFG").decode()
    volume.put(shipped.replace("#countdown = 3", "countdown = 0").encode(), "/BOOTLLAM.CFG")
    assert b"\ncountdown = 0" in volume.file("/BOOTLLAM.CFG")
    return volume.path


IMAGE = make_quick_image() if SHIPPED_IMAGE.exists() else SHIPPED_IMAGE

# The greedy text of a few prompts; short, for the sake of emulated 486s.
GREEDY = {"temperature": 0, "steps": 100}


def expected(prompt="", model=None, **settings):
    """The story after `prompt` under settings by their names in BOOTLLAM.CFG."""
    options = [word for key, value in settings.items() for word in ("--" + key.replace("_", "-"), value)]
    return tell(model or MODEL, "--prompt", prompt, *options)


def refusal(model, path):
    """The message about a bad model file at `path` on the boot volume."""
    status, output, errors = run(model)
    assert (status, output) == (1, "")
    message = re.fullmatch(r"bootllama: (.*)\n", errors)[1]
    assert str(model) in message
    return message.replace(str(model), path)


def long_settings(tokens=300):
    """Settings that make a story of `tokens` tokens of the model that boots; the hotter, the longer they become."""
    for temperature in (0.8, 1, 1.5, 2, 3):
        for seed in range(1, 50):
            options = ["--temperature", temperature, "--seed", seed, "--steps", tokens]
            if len(token_ids(MODEL, *options)) == tokens:
                return {"temperature": temperature, "seed": seed, "steps": tokens}
    raise AssertionError(f"no seed gives a story of {tokens} tokens")
