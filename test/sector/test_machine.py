"""The sector on machines: texts to the last character, read errors, keys, and memory that equals story.c's."""
import re
import subprocess
import time
from pathlib import Path

import pytest

from machine import Failure
from sector import MODELS, image, screen_lines, story, symbols, told

HERE = Path(__file__).parent
SECONDS = 180  # of Machine.clock(); a story takes some seconds, the record half a minute
MEDIUM = {"sector": "ide", "floppy": "floppy-1.44"}


def wait_for_story(machine, expected):
    limit = machine.clock() + SECONDS
    while not told(lines := machine.screen(), expected):
        if machine.clock() > limit:
            raise Failure(f"{machine.name}: waited {SECONDS} s for the story, got\n" + "\n".join(lines))
        time.sleep(0.2)
    return lines


def wait_for_key(machine):
    """Waits until the sector does, after a story's last forward pass, of which no token is shown: nothing before that
    halts the processor once the story has begun."""
    limit = machine.clock() + SECONDS
    while not machine.is_halted():
        assert machine.clock() < limit, machine.name
        time.sleep(0.1)


def expected_lines(build, model):
    return screen_lines(story(build, model))


def check_nothing_else(lines, expected):
    """Nothing comes between the firmware's last line and the story."""
    before = [line for line in lines if line][:-sum(map(bool, expected))]
    assert before[-1].startswith("Booting from")


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("build", ["sector", "floppy"])
def test_story_on_a_486(boot, build, model):
    expected = expected_lines(build, model)
    with boot(image(build, model), cpu="486", medium=MEDIUM[build]) as machine:
        check_nothing_else(wait_for_story(machine, expected), expected)


@pytest.mark.parametrize("build, cpu", [("sector", "pentium"), ("sector", "max"), ("floppy", "qemu64")])
def test_story_on_other_processors(boot, build, cpu):
    with boot(image(build, "default"), cpu=cpu, medium=MEDIUM[build]) as machine:
        wait_for_story(machine, expected_lines(build, "default"))


@pytest.mark.parametrize("medium", ["ahci", "usb-ehci", "virtio"])
def test_story_from_other_disks(boot, medium):
    with boot(image("sector", "default"), medium=medium) as machine:
        wait_for_story(machine, expected_lines("sector", "default"))


def memory(machine, start, size):
    dump = machine.folder / "memory"
    machine.ask("pmemsave", val=start, size=size, filename=str(dump))
    return dump.read_bytes()


def check_memory(machine, state, x, first_row, layer_stride):
    """X and all of the cache after a story that the cache's end ends, so that every position is compared. `state` is
    the emulation's; first_row(layer) is where layer's first row lies. A group's key and value are 64 bytes apart."""
    actual = memory(machine, 0, 0xA0000)
    assert actual[x:x + 128] == state[:128]
    rows = range(0, (len(state) - 128) // 32)  # [layer][position][group]
    at = [first_row + row // 1024 * layer_stride + row % 1024 * 64 for row in rows]
    differ = [row for row in rows if actual[at[row]:at[row] + 32] != state[128 + row * 32:160 + row * 32]]
    assert len(rows) == 5 * 256 * 4 and differ == []


@pytest.mark.parametrize("build", ["sector", "floppy"])
def test_memory_is_that_of_the_emulation(boot, build):
    at, state = symbols(build), story(build, "stories260k", "--state")
    with boot(image(build, "stories260k"), medium=MEDIUM[build]) as machine:
        wait_for_story(machine, expected_lines(build, "stories260k"))
        wait_for_key(machine)
        first_row = at["BASE"] + (at["CACHE"] << 16) + at["VALUE"] % -65536
        check_memory(machine, state, at["BASE"] + at["X"], first_row, 1 << 16)


@pytest.mark.parametrize("medium, model", [("ide", "default"), ("ahci", "stories260k")])
def test_record(boot, medium, model):
    """Its text and its memory on a 486. It stops at the end of the cache: nothing is added to the text any more."""
    at, expected, state = symbols("record"), expected_lines("record", model), story("record", model, "--state")
    with boot(image("record", model), cpu="486", medium=medium) as machine:
        check_nothing_else(wait_for_story(machine, expected), expected)
        while memory(machine, at["position"], 2) != b"\0\0":  # the last forward pass, of which no token is shown
            time.sleep(0.1)
        check_memory(machine, state, at["X"], at["STREAM"] * 16, 1 << 16)
        time.sleep(1)
        assert told(machine.screen(), expected)


WRITER = """
        bits 16
        org 7C00h
        xor bx, bx
        mov ds, bx
        mov si, text
next:   lodsb
        mov ah, 0Eh
        int 10h
        cmp si, end
        jne next
        hlt
text:   incbin "text"
end:    times 510 - ($ - $$) db 0
        dw 0AA55h
"""


def test_lines_end_where_the_bios_ends_them(boot, tmp_path):
    """Which all comparisons with the screen rest on."""
    text = b"\r\n" + b"\r\n".join([b"a" * 80, b"b" * 79, b"c" * 81, b"d" * 160, b"end"])
    (tmp_path / "text").write_bytes(text)
    (tmp_path / "writer.asm").write_text(WRITER)
    subprocess.run(["nasm", "-f", "bin", "-o", "disk.img", "writer.asm"], cwd=tmp_path, check=True, timeout=60)
    with boot(tmp_path / "disk.img") as machine:
        lines = machine.wait_for_screen(re.compile("end$"))
        assert told(lines, screen_lines(text)) and screen_lines(text)[1:3] == ["", "b" * 79]


# ---- Keys ----

CLOCK = 0x46C  # of the BIOS; nothing counts on while a story is told
FIRST_SEED = b"\0\0\0\2"


def seed(machine, build):
    at = symbols(build)
    return memory(machine, at["BASE"] + at["seed"], 4)


def clock_of_next_story(machine, build, before):
    """Waits until a key has changed the seed; returns the clock that the story begins with."""
    limit = machine.clock() + SECONDS
    while seed(machine, build) == before:
        assert machine.clock() < limit
        time.sleep(0.01)
    clock = int.from_bytes(memory(machine, CLOCK, 2), "little")
    assert not machine.is_halted(), "the story was over before its clock was read"
    return clock


@pytest.mark.parametrize("build, model, keys", [
    ("sector", "default", 10), ("floppy", "default", 2), ("sector", "stories260k", 3)])
def test_keys_draw_stories(boot, build, model, keys):
    """Keys tell stories, each as story.c draws it from the clock at its key; nothing comes without a key."""
    told_before, clocks, stories = story(build, model), [], []
    with boot(image(build, model), medium=MEDIUM[build]) as machine:
        wait_for_story(machine, screen_lines(told_before))
        wait_for_key(machine)
        time.sleep(2)
        assert seed(machine, build) == FIRST_SEED and told(machine.screen(), screen_lines(told_before))
        for _ in range(keys):
            before = seed(machine, build)
            machine.press("spc")
            clocks.append(clock_of_next_story(machine, build, before))
            told_now = story(build, model, *map(str, clocks))
            stories.append(told_now[len(told_before):])
            assert told_now.startswith(told_before)
            wait_for_key(machine)
            assert told(machine.screen(), screen_lines(told_now))
            told_before = told_now
    assert len(set(stories)) == keys and story(build, model) not in stories


def test_a_key_during_a_story_is_kept(boot):
    """It tells the next one as soon as the first one is over."""
    told_first = story("sector", "default")
    with boot(image("sector", "default"), cpu="486") as machine:
        machine.wait_for_screen(told_first.decode()[:20].strip())
        machine.press("spc")
        assert seed(machine, "sector") == FIRST_SEED
        clock = clock_of_next_story(machine, "sector", FIRST_SEED)
        told_both = story("sector", "default", str(clock))
        wait_for_key(machine)
        assert told_both.startswith(told_first) and told(machine.screen(), screen_lines(told_both))


# ---- Read errors ----

@pytest.mark.parametrize("lba", [700, 1400])
def test_one_read_error_is_retried(boot, lba):
    with boot(image("sector", "default"), errors=[{"sector": lba, "once": "on"}]) as machine:
        wait_for_story(machine, expected_lines("sector", "default"))


@pytest.mark.parametrize("lba", [31, 700, 1400])
def test_lasting_read_error_is_said(boot, lba):
    with boot(image("sector", "default"), errors=[{"sector": lba, "once": "off"}]) as machine:
        wait_for_story(machine, ["R"])
        time.sleep(3)
        assert told(machine.screen(), ["R"])


# ---- Firmware ----

ENGINE = 1600  # LBA; as hostile.asm has it
TRIES = 10


def hostile_disk(folder, build, failures):
    """An image whose first sector is hostile.asm, with so many calls of INT 13h that fail."""
    disk, code = folder / "disk.img", folder / "hostile.bin"
    define = ["-DFLOPPY"] if build == "floppy" else []
    subprocess.run(["nasm", "-Wall", "-Werror", "-f", "bin", f"-DFAILURES={failures}", *define, "-o", code,
                    HERE / "hostile.asm"], check=True, timeout=60)
    contents = bytearray(image(build, "default").read_bytes())
    contents[:512], contents[ENGINE * 512:ENGINE * 512 + 512] = code.read_bytes(), contents[:512]
    disk.write_bytes(contents)
    return disk


@pytest.mark.parametrize("build, cpu", [("sector", "486"), ("sector", "max"), ("floppy", "486")])
def test_bad_bios(boot, tmp_path, build, cpu):
    """Entry at 7C0:0, garbage in registers, flags and FPU, A20 shut, interrupts that change what they may, and reads
    that succeed at the last try."""
    with boot(hostile_disk(tmp_path, build, TRIES - 1), cpu=cpu, medium=MEDIUM[build]) as machine:
        wait_for_story(machine, expected_lines(build, "default"))


@pytest.mark.parametrize("build", ["sector", "floppy"])
def test_reads_that_fail_too_often(boot, tmp_path, build):
    with boot(hostile_disk(tmp_path, build, TRIES), medium=MEDIUM[build]) as machine:
        wait_for_story(machine, ["R"])
        time.sleep(2)
        assert told(machine.screen(), ["R"])
