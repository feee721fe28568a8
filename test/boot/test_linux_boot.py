"""bootllama.krn, started as a Linux kernel: by QEMU, GRUB and ISOLINUX; the model is its initrd."""
import re
import struct

import pytest

import v86
from linux_loaders import KERNEL, direct, grub_cd, grub_for_uefi, isolinux_cd, settings
from machine import FIRMWARE_SECONDS, FOOTER, HINT, MEDIA, wrapped
from option_rom import TAKE_MEMORY, option_rom
from places import built
from stories import DEFAULT_SEED, GREEDY, MODEL, expected, refusal
from test_same_text import UP_TO_AVX2, VERSION, description

PROMPT = "Once upon a time"
DOG = "The dog's \"ball\" # 1"
STORY_WORDS = settings(prompt=PROMPT, **GREEDY)
FIRST = "stage 2, initrd, memory, x87\n"
NO_DISK = "Error: /MODELS cannot be listed: no initrd was given, and the BIOS has no disk 80h\n"


@pytest.fixture
def other_disk(volume, monkeypatch):
    """A disk that the BIOS does not start from."""
    monkeypatch.setitem(MEDIA, "ide", ("pc", ["-device", "ide-hd,drive=disk,bus=ide.0"]))
    return volume


def said_before_loading(machine):
    """From the line of free memory on, to before the model."""
    return machine.wait_for("Loading", error_allowed=True).partition(" MiB free\n")[2].removesuffix("Loading")


# ---- The story ----

@pytest.mark.parametrize("medium, cpu, memory, kernels", [
    ("ide", "486", 4, "scalar"), ("isa", "486", 8, "scalar"), ("ide", "max", 64, UP_TO_AVX2),
    ("ahci", "pentium3", 512, "scalar"), ("ahci", "max", "8G", UP_TO_AVX2)])
def test_story_from_the_initrd(boot, medium, cpu, memory, kernels):
    """All that the machine says, from our first line on; no disk is there."""
    with boot(None, cpu=cpu, memory=memory, medium=medium, options=direct(MODEL, STORY_WORDS)) as machine:
        machine.start()
        story = machine.tells(expected(PROMPT, **GREEDY))
        ours = machine.text()[machine.text().index("bootllama: "):]
        assert re.fullmatch(
            f"bootllama: {FIRST}bootllama {re.escape(VERSION)} on BIOS \\([^\n]+\\)\n"
            rf"{description(kernels, '/INITRD.GGUF')}{re.escape(story.text)}\n\n{FOOTER}{HINT}> ", ours)


def test_initrd_stays_where_it_is(boot):
    """It is read again for another kernel, after a story and after computing: nothing has been written over it."""
    with boot(None, memory=8, options=direct(MODEL, STORY_WORDS)) as machine:
        machine.start()
        machine.tells(expected(PROMPT, **GREEDY))
        machine.enter("/kernel scalar")
        machine.wait_for(re.compile("Kernel: scalar[^\n]*\n> $"))
        machine.enter("/model 1")
        machine.wait_for(re.compile("Size: [^\n]*\n> $"))
        machine.enter("The cat")
        machine.tells(expected("The cat", seed=DEFAULT_SEED + 1, **GREEDY))


@pytest.mark.parametrize("initrd, memory, free", [(200, 512, 310), (1200, 4096, 1870)])
def test_large_initrd(boot, tmp_path, initrd, memory, free):
    """What it takes is no memory for the model; the rest, below the hole, stays in one piece."""
    with open(tmp_path / "model.gguf", "wb") as file:
        file.write(MODEL.read_bytes())
        file.truncate(initrd << 20)
    with boot(None, memory=memory, options=direct(tmp_path / "model.gguf", STORY_WORDS)) as machine:
        machine.start()
        machine.tells(expected(PROMPT, **GREEDY))
        assert int(re.search(r"Memory: (\d+) MiB free", machine.text())[1]) == free


def test_initrd_before_a_disk(boot, other_disk):
    """With an initrd the disk is not read, neither its models nor its settings."""
    other_disk.configure(prompt="The cat", temperature=0, steps=20)
    with boot(other_disk.path, options=direct(MODEL, STORY_WORDS)) as machine:
        machine.start()
        assert machine.wait_for("Loading /INITRD.GGUF").startswith(FIRST)
        machine.tells(expected(PROMPT, **GREEDY))
        machine.enter("/models")
        rows = re.findall(r"^ +\d+ +(\S+)", machine.wait_for("\n> "), re.MULTILINE)
        assert rows == ["/INITRD.GGUF"]


def test_several_models(boot, tmp_path):
    """Two files as one initrd, as loaders join them, with a header for a name before each, as iPXE writes it."""
    model = MODEL.read_bytes()
    (tmp_path / "initrd").write_bytes((bytes(112) + model + bytes(-len(model) % 4)) * 2)
    with boot(None, options=direct(tmp_path / "initrd", f"model=initrd2 {STORY_WORDS}")) as machine:
        machine.start()
        machine.wait_for("Loading /INITRD2.GGUF")
        machine.tells(expected(PROMPT, **GREEDY))
        machine.enter("/models")
        rows = re.findall(r"^ +\d+ +(\S+)", machine.wait_for(re.compile("\n> $")), re.MULTILINE)
        assert rows == ["/INITRD.GGUF", "/INITRD2.GGUF"]


# ---- Without an initrd ----

def test_disk_without_an_initrd(boot, other_disk):
    """The disk's model and settings, of which the command line's words count more."""
    other_disk.configure(prompt="The cat", temperature=0, steps=90)
    with boot(other_disk.path, options=direct(words="steps=30")) as machine:
        machine.start()
        machine.tells(expected("The cat", temperature=0, steps=30))


def test_no_initrd_and_no_disk(boot):
    with boot(None, options=direct()) as machine:
        machine.start()
        machine.wait_for(" MiB free\n", error_allowed=True)
        assert machine.wait_for("\n> ", error_allowed=True) == wrapped(NO_DISK, 80) + "> "


# ---- The command line ----

def test_words_that_are_ignored_and_wrong_ones(boot):
    words = f"BOOT_IMAGE=/boot/bootllama.krn quiet {STORY_WORDS} top_p=2 vga=791"
    with boot(None, options=direct(MODEL, words)) as machine:
        machine.start()
        assert said_before_loading(machine) == (
            "Ignored on the command line: quiet vga=791\n"
            "Error: command line, top_p must be a number from 0 to 1\n")
        machine.tells(expected(PROMPT, **GREEDY))


def test_longest_command_line(boot):
    """2,047 bytes, as the header says; what is longer, a loader cuts."""
    words = f"{STORY_WORDS} x="
    words += "y" * (2047 - len(words) - len(" steps=30")) + " steps=30"
    with boot(None, options=direct(MODEL, words)) as machine:
        machine.start()
        machine.tells(expected(PROMPT, temperature=0, steps=30))


# ---- Damage ----

def error_of(machine):
    """The one error message before the prompt, on one line."""
    machine.start()
    machine.wait_for(" MiB free\n", error_allowed=True)
    message, prompt = machine.wait_for(re.compile("\n> $"), error_allowed=True).partition("Error: ")[2].split("\n> ")
    assert prompt == ""
    return " ".join(message.split())


def test_initrd_that_is_no_model(boot, tmp_path):
    (tmp_path / "initrd").write_bytes(b"070701" + bytes(1000))
    with boot(None, options=direct(tmp_path / "initrd")) as machine:
        assert error_of(machine) == "/MODELS cannot be listed: the initrd holds no GGUF model"


@pytest.mark.parametrize("size", [3, 100, 200000])
def test_short_initrd(boot, tmp_path, size):
    (tmp_path / "model.gguf").write_bytes(MODEL.read_bytes()[:size])
    with boot(None, options=direct(tmp_path / "model.gguf")) as machine:
        assert error_of(machine) == ("/MODELS cannot be listed: the initrd holds no GGUF model" if size < 4 else
                                     refusal(tmp_path / "model.gguf", "/INITRD.GGUF"))


def test_initrd_that_leaves_too_little_memory(boot, tmp_path):
    """It is in memory, but what is computed with needs as much again."""
    with open(tmp_path / "model.gguf", "wb") as file:
        file.write(MODEL.read_bytes())
        file.truncate(2_500_000)
    with boot(None, memory=4, options=direct(tmp_path / "model.gguf")) as machine:
        assert error_of(machine) == ("/INITRD.GGUF: the model needs 1 MiB of memory even with a context of 64, 0 MiB "
                                     "are free; choose a smaller model")


def test_initrd_with_zeros_behind_it(boot, tmp_path):
    """As some loaders pad it."""
    (tmp_path / "model.gguf").write_bytes(MODEL.read_bytes() + bytes(4096))
    with boot(None, options=direct(tmp_path / "model.gguf", STORY_WORDS)) as machine:
        machine.start()
        machine.tells(expected(PROMPT, **GREEDY))


@pytest.mark.parametrize("change", ["short", "byte"])
def test_damaged_kernel(boot, tmp_path, change):
    """A download that was cut off, or changed on the way."""
    data = bytearray(KERNEL.read_bytes())
    data[100000] ^= 1
    (tmp_path / "krn").write_bytes(data[:100000] if change == "short" else data)
    with boot(None, options=direct(MODEL, kernel=tmp_path / "krn")) as machine:
        machine.wait_for_screen("bootllama: error S, press a key")
        assert machine.text() == ""
        machine.press("ret")
        machine.wait_for_screen("press a keyBooting from ROM... bootllama: error S, press a key")


def test_too_little_memory_below_1_mib(boot, tmp_path):
    with boot(None, options=[*direct(MODEL), *option_rom(tmp_path / "rom", TAKE_MEMORY)]) as machine:
        machine.wait_for_screen("bootllama: error M, press a key")


# ---- Loaders ----

def test_header():
    """By the letter of the protocol, version 2.06."""
    data = KERNEL.read_bytes()
    sectors, paragraphs = data[0x1F1], struct.unpack_from("<I", data, 0x1F4)[0]
    assert data[0x1FE:0x200] == b"\x55\xaa" and data[0x200] == 0xEB and data[0x202:0x206] == b"HdrS"
    assert 0x202 + data[0x201] == 0x23C and len(data) == (sectors + 1) * 512 + paragraphs * 16
    version, name = struct.unpack_from("<H6xH", data, 0x206)
    assert version == 0x206 and name < sectors * 512
    assert data[0x200 + name:].startswith(f"bootllama {VERSION}\0".encode())
    assert data[0x211] == 1 and struct.unpack_from("<IIIII", data, 0x214) == (0x100000, 0, 0, 0, 0)
    assert struct.unpack_from("<IIIB", data, 0x228) == (0, 0xFFFEFFFF, 0x100000, 0)
    assert struct.unpack_from("<I", data, 0x238) == (2047,)
    stage2 = built("bios/stage2.bin").read_bytes()
    assert data.endswith(stage2) and data[:0x1B8] == built("bios/boot.bin").read_bytes()[:0x1B8]


@pytest.mark.parametrize("cpu", ["486", "max"])
@pytest.mark.parametrize("command", ["linux", "linux16"])
def test_grub(boot, tmp_path, command, cpu):
    """Its "linux" enters in protected mode, its "linux16" in real mode. It writes quotes in its own way."""
    escaped = DOG.replace('"', '\\"')
    cd = grub_cd(tmp_path, [f'{command} /bootllama.krn prompt="{escaped}" temperature=0 steps=100 countdown=0 quiet',
                            f"{command.replace('linux', 'initrd')} /model.gguf"], MODEL)
    with boot(None, cpu=cpu, options=cd) as machine:
        machine.start()
        assert said_before_loading(machine) == "Ignored on the command line: quiet\n"
        machine.tells(expected(DOG, **GREEDY))


def test_isolinux(boot, tmp_path):
    with boot(None, options=isolinux_cd(tmp_path, STORY_WORDS, MODEL)) as machine:
        machine.start()
        assert said_before_loading(machine) == ""
        machine.tells(expected(PROMPT, **GREEDY))


def test_v86():
    """Its screen has the whole of a short story."""
    words = settings(prompt=PROMPT, temperature=0, steps=50)
    story = wrapped(expected(PROMPT, temperature=0, steps=50), 80).split("\n")

    def is_told(lines):
        return lines[-1:] == [""] and ">" in lines and lines[lines.index(">") - 3 - len(story):][:len(story)] == story

    lines = v86.wait_for_screen(is_told, 120, KERNEL, "bzimage", MODEL, words)
    assert {"bootllama: stage 2, initrd, memory, x87", "Memory: 62 MiB free"} <= set(lines)


def test_grub_on_uefi(boot, tmp_path, volume):
    """There is no BIOS to start on: one line, and the machine starts again."""
    commands = ["insmod part_msdos", "insmod fat", "search --set=root --file /bootllama.krn",
                "linux ($root)/bootllama.krn"]
    volume.put(grub_for_uefi(tmp_path, commands), "/EFI/BOOT/BOOTX64.EFI")
    volume.put(KERNEL, "/bootllama.krn")
    line = "\nbootllama.krn needs a BIOS. Under UEFI start BOOTX64.EFI instead.\n"
    with boot(volume.path, "uefi") as machine:
        for _ in range(2):
            machine.wait_for(line, FIRMWARE_SECONDS["uefi"])


def test_started_as_a_boot_sector(boot):
    """Written to a disk by mistake."""
    with boot(KERNEL) as machine:
        machine.wait_for_screen("bootllama: error S, press a key")
