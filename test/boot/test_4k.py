"""Disks whose sectors have 4,096 bytes: the image for them, UEFI that starts from them, and what a BIOS says."""
import re
import struct
import subprocess

import pytest

from linux_loaders import direct, settings
from machine import NothingToBoot
from option_rom import assembled, option_rom, takes_int_13h
from places import BUILD, ROOT
from stories import IMAGE, MODEL, expected
from volume import ENVIRONMENT, Volume, models, run

LARGE, SECTOR = BUILD / "bootllama-4k.img", 4096
PARTITION_LBA = 256
MIB = 1 << 20
BOOT = BUILD / "bios/boot_4k.bin"
SHORT = {"temperature": 0, "steps": 40}


@pytest.fixture
def disk(tmp_path):
    """A copy of the build's image that tells a short story at once."""
    run("cp", "--sparse=always", LARGE, tmp_path / "disk.img")
    volume = Volume(tmp_path / "disk.img")
    volume.configure(**SHORT)
    yield volume.path
    volume.path.unlink()


def make_image(path, *options, out_of=4096):
    arguments = (BUILD / "image/4k-arguments").read_text().split("\n")[:-1]
    arguments[arguments.index("--sector") + 1] = out_of
    words = [ROOT / "image/make-image.sh", "--out", path, *options, *arguments]
    return subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=120, cwd=ROOT,
                          env=ENVIRONMENT)


# ---- The layout ----

def read(at, size):
    with open(LARGE, "rb") as file:
        file.seek(at)
        return file.read(size)


def test_partition():
    """Counted in sectors of 4,096 bytes; the gap is empty."""
    first, blocks = read(0, MIB), LARGE.stat().st_size // SECTOR
    assert first[:440] == BOOT.read_bytes()[:440] and first[440:444] == b"BLLM" and first[512:] == bytes(MIB - 512)
    assert (first[446], first[450], first[462:512]) == (0x80, 0x0C, bytes(48) + b"\x55\xaa")
    assert struct.unpack_from("<II", first, 454) == (PARTITION_LBA, blocks - PARTITION_LBA)


def test_volume():
    """FAT32, whose own sectors have 4,096 bytes, too, with as many clusters as firmware wants."""
    boot = read(MIB, 512)
    size, cluster, reserved, fats = struct.unpack_from("<HBHB", boot, 11)
    hidden, sectors, fat = struct.unpack_from("<III", boot, 28)
    assert (size, cluster, fats, hidden) == (SECTOR, 1, 2, PARTITION_LBA)
    assert 65525 <= sectors - reserved - fats * fat and sectors <= LARGE.stat().st_size // SECTOR - PARTITION_LBA
    volume, image = Volume(LARGE), Volume(BUILD / "bootllama.img")
    volume.check()
    names = volume.mtools("mdir", "-/", "-b", "::").decode().split("\n")
    assert names == image.mtools("mdir", "-/", "-b", "::").decode().split("\n")
    for name in filter(None, names):
        assert name.endswith("/") or volume.file(name[2:]) == image.file(name[2:])
    assert volume.file(f"/MODELS/{MODEL.name.upper()}") == models()[0].read_bytes()


def test_same_bytes_again(tmp_path):
    assert make_image(tmp_path / "disk.img").returncode == 0
    run("cmp", tmp_path / "disk.img", LARGE)


def test_refusals(tmp_path):
    path = tmp_path / "disk.img"
    assert "259 MiB is too small: the volume needs 260" in make_image(path, "--mib", 259).stderr
    assert "no image for sectors of 1024 bytes" in make_image(path, out_of=1024).stderr
    assert "no image for sectors of 4096 bytes" in make_image(path, "--cd", BUILD / "bios/boot_cd.bin").stderr


# ---- UEFI ----

@pytest.mark.parametrize("firmware, medium", [
    ("uefi", "4k-virtio"), ("uefi", "4k-nvme"), ("uefi", "4k-usb"), ("uefi", "4k-scsi"),
    ("uefi32", "4k-virtio"), ("uefi32", "4k-usb")])
def test_story(boot, disk, firmware, medium):
    with boot(disk, firmware, medium=medium) as machine:
        machine.start()
        machine.tells(expected(**SHORT))


@pytest.mark.parametrize("image, medium", [(IMAGE, "4k-virtio"), (LARGE, "virtio")])
def test_the_other_image(boot, image, medium):
    """Neither serves both kinds of disk: the table's numbers mean other places."""
    with boot(image, "uefi", medium=medium) as machine, pytest.raises(NothingToBoot):
        machine.start()


# ---- BIOS ----

def test_bios_starts_it(boot, disk):
    with boot(disk, medium="ide") as machine:
        line = "bootllama: this image needs UEFI and sectors of 4096 bytes, press a key"
        machine.wait_for_screen(line)
        assert machine.text() == ""
        machine.press("ret")
        machine.wait_for_screen(re.compile(f"{line} ?Booting.*{line}"))


def test_second_disk(boot, disk):
    """One that the BIOS leaves out."""
    options = ["-drive", f"if=none,id=large,format=raw,snapshot=on,file={disk}", "-device",
               "virtio-blk-pci,drive=large,logical_block_size=4096,physical_block_size=4096"]
    with boot(IMAGE, options=options) as machine:
        machine.start()
        machine.tells(expected())


LARGE_SECTORS = takes_int_13h("""
        cmp ah, 48h
        jne .pass
        int 60h
        mov word [si + 24], 4096
        retf 2
.pass:  int 60h
        retf 2
""")


def test_disk_of_the_bios(boot, disk, tmp_path):
    """bootllama.krn looks for models on disk 80h, which such a BIOS has: nothing of it is read."""
    options = [*option_rom(tmp_path / "rom", assembled(tmp_path, LARGE_SECTORS)), *direct(words=settings(**SHORT)),
               "-drive", f"if=ide,format=raw,snapshot=on,file={disk}"]
    with boot(None, options=options) as machine:
        machine.start()
        said = " ".join(machine.wait_for(re.compile(r"\n> $"), error_allowed=True).split())
        assert "Error: /MODELS cannot be listed: drive 80h has sectors of 4096 bytes: only UEFI reads it" in said
