"""Started from the network by iPXE, which QEMU's network cards have as their ROM: the scripts of docs/network.md."""
import re
import shutil
from pathlib import Path

import pytest

from linux_loaders import KERNEL
from places import ROOT, built
from stories import GREEDY, IMAGE, MODEL, expected
from volume import models

SERVER = Path(__file__).parent / "http_files.py"
SCRIPTS = re.findall(r"(?:^    [^\n]*\n)+", (ROOT / "docs/network.md").read_text(), re.MULTILINE)
FILES_SCRIPT, IMAGE_SCRIPT = (re.sub("^    ", "", script, flags=re.MULTILINE) for script in SCRIPTS)
NAMES = {"bios": "/INITRD.GGUF", "uefi": "/model.gguf"}


@pytest.fixture
def network(tmp_path):
    """Options for a PC on the network of docs/network.md: DHCP and TFTP name a script, HTTP has the folder's files."""
    folder = tmp_path / "served"
    folder.mkdir()
    for file in KERNEL, built("uefi/BOOTX64.EFI"):
        shutil.copy(file, folder)
    shutil.copy(MODEL, folder / "model.gguf")

    def options(script):
        (folder / "boot.ipxe").write_text(script)
        return ["-netdev", f"user,id=net,net=192.168.1.0/24,host=192.168.1.1,tftp={folder},bootfile=boot.ipxe,"
                f"guestfwd=tcp:192.168.1.2:80-cmd:/usr/bin/python3 {SERVER} {folder}",
                "-device", "e1000,netdev=net,bootindex=0"]
    options.folder = folder
    return options


def with_words(words):
    """The first script with other settings."""
    script = re.sub('prompt="The dog" steps=200', words, FILES_SCRIPT)
    assert script != FILES_SCRIPT
    return script


@pytest.mark.parametrize("firmware", ["bios", "uefi"])
def test_files(boot, network, firmware):
    with boot(None, firmware, options=network(FILES_SCRIPT)) as machine:
        machine.start()
        machine.wait_for(f" MiB free\nLoading {NAMES[firmware]}: ")
        machine.tells(expected("The dog", steps=200))


@pytest.mark.parametrize("firmware", ["bios", "uefi"])
def test_image(boot, network, firmware):
    shutil.copy(IMAGE, network.folder / "bootllama.img")
    with boot(None, firmware, options=network(IMAGE_SCRIPT)) as machine:
        machine.start()
        machine.tells(expected())


def test_several_models_on_bios(boot, network):
    """The second one with a name, before which iPXE puts a cpio header."""
    shutil.copy(models()[-1], network.folder / "second.gguf")
    script = with_words("model=initrd2 countdown=0 steps=100 temperature=0").replace(
        "\nboot", "\ninitrd http://192.168.1.2/second.gguf second.gguf\nboot")
    with boot(None, options=network(script)) as machine:
        machine.start()
        machine.wait_for(" MiB free\nLoading /INITRD2.GGUF: ")
        machine.tells(expected(model=models()[-1], **GREEDY))


def test_several_files_on_uefi(boot, network):
    """Two models and settings, which the command line's words come after."""
    shutil.copy(models()[-1], network.folder / "second.gguf")
    (network.folder / "BOOTLLAM.CFG").write_text("prompt = The cat\nsteps = 5\ntemperature = 0\nmodel = second\n")
    more = "".join(f"\ninitrd http://192.168.1.2/{name}" for name in ("second.gguf", "BOOTLLAM.CFG"))
    script = with_words("steps=100 countdown=0").replace("\nboot", more + "\nboot")
    with boot(None, "uefi", options=network(script)) as machine:
        machine.start()
        machine.wait_for(" MiB free\nLoading /second.gguf: ")
        machine.tells(expected("The cat", model=models()[-1], **GREEDY))
        machine.enter("/models")
        rows = re.findall(r"^ +\d+ +(\S+)", machine.wait_for(re.compile("\n> $")), re.MULTILINE)
        assert rows == ["/model.gguf", "/second.gguf"]
