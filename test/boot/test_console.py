"""The session at a real keyboard and terminal: typing, stopping, leaving, and machines that lack a part."""
import re
import subprocess
import time

import pytest

from machine import COLUMNS, FIRST_LINE, Failure, wrapped
from stories import DEFAULT_SEED, IMAGE, expected

FIRMWARES = ["bios", "uefi"]
NEXT = DEFAULT_SEED + 1


@pytest.mark.parametrize("firmware", FIRMWARES)
def test_keyboard(boot, firmware):
    """A prompt typed on the PS/2 keyboard, with a slip that is taken back."""
    with boot(IMAGE, firmware) as machine:
        machine.start()
        machine.story()
        machine.press("shift-t", "h", "e", "spc", "d", "i", "backspace", "o", "g")
        machine.wait_for("The dog")
        machine.press("ret")
        machine.tells(expected("The dog", seed=NEXT))


def check_stopped(machine, said, seed):
    """Part of the story, and that it was stopped; after it the next one can be told."""
    words = said.rpartition("\n\n[")[0].split()  # lines are broken at spaces
    whole = expected("The dog", seed=seed).split()
    assert words[:-1] == whole[:len(words) - 1] and whole[len(words) - 1].startswith(words[-1])
    assert len(words) < len(whole)
    machine.enter("")
    machine.tells(expected(seed=seed + 1))


STOPPED = re.compile(r"\n\n\[\d+ tokens, [^\n]*, stopped\]\n> $")


@pytest.mark.parametrize("firmware, key", [("bios", "\x1b"), ("bios", "\x03"), ("uefi", "\x03")])
def test_stopping_from_the_serial_port(boot, firmware, key):
    """The key comes while the machine stands still, so that the story cannot end before. (OVMF's serial terminal keeps
    an Escape to itself for two seconds, to see whether a cursor key begins with it.)"""
    with boot(IMAGE, firmware) as machine:
        machine.start()
        machine.story()
        machine.type("The dog\r")
        machine.wait_for("The dog\n\nThe dog")
        machine.ask("stop")
        machine.type(key)
        machine.ask("cont")
        check_stopped(machine, "The dog" + machine.wait_for(STOPPED), NEXT)


@pytest.mark.parametrize("firmware", FIRMWARES)
def test_stopping_from_the_keyboard(boot, firmware):
    """Here the story may win the race; then once more."""
    with boot(IMAGE, firmware) as machine:
        machine.start()
        machine.story()
        for seed in range(NEXT, NEXT + 10):
            machine.type("The dog\r")
            machine.wait_for("The dog\n\nThe dog")
            machine.press("esc")
            said = "The dog" + machine.wait_for(re.compile(r"\n\n\[[^\n]*\]\n> $"))
            if STOPPED.search(said):
                return check_stopped(machine, said, seed)
        raise AssertionError("Escape does not stop a story")


@pytest.mark.parametrize("firmware", FIRMWARES)
def test_reboot_and_off(boot, firmware):
    with boot(IMAGE, firmware) as machine:
        machine.start()
        machine.story()
        machine.type("/reboot\r")
        machine.start()
        machine.tells(expected())
        machine.type("/OFF\r")
        assert machine.process.wait(60) == 0


def test_unknown_command_and_a_prompt_that_is_too_long(boot):
    with boot(IMAGE) as machine:
        machine.start()
        machine.story()
        machine.type("/nonsense\r")
        assert "Error: unknown command" in machine.wait_for("\n> ", error_allowed=True)
        for _ in range(40):
            machine.type("a b c d e f g h i j k l ")
        machine.type("m\r")
        assert "Error: the prompt is longer than the model's context of 512 tokens" in machine.wait_for(
            "\n> ", error_allowed=True)
        machine.enter("The dog")
        machine.tells(expected("The dog", seed=NEXT + 1))


def test_text_beyond_ascii(boot):
    """Typed on the serial line as UTF-8: one step back for each character; on the screen in code page 437."""
    with boot(IMAGE) as machine:
        machine.start()
        machine.story()
        machine.enter("Ä café 株\x7f\x7f: naïve", shown="Ä café: naïve")
        machine.tells(expected("Ä café: naïve", seed=NEXT))
        assert "> Ä café: naïve" in machine.screen()


def on_screen(text):
    """As the screen's lines show it: without spaces at their ends."""
    return re.sub(" +$", "", wrapped(text, COLUMNS["bios"]), flags=re.MULTILINE)


def test_without_serial_port(boot, volume):
    """The screen alone, and the keyboard; stories that it can hold."""
    volume.configure(steps=100)
    with boot(volume.path, serial=False) as machine:
        shown = machine.wait_for_screen(re.compile("tokens/s.* >$"))
        assert on_screen(expected(steps=100)) in "\n".join(shown)
        machine.press("shift-t", "h", "e", "spc", "d", "o", "g", "ret")
        machine.wait_for_screen("> The dog")
        shown = machine.wait_for_screen(re.compile(r"> The dog .*tokens/s.* >$"))
        assert on_screen(expected("The dog", seed=NEXT, steps=100)) in "\n".join(shown)


@pytest.mark.parametrize("firmware", ["uefi", "uefi32"])
def test_without_serial_port_on_uefi(boot, firmware):
    """Graphics show no text to compare; the test sees only that the machine obeys the keyboard."""
    with boot(IMAGE, firmware, serial=False) as machine:
        for _ in range(100):
            try:
                machine.press("slash", "o", "f", "f", "ret")
                assert machine.process.wait(1) == 0
                return
            except subprocess.TimeoutExpired:
                continue
            except (BrokenPipeError, Failure):  # the line typed before has been obeyed meanwhile
                assert machine.process.wait(10) == 0
                return
        raise AssertionError("/off on the keyboard does nothing")


@pytest.mark.parametrize("firmware", FIRMWARES)
def test_headless(boot, firmware):
    """No display adapter and no keyboard controller: a story and a prompt all the same."""
    with boot(IMAGE, firmware, medium="ahci", options=["-vga", "none", "-machine", "i8042=off"]) as machine:
        machine.start()
        machine.tells(expected(), columns=80)
        machine.enter("The dog")
        machine.tells(expected("The dog", seed=NEXT), columns=80)


def test_redirected_console(boot):
    """Without a display adapter SeaBIOS sends its console to COM1, where ours is, too: each line comes once."""
    with boot(IMAGE, options=["-vga", "none", "-machine", "graphics=off"]) as machine:
        machine.start()
        machine.tells(expected(), columns=80)
        for character in "The dog":  # SeaBIOS's own console hands on out of order what comes within one of its ticks
            machine.type(character)
            time.sleep(0.15)
        machine.enter("", shown="The dog")
        machine.tells(expected("The dog", seed=NEXT), columns=80)
        said = re.sub(r"\[[^\n]*\]", "", machine.text()[machine.text().index("stage 2, "):])
        lines = [line for line in said.split("\n") if len(line) > 2]
        assert len(lines) > 10 and len(lines) == len(set(lines))
        assert machine.text().count("output continues on COM1 only, 115200 bit/s") == 1


def test_started_again_from_the_shell(boot, volume):
    """After /exit the firmware can start the same program once more."""
    volume.configure(temperature=0, steps=20)
    application = volume.file("/EFI/BOOT/BOOTX64.EFI")
    volume.delete("/EFI/BOOT/BOOTX64.EFI")
    volume.put(application, "/APP.EFI")
    with boot(volume.path, "uefi") as machine:
        machine.wait_for("Shell>")
        for _ in range(3):
            machine.type("FS0:\\APP.EFI\r")
            machine.wait_for(FIRST_LINE)
            machine.tells(expected(temperature=0, steps=20))
            machine.type("/exit\r")
            machine.wait_for(re.compile(r"^/exit\n+Shell> $"))


def test_isa_machine(boot):
    """A 486 of its time: no PCI bus, no ACPI, 8 MiB."""
    with boot(IMAGE, cpu="486", memory=8, medium="isa") as machine:
        machine.start()
        machine.tells(expected())
