"""Disks as people have them on a BIOS: slow, scattered, pulled out, partitioned otherwise, behind other drives."""
import re
import time

import pytest

from gguf_file import GgufFile
from gguf_writer import write_wide
from machine import ERROR
from stories import MODEL, expected
from volume import Volume

PROMPT = re.compile(r"\n> $")


def answer(machine, typed, seconds):
    """What a command says, as one line, and how many seconds it takes."""
    start = time.monotonic()
    machine.type(typed + "\r")
    said = machine.wait_for(PROMPT, seconds, error_allowed=True)
    return " ".join(said.removeprefix(typed).removesuffix("> ").split()), time.monotonic() - start


# ---- Files in pieces ----

@pytest.fixture(scope="module")
def scattered_volume(tmp_path_factory):
    """A model of 50 MB, each of its clusters of 512 bytes somewhere else."""
    folder = tmp_path_factory.mktemp("scattered")
    write_wide(folder / "WIDE.GGUF", GgufFile(MODEL.read_bytes()), 49152)
    volume = Volume.of_size(folder / "disk.img", 128, MODEL, folder / "WIDE.GGUF")
    assert volume.cluster_sectors == 1 and len(volume.chain("/MODELS/WIDE.GGUF")) > 95000
    volume.scatter("/MODELS/WIDE.GGUF")
    volume.check()
    volume.configure(autostart="off")
    yield volume
    volume.path.unlink()


@pytest.mark.parametrize("medium", ["ahci", "usb-xhci"])
def test_scattered_file(boot, scattered_volume, medium):
    """Progress shows at once; Ctrl-C is heard while it loads, and the model before comes back; listing is quick."""
    with boot(scattered_volume.path, medium=medium, memory=256) as machine:
        machine.start()
        machine.wait_for(PROMPT)
        start = time.monotonic()
        machine.type("/model wide\r")
        machine.wait_for(re.compile("[1-9] %"), 20)
        progress = time.monotonic() - start
        start = time.monotonic()
        machine.type("\x03")
        said = machine.wait_for(PROMPT, 20, error_allowed=True)
        stopped = time.monotonic() - start
        assert "Error: /MODELS/WIDE.GGUF: loading was stopped" in said and "Loading /MODELS/S" in said
        said, listed = answer(machine, "/models", 20)
        assert "fits" in said and "Error" not in said
        print(f"{medium}: progress after {progress:.1f} s, stopped after {stopped:.1f} s, listed in {listed:.1f} s")
        machine.enter("")
        machine.tells(expected())


# ---- A stick that is pulled out ----

def test_stick_pulled_out(boot, volume):
    """SeaBIOS takes five seconds for each call: one line after the first, and what is in memory goes on telling."""
    volume.configure(autostart="off")
    with boot(volume.path, medium="card-reader", memory=256) as machine:
        machine.start()
        machine.wait_for(PROMPT)
        machine.ask("device_del", id="stick")
        time.sleep(1)
        for typed in ("/model default", "/model default", "/models"):
            said, seconds = answer(machine, typed, 60)
            print(f"{typed}: {said} after {seconds:.1f} s")
            assert re.fullmatch(r"Error: /MODELS\b.*: the drive does not answer, INT 13h status [0-9a-f]{2}h at LBA \d+",
                                said)
            assert seconds < 20
        machine.enter("")
        machine.tells(expected())


def test_stick_put_back(boot, volume):
    """Reading works again with the next command, also from another stick."""
    volume.configure(autostart="off")
    with boot(volume.path, medium="card-reader", memory=256) as machine:
        machine.start()
        machine.wait_for(PROMPT)
        machine.ask("eject", device="disk", force=True)
        said, seconds = answer(machine, "/model default", 60)
        assert re.fullmatch(r"Error: /MODELS\b.*INT 13h status [0-9a-f]{2}h at LBA \d+", said) and seconds < 20
        machine.ask("blockdev-change-medium", device="disk", filename=str(volume.path), format="raw")
        machine.type("/model default\r")
        machine.wait_for("Model: bootllama default")
