"""One text everywhere: what the host program says, machines of all ages say, byte for byte."""
import re

import pytest

from places import ROOT
from stories import DEFAULT_SEED, GREEDY, IMAGE, MODEL, expected

VERSION = re.search(r"^VERSION := (\S+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[1]

MACHINES = [  # firmware, QEMU's -cpu, kernel that the program must choose
    ("bios", "486", "scalar"),
    ("bios", "pentium", "scalar"),
    ("bios", "pentium3", "scalar"),
    ("bios", "qemu64", "sse2"),
    ("bios", "max", "avx2"),
    ("uefi", "qemu64", "sse2"),
    ("uefi", "max", "avx2"),
]
BANNER = {
    "bios": "bootllama: stage 2, drive 80h\nbootllama {version} on BIOS \\(SeaBIOS [^\n]+\\)\n",
    "uefi": "bootllama: UEFI, image at 0x[0-9a-f]+\nbootllama {version} on UEFI \\(EDK II [^\n]+\\)\n",
}


def banner(firmware, kernel, memory="\\d+"):
    """A pattern for all that a machine says from our first line to the line before the story."""
    return BANNER[firmware].format(version=re.escape(VERSION)) + (
        f"CPU: [^\n]+, kernel {kernel}\nMemory: {memory} MiB free\n"
        f"Loading /MODELS/{re.escape(MODEL.name.upper())}: 100 %\n"
        "Model: [^\n]+ parameters, context \\d+\n\n")


@pytest.mark.parametrize("firmware, cpu, kernel", MACHINES)
def test_power_on_story(boot, firmware, cpu, kernel):
    """Sampled at temperature 0.8. What the firmware says before us is its own business, all after it is compared."""
    with boot(IMAGE, firmware, cpu=cpu) as machine:
        machine.start()
        story = machine.story()
        assert story.text == expected()
        assert story.why is None
        ours = machine.text()[machine.text().index("bootllama: "):]
        assert re.fullmatch(banner(firmware, kernel) + re.escape(story.text) + "\n\n[^\n]+\n> ", ours)


@pytest.mark.parametrize("firmware, cpu", [machine[:2] for machine in MACHINES])
def test_prompts(boot, volume, firmware, cpu):
    """Greedy, after a configured prompt and after a typed one with a slip: 7Fh is what terminals send for Backspace."""
    volume.configure(prompt="Once upon a time", **GREEDY)
    with boot(volume.path, firmware, cpu=cpu) as machine:
        machine.start()
        assert machine.story().text == expected("Once upon a time", **GREEDY)
        machine.enter("Lily and Bem\x7fn", shown="Lily and Ben")
        story = machine.story()
        assert story.text == expected("Lily and Ben", **GREEDY)
        assert story.tokens == GREEDY["steps"]


def test_each_story_counts_the_seed_up(boot):
    with boot(IMAGE) as machine:
        machine.start()
        assert machine.story().text == expected(seed=DEFAULT_SEED)
        for number, prompt in enumerate(["", "The dog", ""], start=1):
            machine.enter(prompt)
            assert machine.story().text == expected(prompt, seed=DEFAULT_SEED + number)


@pytest.mark.parametrize("firmware, cpu, memory, least, most", [
    ("bios", "486", "4", 2, 3),
    ("bios", "max", "8G", 2048, 4095),
    ("uefi", "max", "8G", 4096, 8191),
])
def test_memory_sizes(boot, firmware, cpu, memory, least, most):
    with boot(IMAGE, firmware, cpu=cpu, memory=memory) as machine:
        machine.start()
        assert machine.story().text == expected()
        free = int(re.search(r"Memory: (\d+) MiB free", machine.text())[1])
        assert least <= free <= most


def squeezed(text):
    return re.sub(r"\s", "", text)


def test_screen(boot):
    """The text memory of the VGA shows what the serial port says, however its lines are broken."""
    with boot(IMAGE) as machine:
        machine.start()
        machine.story()
        screen = machine.wait_for_screen("tokens/s]")
        ours = machine.text()[machine.text().index("bootllama 0"):]
        assert squeezed(expected()) in squeezed("".join(screen))
        assert squeezed("".join(screen)).endswith(squeezed(ours))
