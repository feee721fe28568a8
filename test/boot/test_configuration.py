"""Every key of BOOTLLAM.CFG does at start what the file says of it."""
import re
import time

import pytest

from machine import COLUMNS, ERROR, FOOTER, HINT, STORY, wrapped
from stories import DEFAULT_SEED, MODEL, expected
from volume import models

FIRMWARES = ["bios", "uefi"]
PROMPT = re.compile(r"\n> $")
FAST = {"steps": 20, "temperature": 0}


@pytest.mark.parametrize("firmware", FIRMWARES)
def test_story(boot, volume, firmware):
    """What a story is made of, as Notepad writes it."""
    settings = {"temperature": 1.5, "top_p": 0.95, "top_k": 40, "min_p": 0.02, "repeat_penalty": 1.1, "steps": 40,
                "seed": 7}
    lines = ["\ufeff; a stick's own settings", "", "COUNTDOWN=0", 'Prompt = " The cat"', f"model = {MODEL.name.lower()}",
             *(f"  {key.upper()}  =  {value}  " for key, value in settings.items())]
    volume.put("\r\n".join(lines).encode(), "/BOOTLLAM.CFG")
    with boot(volume.path, firmware) as machine:
        machine.start()
        machine.tells(expected(" The cat", **settings))


def test_wrong_lines(boot, volume):
    """Named with what is allowed; the others count."""
    lines = ["# settings", "temperature = 0", "top_p = 1.5", "colr = red", "STEPS=60", "just words", "seed", "serial = com9",
             'prompt = "The cat"', "countdown = -1", "wrap = 5", "after = party"]
    volume.put("\n".join(lines).encode(), "/BOOTLLAM.CFG")
    with boot(volume.path) as machine:
        machine.start()
        said = machine.wait_for("Loading", error_allowed=True).replace("\n500", " 500")
        errors = re.findall(r"^Error: /BOOTLLAM\.CFG, line (\d+): ", said, re.MULTILINE)
        assert errors == ["3", "4", "6", "7", "8", "10", "11", "12"] and len(ERROR.findall(said)) == len(errors)
        assert "line 3: top_p is a number from 0 to 1\n" in said
        assert "line 11: wrap is auto, off or a whole number from 20 to 500\n" in said
        assert "line 12: after is prompt, reboot or off\n" in said
        machine.tells(expected("The cat", temperature=0, steps=60))


def test_each_model_by_name(boot, volume):
    for model in models():
        volume.configure(model=model.name, **FAST)
        with boot(volume.path) as machine:
            machine.start()
            machine.tells(expected(model=model, **FAST))


COUNTDOWN = "A story begins in 3 s; any key stops it"


def wait_for_countdown(machine):
    machine.start()
    machine.wait_for(COUNTDOWN)
    machine.said -= len(COUNTDOWN) + 1  # it erases itself; and the line end before it


@pytest.mark.parametrize("firmware", FIRMWARES)
def test_countdown(boot, volume, firmware):
    """It ends in a story; a key ends it in the prompt. Either way nothing of it is left."""
    volume.configure(countdown=3, **FAST)
    with boot(volume.path, firmware) as machine:
        wait_for_countdown(machine)
        start = time.monotonic()
        machine.tells(expected(**FAST))
        assert 2 < time.monotonic() - start < 20
        assert "any key" not in machine.text()
        machine.type("/reboot\r")
        wait_for_countdown(machine)
        machine.type("x")
        machine.wait_for(re.compile(rf"{HINT}> x$"))
        machine.type("\b")
        machine.type("The dog\r")
        machine.tells(expected("The dog", **FAST))


def test_no_story_at_start(boot, volume):
    volume.configure(autostart="off", **FAST)
    with boot(volume.path) as machine:
        machine.start()
        assert re.search(rf"\nSize: [^\n]*\n{HINT}> $", machine.wait_for(PROMPT))
        machine.enter("")
        machine.tells(expected(**FAST))


def test_unattended_stories(boot, volume):
    """Three, the seed counted up; then off."""
    volume.configure(stories=3, after="off", steps=30)
    with boot(volume.path) as machine:
        machine.start()
        for number in range(3):
            text = wrapped(expected(seed=DEFAULT_SEED + number, steps=30), COLUMNS["bios"])
            machine.wait_for(re.compile(rf"\n{re.escape(text)}\n\n{FOOTER}"))
        assert machine.process.wait(60) == 0


@pytest.mark.parametrize("firmware", FIRMWARES)
def test_after_reboot(boot, volume, firmware):
    volume.configure(after="reboot", **FAST)
    with boot(volume.path, firmware) as machine:
        for _ in range(2):
            machine.start()
            machine.wait_for(re.compile(FOOTER))


def test_random_seed(boot, volume):
    """Two stories of two power-ons differ, and say how to have them again."""
    volume.configure(seed="random", steps=40)
    seeds = set()
    for _ in range(2):
        with boot(volume.path) as machine:
            machine.start()
            story = machine.story()
            seed = int(re.search(r"tokens/s[^\]]*,\sseed\s(\d+)", machine.text())[1])
            assert story.text == wrapped(expected(seed=seed, steps=40), COLUMNS["bios"])
            seeds.add(seed)
    assert len(seeds) == 2


@pytest.mark.parametrize("firmware", FIRMWARES)
@pytest.mark.parametrize("width", [20, 40, "off"])
def test_wrap(boot, volume, firmware, width):
    volume.configure(wrap=width, **FAST)
    text = expected(**FAST)
    with boot(volume.path, firmware) as machine:
        machine.start()
        assert machine.story().text == (text if width == "off" else wrapped(text, width))


def colours(boot, volume, **settings):
    volume.configure(**FAST, **settings)
    with boot(volume.path) as machine:
        machine.start()
        machine.tells(expected(**FAST))
        machine.type("/nonsense\r")
        machine.wait_for_screen(re.compile("lists all >$"))
        return {line.split()[0]: attribute for line, attribute in machine.attributes().items()}, machine.raw


def test_colour(boot, volume):
    """Bright for the name and the prompt's sign, red for errors, grey for the story; the serial port has none of it."""
    shown, raw = colours(boot, volume)
    assert shown["Error:"] == 0x0C and shown[">"] == 0x0F
    assert shown[expected(**FAST).split()[0]] == 0x07
    assert b"\x1b" not in raw
    shown, raw = colours(boot, volume, colour="off")
    assert set(shown.values()) == {0x07}


COM2 = ["-chardev", "file,id=second,path={}", "-device", "isa-serial,index=1,chardev=second"]


def second_port(path):
    return [word.format(path) for word in COM2]


def test_other_serial_port(boot, volume, tmp_path):
    """All after the first line is on COM2; COM1 has the first line."""
    volume.configure(serial="com2 57600", after="off", **FAST)
    with boot(volume.path, options=second_port(tmp_path / "com2")) as machine:
        machine.start()
        assert machine.process.wait(60) == 0
        said = (tmp_path / "com2").read_text()
        assert said.startswith("bootllama ") and STORY.search(said + "> ")
        assert wrapped(expected(**FAST), COLUMNS["bios"]) in said


@pytest.mark.parametrize("serial", ["off", "com4 9600"])
def test_no_serial_port(boot, volume, serial):
    """Switched off: the screen goes on alone. One that is not there: said, and COM1 stays."""
    volume.configure(serial=serial, **FAST)
    with boot(volume.path) as machine:
        machine.start()
        if serial == "off":
            machine.wait_for_screen(re.compile("length reached.* >$"))
            assert machine.text().endswith(", memory, x87, disk\n")
        else:
            machine.wait_for("Error: /BOOTLLAM.CFG, serial: no serial port answers for COM4 at 2e8h\n", error_allowed=True)
            machine.tells(expected(**FAST))


def test_firmware_keeps_its_serial_port(boot, volume):
    """On UEFI the firmware's own console is on COM1, whatever we send ourselves."""
    volume.configure(serial="off", **FAST)
    with boot(volume.path, "uefi") as machine:
        machine.start()
        machine.tells(expected(**FAST))
        machine.enter("The dog")
        machine.tells(expected("The dog", **FAST))


@pytest.mark.parametrize("firmware", FIRMWARES)
def test_chat(boot, volume, firmware):
    """A turn is between prefix and suffix, the answer alone is shown, and /new forgets."""
    volume.configure(autostart="off", chat_prefix="Ben said: ", chat_suffix=" Lily said: ", chat_stop=".", **FAST)
    with boot(volume.path, firmware) as machine:
        machine.start()
        assert ", chat\n" in machine.wait_for(PROMPT)
        answers = []
        for line in ("Hello", "Hello", "/new", "Hello"):
            machine.type(line + "\r")
            answers.append(machine.wait_for(PROMPT))
        first, second, _, third = (re.sub(r"\[[^\n]*\]", "", answer) for answer in answers)
        assert "Lily said" not in first and first.count(".") == 0
        assert first == third != second
