"""The CD: its layout, its two file systems over the same data, machines that start from it, damage, other loaders."""
import os
import re
import struct
import subprocess
import time

import pytest

from gguf_file import GgufFile
from gguf_writer import write_wide
from linux_loaders import grub_for_uefi
from places import BUILD, ROOT
from removable import PROMPT, change_medium, command
from stories import MODEL, expected
from volume import ENVIRONMENT, PARTITION_ENTRY, PARTITION_LBA, SECTOR, Volume, image_arguments, models, run

CD = BUILD / "bootllama.iso"
BLOCK, RATIO = 2048, 4
ROOT_SECTORS = 32  # of the root directory of FAT16
MIB = 1 << 20
BOOT, BOOT_CD, STAGE2 = (BUILD / "bios" / name for name in ("boot.bin", "boot_cd.bin", "stage2.bin"))
STAGE2_LBA, STAGE2_LBA_BYTES = 0x5F, 3  # in both boot sectors; the next byte is the size of a block
SHORT = {"temperature": 0, "steps": 40}
PATH = f"/MODELS/{MODEL.name.upper()}"
STATUS = r"INT 13h status [0-9a-f]{2}h at LBA \d+"


def make_cd(path, *files, mib=None, environment=None):
    """As the build makes it, but with these models."""
    arguments = [word for word in image_arguments() if not word.lower().endswith(".gguf")]
    size = ["--mib", mib] if mib else []
    words = [ROOT / "image/make-image.sh", "--out", path, "--cd", BOOT_CD, *arguments, *size, *files]
    return subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=120, cwd=ROOT,
                          env=ENVIRONMENT | (environment or {}))


def made(path, *files, mib=None, **settings):
    result = make_cd(path, *files, mib=mib)
    assert (result.returncode, result.stderr) == (0, "")
    cd = Volume(path)
    cd.configure(**settings)
    return cd


@pytest.fixture
def cd(tmp_path):
    """A copy of the build's CD that tells a short story at once."""
    copy = tmp_path / "cd.iso"
    run("cp", CD, copy)
    volume = Volume(copy)
    volume.configure(**SHORT)
    return volume


# ---- The layout ----

def block(image, number, count=1):
    with open(image, "rb") as file:
        file.seek(number * BLOCK)
        return file.read(count * BLOCK)


def boot_image_block(image):
    """Of the boot catalog's entry for BIOS: El Torito 1.0, section 2."""
    catalog, = struct.unpack_from("<I", block(image, 17), 71)
    return struct.unpack_from("<I", block(image, catalog), 32 + 8)[0]


def with_stage2(code, lba):
    code = bytearray(code)
    code[STAGE2_LBA:STAGE2_LBA + STAGE2_LBA_BYTES] = lba.to_bytes(STAGE2_LBA_BYTES, "little")
    return bytes(code)


def test_boot_code():
    """Sector 0 is the one of a disk, the boot image the one of a CD; stage 2, behind the latter, serves both."""
    at, stage2 = boot_image_block(CD), STAGE2.read_bytes()
    lba = (at + 1) * RATIO
    assert block(CD, 0)[:440] == with_stage2(BOOT.read_bytes(), lba)[:440]
    assert block(CD, at) == with_stage2(BOOT_CD.read_bytes(), lba)
    assert BOOT_CD.read_bytes()[0x62] == 2  # a block has 512 << 2 bytes
    assert block(CD, at + 1, len(stage2) // BLOCK + 1)[:len(stage2)] == stage2
    assert lba + len(stage2) // SECTOR <= PARTITION_LBA


def test_boot_catalog():
    """The entry for UEFI, whose 16-bit count of sectors would not do, has none: up to the end of the CD."""
    said = run("xorriso", "-indev", CD, "-report_el_torito", "plain").decode()
    entries = re.findall(r"^El Torito boot img : +(.*)$", said, re.MULTILINE)
    assert [line.split() for line in entries] == [
        ["1", "BIOS", "y", "none", "0x0000", "0x00", "4", str(boot_image_block(CD))],
        ["2", "UEFI", "y", "none", "0x0000", "0x00", "0", str(PARTITION_LBA // RATIO)]]
    assert "El Torito img path :   1  /BOOT/BIOS.IMG\n" in said


def test_partition_table():
    """As on a disk; the volume descriptors count the volume, too."""
    table, blocks = block(CD, 0)[440:512], CD.stat().st_size // BLOCK
    assert table[:4] == b"BLLM" and table[70:] == b"\x55\xaa" and table[22:70] == bytes(48)
    kind, lba, sectors = table[10], *struct.unpack_from("<II", table, 14)
    assert (table[6], kind, lba, sectors) == (0x80, 0x0E, PARTITION_LBA, blocks * RATIO - PARTITION_LBA)
    assert run("sfdisk", "--verify", CD).endswith(b"No errors detected.\n")
    kinds = []
    for number in (16, 18):
        descriptor = block(CD, number)
        kinds.append(descriptor[:6])
        assert descriptor[80:88] == struct.pack("<I", blocks) + struct.pack(">I", blocks)
    assert kinds == [b"\x01CD001", b"\x02CD001"]


def files_of(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def extracted(image, folder, *options):
    """The files that one of the ISO 9660 trees shows."""
    run("xorriso", *options, "-osirrox", "on", "-indev", image, "-extract", "/", folder)
    run("chmod", "-R", "u+w", folder)
    files = files_of(folder)
    assert files.pop("BOOT/BIOS.IMG")[BLOCK:] == STAGE2.read_bytes()
    assert len(files.pop("BOOT/BOOT.CAT")) == BLOCK
    return files


def files_of_volume(image, folder):
    folder.mkdir()
    Volume(image).mtools("mcopy", "-s", "::/", folder)
    return files_of(folder)


def check_trees(image, folder):
    """Names of Linux and of Windows show the files of the volume, whose data are there once."""
    files = files_of_volume(image, folder / "volume")
    assert extracted(image, folder / "rock") == files
    assert extracted(image, folder / "joliet", "-read_fs", "norock") == files
    return files


def test_files(tmp_path):
    files = check_trees(CD, tmp_path)
    names = {"EFI/BOOT/BOOTX64.EFI", "EFI/BOOT/BOOTIA32.EFI", "BOOTLLAM.CFG", "README.TXT"}
    assert {name for name in files if not name.startswith("KEYS/")} == names | {
        f"MODELS/{model.name.upper()}" for model in models()}
    assert files[PATH[1:]] == MODEL.read_bytes()
    assert CD.read_bytes().count(MODEL.read_bytes()) == 1
    assert b"EXTENT" not in CD.read_bytes()[:PARTITION_LBA * SECTOR]  # no note is left


@pytest.mark.parametrize("mib", [10, 129, 130, 261])
def test_sizes(tmp_path, mib):
    """FAT16 up to 129 MiB, FAT32 above; clusters of 2 KiB or more."""
    result = make_cd(tmp_path / "cd.iso", MODEL, mib=mib)
    assert (result.returncode, result.stderr) == (0, "")
    cd = Volume(tmp_path / "cd.iso")
    assert cd.path.stat().st_size == mib * MIB
    assert cd.cluster_sectors == (4 if mib < 261 else 8)
    assert cd.read(0)[PARTITION_ENTRY + 4] == (0x0C if mib > 129 else 0x0E)
    cd.check()
    assert check_trees(cd.path, tmp_path)[PATH[1:]] == MODEL.read_bytes()


def test_names(tmp_path):
    """Long ones, and characters that patterns give a meaning to."""
    names = ["Second one of a long name.gguf", "A[1] & B.gguf", "Grün.gguf"]
    for number, name in enumerate(names):
        (tmp_path / name).write_bytes(b"GGUF" + bytes([number]) * 3000)
    assert make_cd(tmp_path / "cd.iso", *(tmp_path / name for name in names)).stderr == ""
    files = check_trees(tmp_path / "cd.iso", tmp_path)
    assert [files[f"MODELS/{name.upper()}"][4] for name in names] == [0, 1, 2]


def test_same_bytes_at_another_time_of_another_place(tmp_path):
    os.utime(CD.parent / "bios/boot_cd.bin")
    for name, zone in ("first", "UTC"), ("second", "Asia/Tokyo"):
        assert make_cd(tmp_path / name, *models(), environment={"TZ": zone}).returncode == 0
        assert (tmp_path / name).read_bytes() == CD.read_bytes()


def test_refusals(tmp_path):
    assert "9 MiB is too small: the volume needs 10" in make_cd(tmp_path / "cd.iso", MODEL, mib=9).stderr
    assert not list(tmp_path.iterdir())


# ---- Machines ----

@pytest.mark.parametrize("firmware, medium", [
    ("bios", "cd"), ("bios", "cd-ahci"), ("bios", "cd-scsi"), ("bios", "cd-usb"),
    ("uefi", "cd-ahci"), ("uefi", "cd-scsi"), ("uefi", "cd-usb"), ("uefi32", "cd-ahci"),
    ("bios", "ide"), ("bios", "usb-xhci"), ("uefi", "ahci"), ("uefi", "usb-xhci"), ("uefi32", "usb-xhci")])
def test_story(boot, cd, firmware, medium):
    """From a CD drive, and written to a disk or a stick."""
    with boot(cd.path, firmware, medium=medium) as machine:
        machine.start()
        if firmware == "bios":
            machine.wait_for(f"stage 2, drive {'e0' if medium.startswith('cd') else '80'}h")
        machine.tells(expected(**SHORT))


def test_shipped_settings(boot):
    """On a 486 with 4 MiB: the whole story, after the countdown."""
    with boot(CD, cpu="486", memory=4, medium="cd", read_only=True) as machine:
        machine.start()
        machine.tells(expected())


# ---- Damage ----

def places():
    """LBA of each kind of thing that is read, at the start of a block."""
    cd = Volume(CD)
    chain = cd.chain(PATH)
    stage2 = (boot_image_block(CD) + 1) * RATIO
    fat_sectors, = struct.unpack_from("<H", cd.read(PARTITION_LBA), 22)  # FAT16's
    data = PARTITION_LBA + cd.reserved + cd.fats * fat_sectors + ROOT_SECTORS
    return {"loader": stage2, "stage2": stage2 + 200, "table": 0, "fat": PARTITION_LBA + cd.reserved,
            "model": data + (chain[len(chain) // 2] - 2) * cd.cluster_sectors}


@pytest.mark.parametrize("place", places() if CD.exists() else [])
def test_passing_read_error(boot, cd, place):
    with boot(cd.path, medium="cd", errors=[{"sector": places()[place], "once": "on"}]) as machine:
        machine.start()
        machine.tells(expected(**SHORT))


@pytest.mark.parametrize("place", ["loader", "stage2"])
def test_lasting_read_error_before_stage2_runs(boot, cd, place):
    with boot(cd.path, medium="cd", errors=[{"sector": places()[place], "once": "off"}]) as machine:
        lines = machine.wait_for_screen("bootllama: error R, press a key")
        assert "bootllama: error R, press a key" in lines
        assert machine.text() == ""


def test_lasting_read_error_in_the_model(boot, cd):
    bad = places()["model"]
    with boot(cd.path, medium="cd", errors=[{"sector": bad, "once": "off"}]) as machine:
        machine.start()
        said = " ".join(machine.wait_for(PROMPT, error_allowed=True).split())
        found = re.search(rf"Error: {PATH}: cannot be read at byte \d+: INT 13h status [0-9a-f]{{2}}h at LBA (\d+) ",
                          said)
        assert found and int(found[1]) == bad, said


def test_changed_program(boot, cd):
    cd.write(places()["stage2"], b"MZ")
    with boot(cd.path, medium="cd") as machine:
        machine.wait_for_screen("bootllama: error S, press a key")


@pytest.mark.parametrize("drive", [0x00, 0x80, 0x9F])
def test_drive_number_that_is_not_true(boot, cd, drive):
    """The BIOS passes another one in DL: no drive, or a disk."""
    assert BOOT_CD.read_bytes()[:3] == b"\xeb\x61\x90"  # jmp 63h
    code = bytes([0xEB, 1, 0x90, 0xB2, drive, 0xEB, 0x63 - 7])  # jmp 3; mov dl, drive; jmp 63h
    cd.write(boot_image_block(cd.path) * RATIO, code)
    disk = ["-drive", f"if=none,id=other,format=raw,snapshot=on,file={BUILD / 'bootllama.img'}", "-device",
            "ide-hd,drive=other,bus=ide.1"]
    with boot(cd.path, medium="cd", options=disk) as machine:
        machine.start()
        machine.wait_for("drive e0h")
        machine.tells(expected(**SHORT))


# ---- CDs that come and go ----

@pytest.mark.parametrize("medium", ["cd-scsi", "cd-usb"])
def test_cd_changed(boot, tmp_path, medium):
    """Taken out: one line, and the model in memory keeps working. Another one put in: its models are listed. Not with
    QEMU's IDE and AHCI, whose drives then wait for a REQUEST SENSE that SeaBIOS never sends."""
    first, second = made(tmp_path / "first.iso", MODEL, autostart="off"), made(tmp_path / "second.iso", models()[-1])
    second.mtools("mmove", f"::/MODELS/{models()[-1].name.upper()}", "::/MODELS/SECOND.GGUF")
    with boot(first.path, medium=medium) as machine:
        change_medium(machine, second.path, f"(the drive does not answer, )?{STATUS}", 60)


def test_cd_taken_out_while_a_model_loads(boot, tmp_path):
    """One line. When the CD is back, models can be loaded again."""
    write_wide(tmp_path / "WIDE.GGUF", GgufFile(MODEL.read_bytes()), 49152)
    cd = made(tmp_path / "cd.iso", MODEL, tmp_path / "WIDE.GGUF", autostart="off")
    with boot(cd.path, medium="cd-scsi", memory=256) as machine:
        machine.start()
        machine.wait_for(PROMPT)
        machine.type("/model wide\r")
        machine.wait_for(re.compile("[1-9] %"))
        machine.ask("eject", device="disk", force=True)
        said = " ".join(machine.wait_for(PROMPT, error_allowed=True).split())
        assert re.search(rf"Error: /MODELS/WIDE\.GGUF: .*{STATUS}", said), said
        machine.ask("blockdev-change-medium", device="disk", filename=str(cd.path), format="raw")
        time.sleep(1.5)
        assert f"Loading {PATH}" in command(machine, "/model 1", 60)
        machine.enter("")
        machine.tells(expected())


def test_large_cd(boot, tmp_path):
    """A model behind one of 600 MiB: past what the boot catalog's 16-bit count of sectors reaches."""
    with open(tmp_path / "A.GGUF", "wb") as file:  # not a model, but a file
        file.truncate(600 * MIB)
    cd = made(tmp_path / "cd.iso", tmp_path / "A.GGUF", MODEL, **SHORT)
    assert cd.lba(cd.chain(PATH)[0]) > 600 * MIB // SECTOR
    for firmware in "bios", "uefi":
        with boot(cd.path, firmware, medium="cd-ahci") as machine:
            machine.start()
            machine.tells(expected(**SHORT))
    cd.path.unlink()


# ---- Other loaders ----

@pytest.mark.parametrize("firmware, target, application", [
    ("uefi", "x86_64-efi", "BOOTX64.EFI"), ("uefi32", "i386-efi", "BOOTIA32.EFI")])
def test_grub_chainloader(boot, volume, tmp_path, firmware, target, application):
    """The CD's files, copied to a FAT volume, are started by the GRUB there."""
    commands = ["insmod part_msdos", "insmod fat", "search --file --set=root /BOOTLLAM.CFG",
                f"chainloader /OURS/{application}"]
    volume.mtools("mmd", "::/OURS")
    volume.put(BUILD / ("uefi" if firmware == "uefi" else "uefi32") / application, f"/OURS/{application}")
    volume.put(grub_for_uefi(tmp_path, commands, target), f"/EFI/BOOT/{application}")
    volume.configure(**SHORT)
    with boot(volume.path, firmware) as machine:
        machine.start()
        machine.tells(expected(**SHORT))


def test_memdisk(boot, cd, tmp_path):
    """The CD's image in memory, as GRUB, PXELINUX and Ventoy's memdisk mode start it on a BIOS."""
    files = tmp_path / "files"
    (files / "boot/grub").mkdir(parents=True)
    (files / "boot/grub/grub.cfg").write_text("linux16 /memdisk iso raw\ninitrd16 /bootllama.iso\nboot\n")
    run("cp", "/usr/lib/syslinux/memdisk", cd.path, files)
    run("mv", files / cd.path.name, files / "bootllama.iso")
    run("grub-mkrescue", "--directory=/usr/lib/grub/i386-pc", "-o", tmp_path / "grub.iso", files)
    with boot(tmp_path / "grub.iso", medium="cd") as machine:
        machine.start()
        machine.tells(expected(**SHORT))
