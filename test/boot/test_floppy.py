"""The floppy: its layout, machines that start from it, damage, and what people do with floppies."""
import re
import shutil
import subprocess

import pytest

from bochs import Bochs
from machine import wrapped
from option_rom import failing_floppy
from places import BUILD, ROOT
from removable import PROMPT, change_medium
from stories import MODEL, expected
from volume import ENVIRONMENT, SECTOR, models, run

FLOPPY = BUILD / "bootllama-floppy.img"
BOOT, STAGE2 = BUILD / "bios/boot_floppy.bin", BUILD / "bios/stage2.bin"
PATH = f"/MODELS/{MODEL.name.upper()}"
SHORT = {"temperature": 0, "steps": 40}
LASTING = {"once": "off"}

# KiB -> sectors a track, sectors a cluster, slots of the root directory, media descriptor, sectors of a FAT, LBA of the
# data area: as DOS formats floppies.
FORMATS = {720: (9, 2, 112, 0xF9, 3, 14), 1200: (15, 1, 224, 0xF9, 7, 29), 1440: (18, 1, 224, 0xF0, 9, 33),
           2880: (36, 2, 240, 0xF0, 9, 34)}


def mtools(image, command, *arguments, **options):
    return run(command, "-i", image, *arguments, **options)


def number(data, at, size):
    return int.from_bytes(data[at:at + size], "little")


def configure(image, **settings):
    lines = [f"{key} = {value}\r\n" for key, value in ({"countdown": 0} | settings).items()]
    mtools(image, "mcopy", "-o", "-", "::/BOOTLLAM.CFG", input="".join(lines).encode())
    return image


def chain(image, name):
    """The clusters of a file or folder."""
    ranges = re.findall(r"<(\d+)(?:-(\d+))?>", mtools(image, "mshowfat", "::" + name).decode())
    return [cluster for first, last in ranges for cluster in range(int(first), int(last or first) + 1)]


def lba(cluster):
    """Of a cluster of a floppy of 1.44 MB."""
    return FORMATS[1440][5] + cluster - 2


def make_floppy(path, *files, kib=1440):
    """As the build makes it, but with the first of these models that fits."""
    parts = {"boot": BOOT, "stage2": STAGE2, "config": ROOT / "image/BOOTLLAM.CFG",
             "readme": ROOT / "image/FLOPPY.TXT", "kib": kib, "out": path}
    words = [str(word) for name, value in parts.items() for word in ("--" + name, value)]
    return subprocess.run([ROOT / "image/make-floppy.sh", *words, *files], capture_output=True, text=True, timeout=60,
                          env=ENVIRONMENT)


def made(path, model=MODEL, kib=1440, **settings):
    result = make_floppy(path, model, kib=kib)
    assert (result.returncode, result.stderr) == (0, "")
    return configure(path, **settings)


@pytest.fixture
def floppy(tmp_path):
    """A copy of the build's floppy that tells a short story at once."""
    return configure(shutil.copy(FLOPPY, tmp_path / "floppy.img"), **SHORT)


# ---- The layout ----

def check_layout(image, kib):
    """What DOS looks at is as in its own formats; stage 2 is a hidden file in one piece at the start."""
    content, (track, cluster, slots, media, fat, data_lba) = image.read_bytes(), FORMATS[kib]
    boot, stage2, code = content[:SECTOR], STAGE2.read_bytes(), bytearray(BOOT.read_bytes())
    assert len(content) == kib * 1024
    assert boot[0] == 0xEB and boot[2] == 0x90 and boot[510:] == b"\x55\xaa"
    fields = {(11, 2): SECTOR, (13, 1): cluster, (14, 2): 1, (16, 1): 2, (17, 2): slots, (19, 2): kib * 2,
              (21, 1): media, (22, 2): fat, (24, 2): track, (26, 2): 2, (28, 4): 0, (32, 4): 0, (36, 1): 0,
              (38, 1): 0x29, (39, 4): 0x424C4C4D}
    assert {place: number(boot, *place) for place in fields} == fields
    assert boot[43:62] == b"BOOTLLAMA  FAT12   "
    code[0x5F:0x63] = data_lba.to_bytes(4, "little")
    assert boot[:3] == code[:3] and boot[62:] == code[62:]
    assert content[data_lba * SECTOR:][:len(stage2)] == stage2
    assert chain(image, "/BOOTLLAM.SYS") == list(range(2, 2 + -(-len(stage2) // (cluster * SECTOR))))
    assert mtools(image, "mattrib", "::/BOOTLLAM.SYS").split() == [b"A", b"SHR", b"::/BOOTLLAM.SYS"]
    run("fsck.fat", "-n", image)


def check_files(image, model):
    names = tuple(mtools(image, "mdir", "-b", folder).decode().split() for folder in ("::", "::/MODELS"))
    assert names == (["::/BOOTLLAM.CFG", "::/README.TXT", "::/MODELS/"], [f"::/MODELS/{model.name.upper()}"])
    assert mtools(image, "mtype", f"::/MODELS/{model.name.upper()}") == model.read_bytes()
    for name, source in (("BOOTLLAM.CFG", "BOOTLLAM.CFG"), ("README.TXT", "FLOPPY.TXT")):
        lines = (ROOT / "image" / source).read_bytes().splitlines()
        assert mtools(image, "mtype", "::/" + name) == b"".join(line + b"\r\n" for line in lines)


def test_floppy_of_the_build():
    check_layout(FLOPPY, 1440)
    check_files(FLOPPY, MODEL)


@pytest.mark.parametrize("kib", FORMATS)
def test_formats(tmp_path, kib):
    assert make_floppy(tmp_path / "floppy.img", MODEL, kib=kib).returncode == 0
    check_layout(tmp_path / "floppy.img", kib)


def test_same_bytes_again(tmp_path):
    assert make_floppy(tmp_path / "floppy.img", *models()).returncode == 0
    assert (tmp_path / "floppy.img").read_bytes() == FLOPPY.read_bytes()


def test_a_model_that_does_not_fit(tmp_path):
    """The next one is taken; one line says so."""
    large = tmp_path / "LARGE.GGUF"
    large.write_bytes(b"GGUF".ljust(13 * 100000, b"\0"))
    result = make_floppy(tmp_path / "floppy.img", large, MODEL)
    assert result.returncode == 0
    assert re.fullmatch(rf"make-floppy: {large} left out: the floppy has room for \d{{7}} bytes\n", result.stderr)
    check_files(tmp_path / "floppy.img", MODEL)
    refused = make_floppy(tmp_path / "none.img", large)
    assert refused.returncode == 1 and refused.stderr.endswith("make-floppy: no model fits on the floppy\n")
    assert not (tmp_path / "none.img").exists()
    assert "'360' is none of 720" in make_floppy(tmp_path / "none.img", MODEL, kib=360).stderr


def test_text_is_plain():
    for line in (ROOT / "image/FLOPPY.TXT").read_bytes().splitlines():
        assert len(line) < 80 and all(0x20 <= byte < 0x7F for byte in line), line


# ---- Machines ----

@pytest.mark.parametrize("medium", ["floppy-1.44", "isa-floppy", "floppy", "ide"])
def test_story(boot, floppy, medium):
    """On a 486 with 4 MiB: from the drive of its own kind, from one for 2.88 MB, and as a disk."""
    with boot(floppy, cpu="486", memory=4, medium=medium) as machine:
        machine.start()
        machine.wait_for("stage 2, drive 80h" if medium == "ide" else "stage 2, drive 00h")
        machine.tells(expected(**SHORT))


def test_shipped_settings(boot):
    """The whole story, after the countdown."""
    with boot(FLOPPY, cpu="486", memory=4, medium="floppy-1.44") as machine:
        machine.start()
        machine.tells(expected())


@pytest.mark.parametrize("kib, medium", [(720, "floppy-1.44"), (1200, "floppy-1.2"), (2880, "floppy")])
def test_other_formats(boot, tmp_path, kib, medium):
    image = made(tmp_path / "floppy.img", kib=kib, **SHORT)
    with boot(image, cpu="486", memory=4, medium=medium) as machine:
        machine.start()
        machine.tells(expected(**SHORT))


def test_bochs(floppy, tmp_path):
    """Another BIOS, which reads no further than to the end of a track."""
    text = wrapped(expected(**SHORT), 80)
    (tmp_path / "bochs").mkdir()
    with Bochs(tmp_path / "bochs", floppy, "floppy") as machine:
        limit = machine.clock() + 120
        while "[40 tokens" not in (shown := "\n".join(machine.run(3))):
            assert machine.clock() < limit, shown
        assert f"\n\n{text}\n\n[40 tokens" in shown, shown


# ---- Damage ----

def places():
    """LBA of each kind of thing that is read."""
    model = chain(FLOPPY, PATH)
    return {"loader": lba(2), "stage2": lba(302), "fat": 1 + model[0] * 3 // 2 // SECTOR, "root": 19,
            "model": lba(model[len(model) // 2])}


@pytest.mark.parametrize("status", [0x06, 0x10, 0x80])
@pytest.mark.parametrize("place", places())
def test_passing_read_error(boot, floppy, tmp_path, place, status):
    """Three in a row: another floppy was put in, dust, a motor that is not up to speed."""
    options = failing_floppy(tmp_path, places()[place], 3, status)
    with boot(floppy, medium="floppy-1.44", options=options) as machine:
        machine.start()
        machine.tells(expected(**SHORT))
        machine.ask("pmemsave", val=0x4F0, size=1, filename=str(tmp_path / "count"))
        assert (tmp_path / "count").read_bytes() == b"\0"


@pytest.mark.parametrize("place", ["loader", "stage2"])
def test_lasting_read_error_before_stage2_runs(boot, floppy, tmp_path, place):
    """A letter, written over the dots that have shown the tracks; more than those that the message covers stay."""
    with boot(floppy, medium="floppy-1.44", options=failing_floppy(tmp_path, places()[place])) as machine:
        lines = machine.wait_for_screen("bootllama: error R, press a key")
        assert "bootllama: error R, press a key" in [line.rstrip(".") for line in lines]
        assert machine.text() == ""


def test_lasting_read_error_in_one_fat(boot, floppy, tmp_path):
    with boot(floppy, medium="floppy-1.44", options=failing_floppy(tmp_path, places()["fat"])) as machine:
        machine.start()
        machine.tells(expected(**SHORT))


def test_lasting_read_error_in_the_model(boot, floppy, tmp_path):
    """The rest of its track can be read; the message has the place."""
    bad = places()["model"]
    with boot(floppy, medium="floppy-1.44", options=failing_floppy(tmp_path, bad)) as machine:
        machine.start()
        said = " ".join(machine.wait_for(PROMPT, error_allowed=True).split())
        found = re.search(rf"Error: {PATH}: cannot be read at byte \d+: INT 13h status 10h at LBA (\d+) ", said)
        assert found and int(found[1]) == bad, said


@pytest.mark.parametrize("place, shown", [("stage2", "bootllama: error S, press a key"),
                                          ("model", "the weights were read incorrectly")])
def test_wrong_data_without_an_error(boot, floppy, place, shown):
    """As QEMU's drive gives zeros for what it cannot read."""
    with boot(floppy, medium="floppy-1.44", errors=[LASTING | {"sector": places()[place]}]) as machine:
        machine.wait_for_screen(shown)


def test_changed_program(boot, floppy):
    """Another program at its place: a letter says so."""
    with open(floppy, "r+b") as file:
        file.seek(lba(200) * SECTOR)
        file.write(b"MZ")
    with boot(floppy, medium="floppy-1.44") as machine:
        machine.wait_for_screen("bootllama: error S, press a key")


# ---- What people do ----

def test_write_protected(boot, floppy):
    with boot(floppy, medium="floppy-1.44", read_only=True) as machine:
        machine.start()
        machine.tells(expected(**SHORT))


def test_files_are_copied_and_deleted(boot, floppy):
    """By another system, until the floppy is full: it still starts, and stage 2 is where it was."""
    before = chain(floppy, "/BOOTLLAM.SYS")
    mtools(floppy, "mcopy", "-", "::/MODELS/A long name.txt", input=bytes(300000))
    mtools(floppy, "mcopy", MODEL, "::/MODELS/OTHER.GGUF")
    mtools(floppy, "mdel", f"::{PATH}", "::/README.TXT")
    mtools(floppy, "mcopy", "-", "::/FULL.TXT", input=bytes(500000))
    run("fsck.fat", "-n", floppy)
    assert chain(floppy, "/BOOTLLAM.SYS") == before
    with boot(floppy, medium="floppy-1.44") as machine:
        machine.start()
        machine.wait_for("Loading /MODELS/OTHER.GGUF")
        machine.tells(expected(**SHORT))


def test_floppy_changed(boot, tmp_path):
    """Taken out: one line. Another one put in, also of another format: its models are listed and loaded."""
    first = made(tmp_path / "first.img", autostart="off")
    second = made(tmp_path / "second.img", models()[-1], kib=720)
    mtools(second, "mmove", f"::/MODELS/{models()[-1].name.upper()}", "::/MODELS/SECOND.GGUF")
    with boot(first, cpu="486", memory=4, medium="floppy-1.44") as machine:
        change_medium(machine, second, "INT 13h status [0-9a-f]{2}h at LBA 0")
