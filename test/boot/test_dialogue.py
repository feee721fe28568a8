"""Whole dialogues over the serial port, compared to the letter: commands, the prompt line, settings, wrong input."""
import re

import pytest

from machine import COLUMNS, FOOTER, wrapped
from stories import MODEL, expected

FIRMWARES = ["bios", "uefi"]
NAME = MODEL.name.upper()
QUIET = {"autostart": "off", "temperature": 0, "steps": 20}
WORDS = {"<n>": r" *\d+", "<x>": r" *\d+\.\d+", "<bar>": " *#+ *", "<any>": r"[^\n]*",
         "<size>": r"\d+(?: KiB|\.\d [MG]iB)", "<footer>": FOOTER.rstrip("\\n"),
         "<figures>": r"scalar,\s(?:\w+ \d+\.\d us,\s){2}\w+ \d+\.\d us\sfor\sa\spiece\sof\sthe\smodel",
         "<firmware>": "(?:BIOS|UEFI)", "<name>": re.escape(NAME)}


def pattern(text):
    """Text to the letter, with the words of WORDS for what differs from machine to machine."""
    return "".join(WORDS.get(part, re.escape(part)) for part in re.split("(<[a-z]+>)", text))


def say(machine, typed, reply):
    """Types a line; finds the echo, the reply (lines, each as wide as it may be) and the next prompt, and no more."""
    machine.type(typed + "\r")
    said = machine.wait_for(re.compile(r"\n> $"), error_allowed=True)
    reply = wrapped(reply, COLUMNS[machine.firmware]) if "<" not in reply else reply
    assert re.fullmatch(pattern(f"{typed}\n{reply}" + ("\n> " if reply else "> ")), said), said


def begin(machine):
    machine.start()
    machine.wait_for(re.compile(r"\n> $"))


HELP = """\
Enter: another story; text: a story that begins with it; /help: all commands
Esc or Ctrl-C stops a story, Up recalls earlier lines, Tab completes a command
/again          tells the last story again, with the same seed
/new            forgets the conversation
/set KEY VALUE  changes a setting, like /set seed 7; alone, shows them all
/models         lists the models on this disk
/model NAME     loads a model, by name or by its number in that list
/info           describes the machine and the model
/bench          measures how fast each kernel computes here
/kernel NAME    computes with another kernel: the same text at another speed
/save           does not exist: bootllama only reads its disk
/reboot         restarts the machine
/off            switches the machine off
/exit           returns to what started bootllama
/help           this list"""

SETTINGS = """\
prompt         = ""             a text of at most 4095 bytes
model          = ""             a text of at most 255 bytes
steps          = 20             a whole number from 0 to 1000000
temperature    = 0              a number from 0 to 100
top_p          = 0.9            a number from 0 to 1
top_k          = 0              a whole number from 0 to 1000000
min_p          = 0              a number from 0 to 1
repeat_penalty = 1              a number above 0, at most 100
seed           = 487            random or a whole number below 2^64
autostart      = off            off or on, at start
countdown      = 0              a whole number from 0 to 3600, at start
stories        = 1              a whole number from 0 to 1000000, at start
after          = prompt         prompt, reboot or off, at start
serial         = com1 115200    off, or com1 to com4 and a speed: com1 115200
wrap           = auto           auto, off or a whole number from 20 to 500
colour         = on             off or on
chat_system    = ""             a text of at most 1023 bytes
chat_prefix    = ""             a text of at most 255 bytes
chat_suffix    = ""             a text of at most 255 bytes
chat_stop      = ""             a text of at most 63 bytes
processors     = auto           auto or a whole number from 1 to 64
kernel         = auto           auto, scalar, sse2emu, sse2, avx2, avxvnni or avx512vnni
context        = 4096           a whole number from 64 to 16777216"""

PROGRESS = f"Loading /MODELS/{NAME}: [####################] 100 %, <x> MB/s\n"
LOADING = PROGRESS + ("Kernel: <any>\nModel: <any> parameters, context <n>\n"
                      "Size: <size> in the file, <size> in memory, 1 processor computes")

INFO = """\
bootllama <any> on <firmware> (<any>)
CPU: <any>
Processors: 1
Memory: <n> MiB free
Kernels: <figures>
Kernel: <any>,<x> x <any> here
Model: <any> parameters, context <n>
Size: <any> in the file, <any> in memory, 1 processor computes
Kind: Q8_0, matrices: <n> Q8_0
Kept: matrices as int8 in groups of 32, <n> of <n> exactly; vectors as F32
File: /MODELS/<name>, GGUF version 3, architecture llama
Shape: <n> layers, dim <n>, hidden <n>, <n> heads of <n>, <n> KV heads
RoPE: <n> of <n> dimensions, base 10000
Tokenizer: <n> tokens, BOS 1, EOS 2, unknown 0
In use: weights <size>, KV cache <size>, tokenizer <size>, buffers <size>
"""
TIE = "\0"  # a space at which no line is broken: a setting stands beside its value
SAMPLING = "Settings: " + ", ".join(pair.replace(" ", TIE) for pair in [
    "steps 20", "temperature 0", "top_p 0.9", "top_k 0", "min_p 0", "repeat_penalty 1", "seed 487"])

BENCH = """\
Time for a token, 128 in a row; * marks the kernel in use
  scalar<n> us <bar><x> tokens/s
  sse2emu<n> us <bar><x> tokens/s
* sse2<n> us <bar><x> tokens/s
  avx2<n> us <bar><x> tokens/s"""


def told(prompt, **settings):
    """What is said after a line that makes a story of QUIET settings."""
    return f"\n{expected(prompt, **{'temperature': 0, 'steps': 20} | settings)}\n\n<footer>"


@pytest.mark.parametrize("firmware", FIRMWARES)
def test_commands(boot, volume, firmware):
    volume.configure(kernel="sse2", **QUIET)
    with boot(volume.path, firmware) as machine:
        begin(machine)
        say(machine, "/help", HELP)
        say(machine, "/set", SETTINGS.replace("kernel         = auto", "kernel         = sse2"))
        say(machine, "/HELP", HELP)
        say(machine, "The dog", told("The dog"))
        say(machine, "/again", told("The dog"))
        say(machine, "/models", f" 1  {NAME}<any>  loaded" + "\n<any>" * (len(volume_models(volume)) - 1))
        say(machine, "/model 1", LOADING)
        say(machine, f"/model {NAME.lower()}", LOADING)
        say(machine, "", told(""))
        say(machine, "/bench", BENCH)
        say(machine, "/save", "Error: nothing can be saved: bootllama reads its disk and never writes to it")
        say(machine, "/new", "Nothing to forget: this model does not chat.")


def winner(text):
    """What /info says of the kernel in use, which must be the one that its figures, to a tenth, make the winner: of
    those within a twentieth of the fastest one's time the last."""
    figures = re.findall(r"^Kernels: ([^>]*?)\sfor\sa\spiece\s", text, re.MULTILINE)[-1]
    time = {name: float(us) for name, us in re.findall(r"(\w+) (\d+\.\d) us", figures)}
    assert list(time) == ["sse2emu", "sse2", "avx2"]  # the scalar one does not race
    chosen = re.findall(r"^Kernel: (.*)$", text, re.MULTILINE)[-1]
    kernel, lead, second = re.fullmatch(r"(\w+), (\d+\.\d) x (\w+) here", chosen).groups()
    fastest, later = min(time.values()), list(time.values())[list(time).index(kernel) + 1:]
    assert time[kernel] - 0.1 <= 1.05 * fastest and all(us + 0.1 > 1.05 * fastest for us in later)
    assert time[second] == min(us for name, us in time.items() if name != kernel)
    assert abs(float(lead) - time[second] / time[kernel]) <= 0.06
    return chosen


@pytest.mark.parametrize("firmware", FIRMWARES)
def test_info_and_kernels(boot, volume, firmware):
    """The winner of the race is what its figures say; the same text by other kernels."""
    volume.configure(**QUIET)
    with boot(volume.path, firmware) as machine:
        begin(machine)
        say(machine, "/info", INFO + wrapped(SAMPLING, COLUMNS[firmware]).replace(TIE, " "))
        chosen = winner(machine.text())
        say(machine, "/again", "Error: there is nothing to repeat yet")
        say(machine, "/kernel", f"Kernel: {chosen}")
        say(machine, "/kernel scalar", PROGRESS + "Kernel: scalar, as /set kernel says")
        say(machine, "The dog", told("The dog"))
        say(machine, "/kernel SSE2", PROGRESS + "Kernel: sse2, as /set kernel says")
        say(machine, "/again", told("The dog"))
        say(machine, "/kernel avx2", PROGRESS + "Kernel: avx2, as /set kernel says")
        say(machine, "/again", told("The dog"))
        say(machine, "/kernel auto", PROGRESS + "Kernel: <any>,<x> x <any> here")
        say(machine, "/again", told("The dog"))


AFTER_EXIT = {"bios": "bootllama has ended.\nPress a key to restart.\n", "uefi": "BdsDxe: "}


@pytest.mark.parametrize("firmware", FIRMWARES)
def test_exit(boot, volume, firmware):
    """To the firmware that started it, which goes on; a BIOS cannot, so there a key restarts."""
    volume.configure(**QUIET)
    with boot(volume.path, firmware) as machine:
        begin(machine)
        machine.type("/exit\r")
        machine.wait_for(re.compile(f"^/exit\n+{AFTER_EXIT[firmware]}"))
        if firmware == "bios":
            machine.type("x")
            begin(machine)


@pytest.mark.parametrize("firmware", FIRMWARES)
def test_completion(boot, volume, firmware):
    """What there is to choose from is listed below the line, and the line stands again."""
    volume.configure(**QUIET)
    steps = [
        ("/mo\t", "^/model$"),
        ("\t", "^\n/models  /model \n> /model$"),
        (f" {NAME[:3].lower()}\t", f" {NAME}$"),
        ("\r", "^\n(.*\n)+> $"),
        ("/set te\t", "^/set temperature $"),
        ("1.5\r", "^1.5\ntemperature = 1.5\n> $"),
        ("/kernel sc\t", "^/kernel scalar$"),
    ]
    with boot(volume.path, firmware) as machine:
        begin(machine)
        for typed, shown in steps:
            machine.type(typed)
            machine.wait_for(re.compile(shown))


def volume_models(volume):
    listing = volume.mtools("mdir", "-b", "::/MODELS").decode()
    return [line for line in listing.splitlines() if line.upper().endswith(".GGUF")]


SERIAL_CHANGED = {"bios": "serial = com1 57600",
                  "uefi": "Error: COM1 is the firmware's console: its set-up sets the speed"}


@pytest.mark.parametrize("firmware", FIRMWARES)
def test_settings(boot, volume, firmware):
    """A setting that changes the text changes it as in the host program."""
    changes = {"temperature": "1.5", "top_p": "0.95", "top_k": "40", "min_p": "0.02", "repeat_penalty": "1.1",
               "steps": "30"}
    volume.configure(**QUIET)
    with boot(volume.path, firmware) as machine:
        begin(machine)
        say(machine, "/set seed 7", "seed = 7")
        for key, value in changes.items():
            say(machine, f"/set {key} {value}", f"{key} = {value}")
        say(machine, "The dog", told("The dog", seed=7, **changes))
        say(machine, "/set prompt The cat", "prompt = The cat")
        say(machine, "", told("The cat", seed=8, **changes))
        say(machine, "/again", told("The cat", seed=8, **changes))
        say(machine, "/set seed", "seed           = 9              random or a whole number below 2^64")
        say(machine, "/set wrap off", "wrap = off")
        say(machine, "/set colour off", "colour = off")
        say(machine, "/set processors 1", "processors = 1")
        say(machine, f"/set model {NAME}", LOADING)
        say(machine, "/set serial com1 57600", SERIAL_CHANGED[firmware])
        say(machine, "/set chat_suffix \\n", "chat_suffix = \\n")
        say(machine, "/new", "The conversation is forgotten.")


@pytest.mark.parametrize("firmware", FIRMWARES)
def test_wrong_input(boot, volume, firmware):
    volume.configure(**QUIET)
    with boot(volume.path, firmware) as machine:
        begin(machine)
        say(machine, "/hepl", "Error: unknown command /hepl; did you mean /help?")
        say(machine, "/nonsense", "Error: unknown command /nonsense; /help lists all")
        say(machine, "/set nonsense 3", 'Error: there is no setting "nonsense"; /set lists them all')
        say(machine, "/set temperature -1", "Error: temperature must be a number from 0 to 100")
        say(machine, "/set steps many", "Error: steps must be a whole number from 0 to 1000000")
        say(machine, "/set colour red", "Error: colour must be off or on")
        say(machine, "/model 99", "Error: no model 99 in /MODELS; /models lists them")
        say(machine, "/model nonsense", "Error: no model nonsense in /MODELS; /models lists them")
        say(machine, f"/model {NAME[1:]}", f"Error: no model {NAME[1:]} in /MODELS; did you mean {NAME}?")
        say(machine, "/kernel mmx", "Error: unknown kernel mmx; /info lists them")
        say(machine, "/", "Error: unknown command /; /help lists all")
        say(machine, "/set tempature 3", 'Error: there is no setting "tempature"; did you mean temperature?')
        say(machine, "/set seed x", "Error: seed must be random or a whole number below 2^64")
        say(machine, "/set countdown 5", "Error: countdown takes effect only at start: write it into /BOOTLLAM.CFG")
        say(machine, "/set serial com3", "Error: no serial port answers for COM3 at 3e8h")
        say(machine, "/set chat_stop \\q",
            "Error: in chat_stop only \\n (new line), \\t (tab), \\s (space) and \\\\ are known")
        say(machine, "/set", SETTINGS)  # all as before


LEFT, RIGHT, UP, DOWN, HOME, BACKSPACE = "\x1b[D", "\x1b[C", "\x1b[A", "\x1b[B", "\x1b[H", "\b"
END, DELETE = "\x05", {"bios": "\x1b[3~", "uefi": "\x7f"}  # what OVMF's terminal takes for the key
CTRL_A, CTRL_K, CTRL_U, CTRL_W = "\x01", "\x0b", "\x15", "\x17"

EDITS = {  # keys -> the line that they make
    "Te dog" + LEFT * 5 + "h": "The dog",
    "he dog" + HOME + "T" + END + "gy": "The doggy",
    "The xdog" + LEFT * 4 + "<delete>": "The dog",
    "he dog ran" + CTRL_A + "T" + END + CTRL_W + "sat": "The dog sat",
    "The dog ran" + LEFT * 4 + CTRL_K: "The dog",
    "nonsense" + CTRL_U + "The dog": "The dog",
    "The dgo" + LEFT * 2 + RIGHT + BACKSPACE + END + BACKSPACE + "og": "The dog",
}


@pytest.mark.parametrize("firmware", FIRMWARES)
def test_line_editing(boot, volume, firmware):
    """The line that comes out is what the story begins with."""
    volume.configure(**QUIET)
    with boot(volume.path, firmware) as machine:
        begin(machine)
        for keys, line in EDITS.items():
            machine.type(keys.replace("<delete>", DELETE[firmware]) + "\r")
            machine.tells(expected(line, temperature=0, steps=20))
        machine.type(UP * 2 + DOWN + UP + UP + "\r")  # the last but two
        machine.tells(expected(list(EDITS.values())[-3], temperature=0, steps=20))


def test_line_on_the_screen(boot, volume):
    """While it is edited, the screen shows it and no more; a long one is shown in part."""
    volume.configure(**QUIET)
    with boot(volume.path) as machine:
        begin(machine)
        for keys, line in EDITS.items():
            machine.type(keys.replace("<delete>", DELETE["bios"]))
            machine.wait_for_screen(re.compile(f"> {line}$"))
            machine.type(CTRL_U + CTRL_K)
            machine.wait_for_screen(re.compile("[^ ] >$"))
        machine.type("/hel\t")
        machine.wait_for_screen(re.compile("> /help$"))
        machine.type(CTRL_U + "word " * 200 + "end")
        row = next(line for line in reversed(machine.wait_for_screen(re.compile(" end$"))) if line)
        assert row.startswith(">") and row.endswith("word end") and len(row) <= 79
        machine.type(HOME + CTRL_K + "The dog\r")
        machine.tells(expected("The dog", temperature=0, steps=20))


@pytest.mark.parametrize("firmware", FIRMWARES)
def test_keys_of_the_keyboard(boot, volume, firmware):
    """Cursor keys, history and completion on the PS/2 keyboard."""
    volume.configure(**QUIET)
    with boot(volume.path, firmware) as machine:
        begin(machine)
        machine.press("e", "spc", "d", "o", "x", "g", "left", "backspace", "home", "shift-t", "h", "end", "ret")
        machine.tells(expected("The dog", temperature=0, steps=20))
        machine.press("shift-a", "ret")
        machine.tells(expected("A", temperature=0, steps=20))
        machine.press("up", "up", "ret")
        machine.tells(expected("The dog", temperature=0, steps=20))
        machine.press("slash", "s", "a", "tab", "ret")
        machine.wait_for("never writes to it\n> ", error_allowed=True)


def test_a_prompt_of_many_characters(boot, volume):
    """More than a thousand, as one line; what the model's context cannot hold is refused."""
    volume.configure(**QUIET | {"steps": 0})
    prompt = "the cat and " * 90 + "the dog"
    assert len(prompt) > 1000
    with boot(volume.path) as machine:
        begin(machine)
        machine.type(prompt + "\r")
        machine.tells(expected(prompt, temperature=0))
        machine.type("a b c d e f g h i j k l " * 40 + "m\r")
        said = machine.wait_for(re.compile(r"\n> $"), error_allowed=True)
        assert "Error: the prompt is longer than the model's context of 512 tokens" in " ".join(said.split())
        say(machine, "/set steps 20", "steps = 20")
        say(machine, "The dog", told("The dog"))
