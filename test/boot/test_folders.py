"""Models in folders of MODELS and in the root, with names of every script, as the serial port shows them."""
import re

import pytest

from gguf_file import GgufFile
from gguf_writer import write_split
from stories import MODEL, expected
from test_dialogue import QUIET, begin, say, told

FIRMWARES = ["bios", "uefi"]
BEAR = "\U0001F43B bär 株式.gguf"
SIZE = f"{(MODEL.stat().st_size + 1023) // 1024} KiB" if MODEL else ""
LEAVINGS = ["/MODELS/._A.GGUF", "/MODELS/B.gguf.part", "/MODELS/C.gguf.crdownload", "/MODELS/.Trashes/T.GGUF",
            "/MODELS/.Spotlight-V100/S.GGUF", "/MODELS/System Volume Information/S.GGUF",
            "/MODELS/$RECYCLE.BIN/$R1.GGUF", "/._root.gguf"]


def columns(name):
    return sum(2 if character in "\U0001F43B株式" else 1 for character in name)


def shown(name, firmware):
    """OVMF's console on a serial port has ASCII alone: a question mark for each column of anything else."""
    if firmware == "bios":
        return name
    return "".join(character if character.isascii() else "?" * columns(character) for character in name)


def row(number, name, verdict, firmware):
    """A line of /models."""
    return f"{number:2}  {shown(name, firmware)}{' ' * (36 - columns(name))} {SIZE:>9}  Q8_0    {verdict}"


@pytest.fixture
def folders(volume):
    volume.configure(model=BEAR.removesuffix(".gguf"), **QUIET)
    volume.mtools("mdel", "::/MODELS/*")
    folders = sorted({name.rpartition("/")[0] for name in LEAVINGS} - {"", "/MODELS"})
    volume.mtools("mmd", "::/MODELS/llama", "::/MODELS/llama/3", *("::" + name for name in folders))
    for name in LEAVINGS:
        volume.put(b"GGUF", name)
    for name in "/MODELS/A.GGUF", "/MODELS/llama/A.GGUF", f"/MODELS/llama/{BEAR}", "/MODELS/llama/3/x y.gguf":
        volume.put(MODEL, name)
    volume.put(MODEL, "/root model.gguf")
    volume.check()
    return volume


def loading(path, firmware="bios"):
    """On the narrower screen of a BIOS the bar of a long path is below it."""
    below = "\n" if firmware == "bios" and columns(path) > 26 else ""
    return f"Loading {shown(path, firmware)}:{below}<any>100 %<any>\nKernel: <any>\nModel: <any>\nSize: <any>"


@pytest.mark.parametrize("firmware", FIRMWARES)
def test_models_in_folders(boot, folders, firmware):
    """The configured one is loaded, all are listed, and each is loaded by a name of its own."""
    names = ["A.GGUF", "llama/A.GGUF", f"llama/{BEAR}", "llama/3/x y.gguf", "/root model.gguf"]
    listed = [row(number + 1, name, "loaded" if BEAR in name else "fits", firmware)
              for number, name in enumerate(names)]
    with boot(folders.path, firmware) as machine:
        machine.start()
        said = machine.wait_for(re.compile(r"\n> $"))
        assert f"Loading {shown(f'/MODELS/llama/{BEAR}', firmware)}:" in said
        say(machine, "/models", "\n".join(listed))
        say(machine, "/model llama/a", loading("/MODELS/llama/A.GGUF"))
        say(machine, "/model A.GGUF", loading("/MODELS/A.GGUF"))
        say(machine, "/model x y", loading("/MODELS/llama/3/x y.gguf"))
        say(machine, "/model /root model", loading("/root model.gguf"))
        say(machine, "/model 3", loading(f"/MODELS/llama/{BEAR}", firmware))
        say(machine, "The dog", told("The dog"))
        machine.type("/model llama/3/\t")
        machine.wait_for("/model llama/3/x y.gguf")
        machine.type("\r")
        machine.wait_for(re.compile(r"\n> $"))


def test_emoji_are_typed_and_completed_on_bios(boot, folders):
    """By UEFI's own console on the serial port, no key beyond the Basic Multilingual Plane can come."""
    with boot(folders.path, "bios") as machine:
        begin(machine)
        say(machine, "/model A.GGUF", loading("/MODELS/A.GGUF"))
        say(machine, f"/model {BEAR}", loading(f"/MODELS/llama/{BEAR}"))
        say(machine, "/model A.GGUF", loading("/MODELS/A.GGUF"))
        machine.type("/model llama/\U0001F43B\t")
        machine.wait_for(f"/model llama/{BEAR}")
        machine.type("\r")
        machine.wait_for(f"Loading /MODELS/llama/{BEAR}:")
        machine.wait_for(re.compile(r"\n> $"))


@pytest.mark.parametrize("firmware", FIRMWARES)
def test_the_root_alone(boot, volume, firmware):
    """A model in the root tells its story at power-on, without a folder MODELS."""
    volume.mtools("mdeltree", "::/MODELS")
    volume.put(MODEL, "/株 root.gguf")
    with boot(volume.path, firmware) as machine:
        machine.start()
        machine.wait_for(f"Loading {shown('/株 root.gguf', firmware)}:")
        machine.tells(expected())


@pytest.mark.parametrize("firmware", FIRMWARES)
def test_a_split_model(boot, volume, tmp_path, firmware):
    """One model in three files; without one of them, a line says which."""
    model = GgufFile(MODEL.read_bytes())
    count = len(model.tensors)
    volume.configure(**QUIET)
    volume.mtools("mdel", "::/MODELS/*")
    volume.mtools("mmd", "::/MODELS/split")
    for path in write_split(tmp_path, "My model", model, [count // 3, 1, count - count // 3 - 1]):
        volume.put(path, f"/MODELS/split/{path.name}")
    first, second = (f"/MODELS/split/My model-0000{number}-of-00003.gguf" for number in (1, 2))
    with boot(volume.path, firmware) as machine:
        machine.start()
        assert f"Loading {first}:" in machine.wait_for(re.compile(r"\n> $"))
        say(machine, "The dog", told("The dog"))
        say(machine, "/models", " 1  split/My model-00001-of-00003.gguf     <size>  Q8_0    loaded")
        say(machine, "/model my model", loading(first, firmware))
    volume.delete(second)
    with boot(volume.path, firmware) as machine:
        machine.start()
        said = " ".join(machine.wait_for(re.compile(r"\n> $"), error_allowed=True).split())
        assert said.endswith(f"Error: {second}: part 2 of 3 is missing; copy it there as well >"), said
