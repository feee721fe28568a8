"""Disks on a BIOS: slow, fragmented, unplugged, with other partitions, behind other drives."""
import re
import struct
import subprocess
import time

import pytest

from gguf_file import GgufFile
from gguf_writer import write_wide
from stories import IMAGE, MODEL, expected
from volume import PARTITION_ENTRY, PARTITION_LBA, SECTOR, Volume, run

PROMPT = re.compile(r"\n> $")
GPT_SECTORS = 33  # of the copy at the end of the disk
STATUS = r"INT 13h status [0-9a-f]{2}h at LBA \d+"


def answer(machine, typed, seconds):
    """What a command says, as one line, and how many seconds it takes."""
    start = machine.clock()
    machine.type(typed + "\r")
    said = machine.wait_for(PROMPT, seconds, error_allowed=True)
    return " ".join(said.removeprefix(typed).removesuffix("> ").split()), machine.clock() - start


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
        start = machine.clock()
        machine.type("/model wide\r")
        machine.wait_for(re.compile("[1-9] %"), 20)
        progress = machine.clock() - start
        start = machine.clock()
        machine.type("\x03")
        said = machine.wait_for(PROMPT, 20, error_allowed=True)
        stopped = machine.clock() - start
        assert "Error: /MODELS/WIDE.GGUF: loading was stopped" in said
        assert f"Loading /MODELS/{MODEL.name.upper()}" in said
        said, listed = answer(machine, "/models", 20)
        assert "fits" in said and "Error" not in said
        print(f"{medium}: progress after {progress:.1f} s, stopped after {stopped:.1f} s, listed in {listed:.1f} s")
        machine.enter("")
        machine.tells(expected())


# ---- A slow disk ----

def test_screen_while_a_slow_disk_is_read(boot):
    """The screen is updated once in a tick of the clock, but before a BIOS call, which may take its time, in full."""
    slow = {"device": "disk", "bps": 16384} | dict.fromkeys(("bps_rd", "bps_wr", "iops", "iops_rd", "iops_wr"), 0)
    name = MODEL.name.upper()
    with boot(IMAGE) as machine:
        machine.start()
        machine.tells(expected())
        machine.ask("block_set_io_throttle", **slow)
        machine.type("/model 1\r")
        machine.wait_for_screen("> /model 1", 3)  # while the header is read to see whether the model fits
        machine.wait_for(re.compile(rf"Loading /MODELS/{re.escape(name)}: \[\.{{20}}\] +0 %"))
        machine.wait_for_screen(re.compile(r"\.\] +0 %$"), 1)
        assert machine.rest() == ""  # it is still being read


# ---- A stick that is unplugged ----

def test_stick_pulled_out(boot, volume):
    """SeaBIOS takes five seconds for each call: one line after the first, and the model in memory keeps working."""
    volume.configure(autostart="off")
    with boot(volume.path, medium="card-reader", memory=256) as machine:
        machine.start()
        machine.wait_for(PROMPT)
        machine.ask("device_del", id="stick")
        time.sleep(1)
        for typed in ("/model default", "/model default", "/models"):
            said, seconds = answer(machine, typed, 60)
            print(f"{typed}: {said} after {seconds:.1f} s")
            assert re.fullmatch(rf"Error: /MODELS\b.*: the drive does not answer, {STATUS}", said)
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
        assert re.fullmatch(rf"Error: /MODELS\b.*{STATUS}", said) and seconds < 20
        machine.ask("blockdev-change-medium", device="disk", filename=str(volume.path), format="raw")
        machine.type("/model default\r")
        machine.wait_for("Model: bootllama default")


def test_stick_pulled_out_while_a_model_is_read(boot, scattered_volume):
    """The model before has been given back by then: what to do is told, and Enter loads it again."""
    with boot(scattered_volume.path, medium="card-reader", memory=256) as machine:
        machine.start()
        machine.wait_for(PROMPT)
        machine.type("/model wide\r")
        machine.wait_for(re.compile("[1-9] %"), 20)
        machine.ask("eject", device="disk", force=True)
        said = " ".join(machine.wait_for(PROMPT, 60, error_allowed=True).split())
        assert re.search(rf"Error: /MODELS/WIDE\.GGUF: cannot be read at byte \d+: {STATUS} Loading .*: {STATUS}"
                         r" No model is loaded now; Enter looks for one again\. >$", said), said
        machine.ask("blockdev-change-medium", device="disk", filename=str(scattered_volume.path), format="raw")
        machine.type("\r")
        machine.wait_for(f"Loading /MODELS/{MODEL.name.upper()}")
        machine.tells(expected())


# ---- Started by another boot sector ----

CHAIN_LOADER = """
        bits 16
        cpu 386
        org 0600h
        xor ax, ax
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov sp, 7C00h
        mov si, 7C00h
        mov di, 0600h
        mov cx, 256
        rep movsw
        jmp 0:there
there:  mov si, packet
        mov ah, 42h
        mov dl, DRIVE
        int 13h
        jnc start
        mov ax, 0201h               ; a floppy
        mov bx, 7C00h
        mov cx, 1
        mov dx, DRIVE
        int 13h
start:  mov dl, PASSED
        jmp 0:7C00h
packet: dw 16, 1, 7C00h, 0
        dq LBA
        times 510 - ($ - $$) db 0
        dw 0AA55h
"""


def chain_loader(folder, drive, lba, passed):
    """Boot code, as of a master boot record: starts sector `lba` of `drive` with DL = `passed`. 440 bytes."""
    source, binary = folder / "chain.asm", folder / "chain.bin"
    source.write_text(CHAIN_LOADER)
    names = [f"-DDRIVE={drive}", f"-DLBA={lba}", f"-DPASSED={passed}"]
    subprocess.run(["nasm", "-f", "bin", *names, "-o", binary, source], check=True)
    return binary.read_bytes()


def write_at(path, offset, data):
    with open(path, "r+b") as file:
        file.seek(offset)
        file.write(data)


def partitioned(path, loader, entries):
    """A disk with this boot code and partitions; entries: number -> (LBA, sectors); number 0 is active."""
    path.write_bytes(loader)
    for number, (lba, sectors) in entries.items():
        entry = struct.pack("<B3xB3xII", 0x80 if number == 0 else 0, 0x0C, lba, sectors)
        write_at(path, PARTITION_ENTRY + 16 * number, entry)
    return path


@pytest.mark.parametrize("number, lba", [(0, 63), (0, 2048), (3, 20 << 21)])  # the last one past what CHS reaches
def test_image_written_into_a_partition(boot, tmp_path, number, lba):
    """As by dd of=/dev/sdX1: all places count from the partition's start."""
    loader = chain_loader(tmp_path, 0x80, lba, 0x80)
    disk = partitioned(tmp_path / "disk.img", loader, {number: (lba, IMAGE.stat().st_size // SECTOR)})
    try:
        subprocess.run(["dd", f"if={IMAGE}", f"of={disk}", f"seek={lba}", "bs=512", "conv=notrunc,sparse"], check=True,
                       capture_output=True)
        with open(disk, "r+b") as file:
            file.truncate(lba * SECTOR + IMAGE.stat().st_size)
        with boot(disk) as machine:
            machine.start()
            machine.tells(expected())
    finally:
        disk.unlink()


@pytest.mark.parametrize("drive, passed", [(0x81, 0x80), (0x81, 0x00), (0x81, 0xFF), (0x00, 0x80)])
def test_drive_number_that_is_not_true(boot, tmp_path, drive, passed):
    """Another disk's boot sector starts ours and names a drive that is there, but not the one it was read from."""
    other = partitioned(tmp_path / "other.img", chain_loader(tmp_path, drive, 0, passed), {0: (2048, 2048)})
    write_at(other, 4096 * SECTOR - 1, b"\0")
    ours = ["-drive", f"id=ours,if=none,format=raw,snapshot=on,file={IMAGE}"]
    if drive == 0:
        floppy = Volume.of_type(tmp_path / "floppy.img", 12, 2880)
        floppy.put(MODEL, "/MODELS/M.GGUF")
        floppy.configure()
        ours = ["-drive", f"id=ours,if=none,format=raw,snapshot=on,file={floppy.path}"]
    device = "floppy,drive=ours,drive-type=288" if drive == 0 else "ide-hd,drive=ours,bus=ide.1"
    with boot(other, options=[*ours, "-device", device]) as machine:
        machine.start()
        machine.wait_for(f"drive {drive:02x}h")
        machine.tells(expected())


def test_disk_converted_to_gpt(boot, volume):
    """Its header overwrites stage 2: a letter of its own says so."""
    volume.write(1, b"EFI PART" + bytes(SECTOR - 8))
    with boot(volume.path) as machine:
        machine.wait_for_screen("bootllama: error G, press a key")


# ---- Formats of the partitions ----

@pytest.mark.parametrize("signature, name", [(b"EXFAT   ", "exFAT"), (b"NTFS    ", "NTFS"), (b"-FVE-FS-", "BitLocker")])
def test_other_file_system(boot, volume, signature, name):
    """Windows offers exFAT and NTFS first when a stick is formatted: named, with what to do."""
    sector = volume.read(PARTITION_LBA)
    volume.write(PARTITION_LBA, sector[:3] + signature + bytes(SECTOR - 13) + b"\x55\xaa")
    with boot(volume.path) as machine:
        machine.start()
        said = machine.wait_for(PROMPT, error_allowed=True)
        said = " ".join(said[said.index("Error: "):].split())
        assert said == (
            f"Error: /MODELS cannot be listed: the partition at LBA {PARTITION_LBA} holds {name}: "
            "format it as FAT32 or write the image again >")


TYPES = {"dos": ("c, bootable", "83"), "gpt": ("uefi", "linux")}  # of the two partitions, as sfdisk names them


@pytest.mark.parametrize("firmware, table", [("bios", "dos"), ("uefi", "dos"), ("uefi", "gpt")])
def test_models_of_another_partition(boot, tmp_path, firmware, table):
    """The first partition, which is active or an ESP, has settings and files that only look like models; the second
    one, Linux's by its type, has the model, and settings that do not count."""
    first, second = Volume.copy_of_image(tmp_path / "first.img"), Volume.copy_of_image(tmp_path / "second.img")
    first.delete("/MODELS/*")
    first.put(b"no model", "/MODELS/A.GGUF")
    first.put(MODEL.read_bytes(), "/MODELS/._M.GGUF")
    first.configure(seed=7)
    second.configure(seed=8, steps=3)
    ends = PARTITION_LBA + first.sectors, PARTITION_LBA + first.sectors + second.sectors
    first.write(ends[1], bytes(GPT_SECTORS * SECTOR))  # room for a GPT's copy
    first.write(ends[0], second.read(PARTITION_LBA, second.sectors))
    kinds = [f"start={PARTITION_LBA}, size={first.sectors}, type={TYPES[table][0]}",
             f"start={ends[0]}, size={second.sectors}, type={TYPES[table][1]}"]
    run("sfdisk", "--quiet", "--wipe=never", first.path, input="\n".join([f"label: {table}", *kinds]).encode())
    with boot(first.path, firmware) as machine:
        machine.start()
        machine.tells(expected(seed=7))
