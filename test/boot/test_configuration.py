"""Every key of BOOTLLAM.CFG does at start what the file says of it."""
import re
import socket
import time

import pytest

from machine import COLUMNS, FIRMWARE_SECONDS, FOOTER, HINT, SECONDS, STORY, plain, wrapped
from stories import DEFAULT_SEED, MODEL, expected
from terminal import Terminal
from thinking_model import thinking_model
from volume import models

FIRMWARES = ["bios", "uefi"]
PROMPT = re.compile(r"\n> $")
FAST = {"steps": 20, "temperature": 0}


@pytest.mark.parametrize("firmware", FIRMWARES)
def test_story(boot, volume, firmware):
    """The settings of a story, in a file as Notepad writes it."""
    settings = {"temperature": 1.5, "top_p": 0.95, "top_k": 40, "min_p": 0.02, "repeat_penalty": 1.1, "steps": 40,
                "seed": 7}
    lines = ["\ufeff; a stick's own settings", "", "COUNTDOWN=0", 'Prompt = " The cat"',
             f"model = {MODEL.name.lower()}",
             *(f"  {key.upper()}  =  {value}  " for key, value in settings.items())]
    volume.put("\r\n".join(lines).encode(), "/BOOTLLAM.CFG")
    with boot(volume.path, firmware) as machine:
        machine.start()
        machine.tells(expected(" The cat", **settings))


@pytest.mark.parametrize("firmware", FIRMWARES)
def test_wrong_lines(boot, volume, firmware):
    """A wrong line is named with what is allowed; the other lines count."""
    lines = ["# settings", "temperature = 0", "top_p = 1.5", "colr = red", "STEPS=60", "just words", "seed",
             "serial = com9", 'prompt = "The cat"', "countdown = -1", "wrap = 5", "after = party"]
    wrong = {
        3: "top_p must be a number from 0 to 1",
        4: 'there is no setting "colr"; did you mean colour?',
        6: "write a setting as key = value",
        7: "write a setting as key = value",
        8: "serial must be off, or com1 to com4 and a speed: com1 115200",
        10: "countdown must be a whole number from 0 to 3600",
        11: "wrap must be auto, off or a whole number from 20 to 500",
        12: "after must be prompt, reboot or off",
    }
    messages = [f"Error: /BOOTLLAM.CFG, line {number}: {message}\n" for number, message in wrong.items()]
    volume.put("\n".join(lines).encode(), "/BOOTLLAM.CFG")
    with boot(volume.path, firmware) as machine:
        machine.start()
        said = machine.wait_for("Loading", error_allowed=True)
        assert said[said.index("Error"):] == wrapped("".join(messages), COLUMNS[firmware]) + "Loading"
        machine.tells(expected("The cat", temperature=0, steps=60))


@pytest.mark.parametrize("name, encoding, line_end", [
    ("BOOTLLAM.CFG.txt", "utf-8", "\r\n"), ("bootllama.cfg", "utf-16", "\r\n"), ("BOOTLLAM.CFG", "utf-16-be", "\n"),
    ("BOOTLLAM.CFG", "utf-8", "\r")], ids=["Notepad", "another-name", "UTF-16", "CR"])
@pytest.mark.parametrize("firmware", FIRMWARES)
def test_files_of_other_editors(boot, volume, firmware, name, encoding, line_end):
    lines = ["; settings", "countdown = 0 ; at once", "temperature = 0", "steps = 20 # short", 'prompt = "Lily # 1"',
             ""]
    volume.delete("/BOOTLLAM.CFG")
    volume.put(line_end.join(lines).encode(encoding) + b"\x1a"[:encoding == "utf-8"], "/" + name)
    with boot(volume.path, firmware) as machine:
        machine.start()
        machine.tells(expected("Lily # 1", temperature=0, steps=20))


@pytest.mark.parametrize("firmware", FIRMWARES)
def test_files_that_are_not_read_are_named(boot, volume, firmware):
    volume.configure(temperature=0, steps=20)
    volume.put(b"seed = 5", "/bootllama.cfg.txt")
    with boot(volume.path, firmware) as machine:
        machine.start()
        said = machine.wait_for("Loading", error_allowed=True)
        assert said.endswith("\n" + wrapped("Error: /BOOTLLAM.CFG is used; /bootllama.cfg.txt is ignored: keep one of "
                                            "them\n", COLUMNS[firmware]) + "Loading")
        machine.tells(expected(temperature=0, steps=20))


def test_file_too_long(boot, volume):
    """A configuration that is too long is left out as a whole, with a message."""
    volume.put(b"temperature = 0\n" + b"#" * 65536, "/BOOTLLAM.CFG")
    with boot(volume.path) as machine:
        machine.start()
        assert machine.wait_for("Loading", error_allowed=True).endswith(
            "\nError: /BOOTLLAM.CFG is longer than 65536 bytes; it is ignored\nLoading")
        machine.tells(expected())


def test_file_that_cannot_be_read(boot, volume):
    volume.configure(temperature=0)
    lba = volume.lba(volume.chain("/BOOTLLAM.CFG")[0])
    with boot(volume.path, errors=[{"once": "off", "sector": lba}]) as machine:
        machine.start()
        said = " ".join(machine.wait_for("Loading", error_allowed=True).split())
        assert re.search(r" Error: /BOOTLLAM\.CFG cannot be read: "
                         rf"INT 13h status [0-9a-f]{{2}}h at LBA {lba}; it is ignored Loading$", said)
        machine.tells(expected())


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
    """The countdown ends in a story, or by a key in the prompt; either way it leaves nothing on the line."""
    volume.configure(countdown=3, **FAST)
    with boot(volume.path, firmware) as machine:
        wait_for_countdown(machine)
        start = machine.clock()
        machine.tells(expected(**FAST))
        assert 2 < machine.clock() - start < 20
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
    """Three stories, each with the next seed; then the machine is off."""
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
    """The stories of two power-ons differ, and show how to repeat them."""
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
def test_wrap(boot, volume, firmware):
    """From the file on, and as /set changes it."""
    volume.configure(wrap=20, **FAST)
    text = expected(**FAST)
    with boot(volume.path, firmware) as machine:
        machine.start()
        assert machine.story().text == wrapped(text, 20)
        for width in 40, "off":
            machine.type(f"/set wrap {width}\r")
            machine.wait_for(f"\nwrap = {width}\n> ")
            machine.type("\r")
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
    """Bright for the name and the prompt's sign, red for errors, cyan for figures and hints, grey for the story; the
    serial port has none of it."""
    shown, raw = colours(boot, volume)
    assert shown["bootllama"] == shown[">"] == 0x0F and shown["Error:"] == 0x0C
    assert shown[f"[{FAST['steps']}"] == shown["Enter:"] == 0x03
    assert shown[expected(**FAST).split()[0]] == 0x07
    assert b"\x1b" not in raw
    shown, raw = colours(boot, volume, colour="off")
    assert set(shown.values()) == {0x07}


# Where thinking begins and ends on the serial port: our own sequences, and those of OVMF's terminal for dark grey.
DIMMED = {"bios": rb"\x1b\[2m<think>[^\x1b]*</think>\x1b\[0m",
          "uefi": rb"\x1b\[1m\x1b\[30m\x1b\[40m<think>.*</think>\x1b\[0m\x1b\[37m\x1b\[40m"}
DARK_GREY = 8


@pytest.mark.parametrize("firmware", FIRMWARES)
def test_thinking_is_dimmed(boot, volume, tmp_path, firmware):
    """On the screen and on the serial port, and what follows is not."""
    volume.put(thinking_model(MODEL, tmp_path / "think.gguf"), "/MODELS/THINK.GGUF")
    volume.configure(model="think", steps=12, temperature=0, countdown=0)
    with boot(volume.path, firmware) as machine:
        machine.start()
        machine.wait_for(PROMPT)
        assert re.search(DIMMED[firmware], machine.raw, re.DOTALL), machine.raw
        if firmware == "bios":
            machine.wait_for_screen(re.compile("> *>$|commands >$"))
            cells = machine.cells()
            text = b"".join(character for character, _ in cells)
            begin, end = text.find(b"<think>"), text.find(b"</think>")
            assert 0 < begin < end
            assert {attribute for _, attribute in cells[begin:end + 8]} - {DARK_GREY} <= {7}
            assert all(attribute == DARK_GREY for _, attribute in cells[begin:begin + 7] + cells[end:end + 8])
            assert cells[begin - 1][1] != DARK_GREY != cells[end + 8][1]


# What edk2's graphics console makes of light grey, cyan, white and light red, on black.
GREY, CYAN, WHITE, RED, BLACK = (152, 152, 152), (0, 152, 152), (255, 255, 255), (255, 0, 0), (0, 0, 0)


def pixels(machine):
    """The colours on the screen."""
    dump = machine.folder / "screen.ppm"
    machine.ask("screendump", filename=str(dump))
    _, width, height, _, _ = (data := dump.read_bytes()).split(maxsplit=4)
    content = data[-3 * int(width) * int(height):]
    return {tuple(content[at:at + 3]) for at in range(0, len(content), 3)}


def wait_for_pixels(machine, colours):
    limit = machine.clock() + FIRMWARE_SECONDS[machine.firmware]
    while (seen := pixels(machine)) != colours:
        assert machine.clock() < limit, seen
        time.sleep(1)


@pytest.mark.parametrize("firmware", ["uefi", "uefi32"])
def test_colour_on_uefi(boot, volume, firmware):
    """Where no serial terminal is behind the firmware's console; typed blindly, since it shows graphics."""
    volume.configure(**FAST)
    with boot(volume.path, firmware, serial=False) as machine:
        wait_for_pixels(machine, {BLACK, GREY, CYAN, WHITE})
        machine.press("slash", "x", "ret")
        wait_for_pixels(machine, {BLACK, GREY, CYAN, WHITE, RED})


def test_colour_off_on_uefi(boot, volume):
    volume.configure(colour="off", **FAST)
    with boot(volume.path, "uefi", serial=False) as machine:
        wait_for_pixels(machine, {BLACK, GREY})
        machine.press("slash", "x", "ret")
        time.sleep(2)
        assert pixels(machine) == {BLACK, GREY}


COM2 = ["-chardev", "file,id=second,path={}", "-device", "isa-serial,index=1,chardev=second"]


def second_port(path):
    return [word.format(path) for word in COM2]


def test_other_serial_port(boot, volume, tmp_path):
    """COM1 has the first line, COM2 all after it."""
    volume.configure(serial="com2 57600", after="off", **FAST)
    with boot(volume.path, options=second_port(tmp_path / "com2")) as machine:
        machine.start()
        assert machine.process.wait(60) == 0
        said = (tmp_path / "com2").read_text()
        assert said.startswith("bootllama ") and STORY.search(said + "> ")
        assert wrapped(expected(**FAST), COLUMNS["bios"]) in said


class Port:
    """The other end of a second serial port, COM`number`."""

    def __init__(self, number, path):
        self.options = ["-chardev", f"socket,id=second,path={path},server=on,wait=off",
                        "-device", f"isa-serial,index={number - 1},chardev=second"]
        self.path, self.raw, self.said = path, b"", 0

    def __enter__(self):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(self.path))
        return self

    def __exit__(self, *_):
        self.socket.close()

    def type(self, text):
        self.socket.sendall(text.encode())

    def wait_for(self, pattern, seconds=SECONDS):
        """Returns what came up to the end of the pattern, since the last one that was waited for."""
        self.socket.settimeout(seconds)
        while not (found := re.compile(pattern, re.DOTALL).search(plain(self.raw), self.said)):
            self.raw += self.socket.recv(4096) or pytest.fail(f"QEMU has ended: {plain(self.raw)!r}")
        start, self.said = self.said, found.end()
        return plain(self.raw)[start:self.said]


@pytest.mark.parametrize("firmware, number", [("bios", 2), ("bios", 3), ("bios", 4), ("uefi", 2), ("uefi", 4)])
def test_session_on_another_port(boot, volume, tmp_path, firmware, number):
    """A whole session on the port that the configuration names, and back to COM1 by a command."""
    volume.configure(serial=f"com{number} 57600", **FAST)
    port = Port(number, tmp_path / "port")
    with boot(volume.path, firmware, options=port.options) as machine, port:
        port.wait_for("bootllama [^\n]+ on .*\n> $")
        port.type("The dog\r")
        text = wrapped(expected("The dog", **FAST), COLUMNS[firmware])
        assert f"The dog\n\n{text}\n\n[" in port.wait_for("length reached\\]\n> $")
        if firmware == "bios":
            assert "The dog" not in machine.text()
            port.type("/set serial com1\r")
            machine.wait_for("serial = com1 115200\n> ")
            machine.enter("The cat")
            machine.tells(expected("The cat", **FAST))
            assert "The cat" not in plain(port.raw)


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_a_key_wakes_the_machine(boot, volume, tmp_path, number):
    """By the port's interrupt, IRQ 4 or 3: the timer alone would let each key wait for up to 55 ms."""
    volume.configure(serial=f"com{number}", autostart="off")
    port = Port(number, tmp_path / "port")
    with boot(volume.path, options=port.options if number > 1 else ()) as machine:
        delays = []
        if number > 1:
            port.__enter__()
            port.wait_for("\n> $")
        else:
            port = machine
            machine.start()
            machine.wait_for(PROMPT)
        for _ in range(31):
            start = time.monotonic()
            port.type("x")
            port.wait_for("x")
            delays.append(time.monotonic() - start)
        assert sorted(delays)[15] < 0.025, delays


@pytest.mark.parametrize("serial", ["off", "com4 9600"])
def test_no_serial_port(boot, volume, serial):
    """Without a serial port the screen continues. A missing port is named, and COM1 stays."""
    volume.configure(serial=serial, **FAST)
    with boot(volume.path) as machine:
        machine.start()
        if serial == "off":
            machine.wait_for_screen(re.compile("length reached.* >$"))
            assert machine.rest() == "stage 2, drive 80h, memory, x87, disk\n"
        else:
            machine.wait_for("Error: /BOOTLLAM.CFG, serial: no serial port answers for COM4 at 2e8h\n",
                             error_allowed=True)
            machine.tells(expected(**FAST))


def test_firmware_keeps_its_serial_port(boot, volume):
    """On UEFI the firmware's own console is on COM1, whatever we send ourselves."""
    volume.configure(serial="off", **FAST)
    with boot(volume.path, "uefi") as machine:
        machine.start()
        machine.tells(expected(**FAST))
        machine.enter("The dog")
        machine.tells(expected("The dog", **FAST))


CHAT = {"chat_prefix": r"Ben said:\s", "chat_suffix": r"\sLily said:\s", "chat_stop": "."}
TURNS = ["Hello", "Where is the cat?", "/again", "/new", "Hello"]


def answer(said):
    """The words of it, without figures and prompt; in ASCII, as OVMF's serial terminal has it."""
    return re.sub(r"\[[^\n]*\]", "", said).removesuffix("> ").encode("ascii", "replace").decode().split()


def host_answers(settings):
    """To TURNS, in the session of the host program."""
    with Terminal(MODEL) as terminal:
        terminal.wait_for("\n> ")
        for key, value in settings.items():
            assert f"{key} = {value}\n" in terminal.ask(f"/set {key} {value}")
        return [answer(terminal.ask(line)) for line in TURNS]


@pytest.mark.parametrize("firmware", FIRMWARES)
def test_chat(boot, volume, firmware):
    """A turn is between prefix and suffix, the answer alone is shown, and /new forgets."""
    settings = {"temperature": 0, "steps": 0} | CHAT
    volume.configure(autostart="off", **settings)
    answers = []
    with boot(volume.path, firmware) as machine:
        machine.start()
        assert ", chat\n" in machine.wait_for(PROMPT)
        for line in TURNS:
            machine.type(line + "\r")
            answers.append(answer(machine.wait_for(PROMPT)))
    assert answers == host_answers(settings)
    first, second, again, _, third = (words[words.index(line.split()[-1]) + 1:] for words, line in zip(answers, TURNS))
    assert first == third != second == again and "said:" not in first + second and "." not in "".join(first + second)
