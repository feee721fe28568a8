"""The sector on machines: texts to the last character, read errors, keys, and memory that equals story.c's."""
import subprocess
import time
from pathlib import Path

import pytest

from machine import Failure
from sector import MODELS, image, screen_lines, story, symbols, told

HERE = Path(__file__).parent
SECONDS = 900  # a limit for the busiest machine; a story takes some seconds on a quiet one, the record half a minute
MEDIUM = {"sector": "ide", "floppy": "floppy-1.44"}


def wait_for_story(machine, expected):
    limit = time.monotonic() + SECONDS
    while not told(lines := machine.screen(), expected):
        if time.monotonic() > limit:
            raise Failure(f"{machine.name}: waited {SECONDS} s for the story, got\n" + "\n".join(lines))
        time.sleep(0.2)
    return lines


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
        time.sleep(1)  # the last forward pass, of which no token is shown
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


# ---- Keys ----

CLOCK = 0x46C  # of the BIOS; nothing counts on while a story is told


def seed(machine, build):
    at = symbols(build)
    return memory(machine, at["BASE"] + at["seed"], 4)


def next_story(machine, build, before):
    """Presses a key; returns the clock that the next story begins with."""
    machine.press("spc")
    limit = time.monotonic() + SECONDS
    while seed(machine, build) == before:
        assert time.monotonic() < limit
        time.sleep(0.01)
    return int.from_bytes(memory(machine, CLOCK, 2), "little")


@pytest.mark.parametrize("build, model, keys", [
    ("sector", "default", 10), ("floppy", "default", 2), ("sector", "stories260k", 3)])
def test_keys_draw_stories(boot, build, model, keys):
    """Keys tell stories, each as story.c draws it from the clock at its key; nothing comes without a key."""
    told_before, clocks, stories = story(build, model), [], []
    with boot(image(build, model), medium=MEDIUM[build]) as machine:
        wait_for_story(machine, screen_lines(told_before))
        time.sleep(2)
        before = seed(machine, build)
        assert before == b"\0\0\0\2" and told(machine.screen(), screen_lines(told_before))
        for _ in range(keys):
            clocks.append(next_story(machine, build, before))
            told_now = story(build, model, *map(str, clocks))
            stories.append(told_now[len(told_before):])
            assert told_now.startswith(told_before)
            wait_for_story(machine, screen_lines(told_now)[-24:])
            time.sleep(1)  # the last forward pass, of which no token is shown
            before, told_before = seed(machine, build), told_now
    assert len(set(stories)) == keys and story(build, model) not in stories


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
