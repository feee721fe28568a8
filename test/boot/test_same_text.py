"""One text everywhere: machines of all ages write the host program's text, byte for byte."""
import re

import pytest

from gguf_file import GgufFile
from gguf_writer import write_every_type
from places import ROOT
from machine import COLUMNS, FOOTER, HINT
from stories import DEFAULT_SEED, GREEDY, IMAGE, MODEL, SHIPPED_IMAGE, expected

VERSION = re.search(r"^VERSION := (\S+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[1]

UP_TO_AVX2 = "scalar|sse2emu|sse2|avx2"  # one of them wins the race
MACHINES = [  # firmware, QEMU's -cpu, kernels that race; scalar alone does not
    ("bios", "486", "scalar"),
    ("bios", "pentium", "scalar"),
    ("bios", "pentium3", "scalar"),
    ("bios", "qemu64", "scalar|sse2emu|sse2"),
    ("bios", "max", UP_TO_AVX2),
    ("uefi", "qemu64", "scalar|sse2emu|sse2"),
    ("uefi", "max", UP_TO_AVX2),
    ("uefi32", "coreduo", "scalar|sse2emu|sse2"),
    ("uefi32", "max", UP_TO_AVX2),
    ("u-boot32", "coreduo", "scalar|sse2emu|sse2"),
]
U_BOOT_WORDS = "root=/dev/sdb3 init=/sbin/init rootwait ro"  # its build's command line for any program
UEFI = ("bootllama: UEFI, image at 0x[0-9a-f]+, keyboard, clock, volumes\n"
        "bootllama {version} on UEFI \\({vendor} [^\n]+\\)\n")
BANNER = {
    "bios": "bootllama: stage 2, drive 80h, memory, x87, disk\nbootllama {version} on BIOS \\(SeaBIOS [^\n]+\\)\n",
    "uefi": UEFI.replace("{vendor}", "EDK II"),
    "uefi32": UEFI.replace("{vendor}", "EDK II"),
    "u-boot32": UEFI.replace("{vendor}", "Das U-Boot"),
}


def description(kernels, path, ignored=""):
    """A pattern for what a machine with one processor says from the name of the processor to the story. ignored: the
    words of its command line that are no settings."""
    chosen = "scalar, this CPU has no SSE2" if kernels == "scalar" else rf"({kernels}), \d+\.\d x ({kernels}) here"
    return (
        "CPU: [^\n]+\nProcessors: 1\nMemory: \\d+ MiB free\n" +
        (f"Ignored on the command line: {re.escape(ignored)}\n" if ignored else "") +
        f"Loading {re.escape(path)}: \\[#{{20}}\\] 100 %, \\d+\\.\\d MB/s\n"
        f"Kernel: {chosen}\nModel: [^\n]+ parameters, context \\d+\nSize: [^\n]+, 1 processor computes\n\n")


def banner(firmware, kernels):
    """The same from our first line on."""
    ignored = U_BOOT_WORDS if firmware == "u-boot32" else ""
    return (BANNER[firmware].format(version=re.escape(VERSION)) +
            description(kernels, f"/MODELS/{MODEL.name.upper()}", ignored))


@pytest.mark.parametrize("firmware, cpu, kernels", MACHINES)
def test_power_on_story_and_prompts(boot, firmware, cpu, kernels):
    """Sampled at temperature 0.8, all that the machine says being compared from our first line on. Then greedy, after a
    prompt of the settings and after a typed one with a slip: 7Fh is what terminals send for Backspace."""
    image = SHIPPED_IMAGE if cpu == "max" else IMAGE  # the shipped one counts down first
    with boot(image, firmware, cpu=cpu) as machine:
        machine.start()
        story = machine.tells(expected())
        assert story.why is None
        ours = machine.text()[machine.text().index("bootllama: "):]
        assert re.fullmatch(banner(firmware, kernels) + re.escape(story.text) + rf"\n\n{FOOTER}{HINT}> ", ours)
        for key, value in (GREEDY | {"prompt": "Once upon a time"}).items():
            machine.type(f"/set {key} {value}\r")
            machine.wait_for(f"\n{key} = {value}\n> ")
        machine.type("\r")
        machine.tells(expected("Once upon a time", **GREEDY))
        machine.enter("Lily and Bem\x7fn", shown="Lily and Ben")
        story = machine.tells(expected("Lily and Ben", **GREEDY))
        assert (story.tokens, story.why) == (GREEDY["steps"], "length reached")


@pytest.mark.parametrize("firmware, cpu", [("bios", "486"), ("bios", "max"), ("uefi", "max"),
                                           ("uefi32", "max")])
def test_every_quantization(boot, volume, tmp_path, firmware, cpu):
    """Blocks of every type are decoded alike by the code of a 486 and by the newest kernel's."""
    model = tmp_path / "every.gguf"
    write_every_type(model, GgufFile(MODEL.read_bytes()))
    volume.put(model, "/MODELS/EVERY.GGUF")
    settings = {"temperature": 0, "repeat_penalty": 3, "steps": 60}  # it would say one thing again and again
    volume.configure(model="every", **settings)
    with boot(volume.path, firmware, cpu=cpu) as machine:
        machine.start()
        assert machine.tells(expected(model=model, **settings)).tokens == 60


def test_each_story_counts_the_seed_up(boot):
    with boot(IMAGE) as machine:
        machine.start()
        machine.tells(expected(seed=DEFAULT_SEED))
        for number, prompt in enumerate(["", "The dog", ""], start=1):
            machine.enter(prompt)
            machine.tells(expected(prompt, seed=DEFAULT_SEED + number))


@pytest.mark.parametrize("firmware, cpu, memory, least, most", [
    ("bios", "486", "4", 2, 3),
    ("bios", "max", "8G", 2048, 4095),
    ("uefi", "max", "8G", 4096, 8191),
    ("uefi32", "max", "8G", 1024, 4095),
])
def test_memory_sizes(boot, firmware, cpu, memory, least, most):
    with boot(IMAGE, firmware, cpu=cpu, memory=memory) as machine:
        machine.start()
        machine.tells(expected())
        free = int(re.search(r"Memory: (\d+) MiB free", machine.text())[1])
        assert least <= free <= most


def test_screen(boot):
    """The text memory of the VGA shows, line by line, what the serial port says, under what the BIOS has left there."""
    with boot(IMAGE) as machine:
        machine.start()
        machine.tells(expected())
        shown = machine.screen()
        said = machine.text()[machine.text().index("bootllama: "):].rstrip().split("\n")
        assert len(said) < 25 and all(len(line) < COLUMNS["bios"] for line in said)
        first = shown.index(said[0])
        assert shown[first:] == [*said, *[""] * (25 - first - len(said))]


def test_screen_that_scrolls(boot):
    """The last of several stories, with the cursor behind the prompt's sign where the display adapter has it."""
    with boot(IMAGE) as machine:
        machine.start()
        machine.tells(expected())
        for number in range(1, 4):
            machine.enter("")
            machine.tells(expected(seed=DEFAULT_SEED + number))
        said = [line.rstrip() for line in machine.text().split("\n")]
        assert machine.screen() == said[-25:]
        machine.type("one word")
        machine.wait_for_screen("> one word")
        assert machine.screen() == [*said[-25:-1], "> one word"]
