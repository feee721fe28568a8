"""The host program on a terminal: the session of the boot disk."""
import fcntl
import os
import re
import shutil
import signal
import struct
import termios
import time

import pytest

import wide_model
from host import SECONDS, model_file, tell
from terminal import Terminal, plain, words
from thinking_model import thinking_model

HINT = "Enter: another story; text: a story that begins with it; /help: all commands\n"
SEED = 487  # of the first story

# From the banner to the figures of the first story.
START = (r"bootllama [\d.]+ on host\nCPU: [^\n]+\nProcessors: \d+\nMemory: \d+ MiB free\n"
         r"Loading /MODELS/DEFAULT\.GGUF: \[#{20}\] 100 %(, \d+\.\d MB/s)?\n"
         r"Kernel: \w+, [^\n]+\nModel: [^\n]+ parameters, context 512\n"
         r"Size: \d+ KiB in the file, \d\.\d MiB in memory, 1 processor computes\n\n(.*)\n\n"
         r"\[\d+ tokens, \d+\.\d tokens/s, first after (\d+ us|\d+\.\d m?s)\]\n")


@pytest.fixture(scope="module")
def wide(tmp_path_factory):
    return wide_model.write(tmp_path_factory.mktemp("wide"))


@pytest.fixture
def folder(tmp_path, wide):
    for path in model_file("DEFAULT.GGUF"), wide:
        shutil.copy(path, tmp_path)
    return tmp_path


def test_a_session(folder):
    """The story of a one-shot run, another one, a command, and exit."""
    model = folder / "DEFAULT.GGUF"
    with Terminal(model) as terminal:
        start = terminal.wait_for(HINT + "> ")
        assert not terminal.is_restored()
        assert re.fullmatch(START, start[:-len(HINT + "> ")], re.DOTALL)
        assert words(tell(model)) in words(start)
        assert words(tell(model, "--seed", SEED + 1)) in words(terminal.ask(""))
        assert words(tell(model, "--seed", SEED + 2, "--prompt", "The cat")) in words(terminal.ask("The cat"))
        assert "Error: unknown command /hepl; did you mean /help?\n" in terminal.ask("/hepl")
        terminal.type("/exit\r")
        assert terminal.process.wait(SECONDS) == 0
        assert terminal.is_restored()


def test_models_of_the_folder(folder):
    with Terminal(folder / "WIDE.GGUF") as terminal:
        terminal.wait_for(HINT + "> ")
        listed = re.findall(r"^ +(\d)  (\S+) .*  (\w+)$", terminal.ask("/models"), re.MULTILINE)
        assert len(listed) == 2
        assert {name: state for _, name, state in listed} == {"DEFAULT.GGUF": "fits", "WIDE.GGUF": "loaded"}
        assert "Model: bootllama default, " in terminal.ask("/model default")
        assert words(tell(folder / "DEFAULT.GGUF", "--seed", SEED + 1)) in words(terminal.ask(""))


def test_a_folder_of_thousands(folder):
    """The folder is read once: rereading it for every entry would take half a minute."""
    for number in range(6000):
        (folder / f"note-{number}.txt").touch()
    with Terminal(folder / "WIDE.GGUF") as terminal:
        start = time.monotonic()
        terminal.wait_for(HINT + "> ")
        assert terminal.ask("/models").count("GGUF") == 2
        assert time.monotonic() - start < 10


@pytest.mark.parametrize("name", ["model.bin", "a \"quoted\" name.gguf", ".hidden.gguf", "a\" # b.gguf",
                                  "a # b.gguf", "x\"\"y\""])
def test_models_of_any_name(tmp_path, name):
    shutil.copy(model_file("DEFAULT.GGUF"), tmp_path / name)
    with Terminal(tmp_path / name) as terminal:
        assert words(tell(model_file("DEFAULT.GGUF"))) in words(terminal.wait_for(HINT + "> "))


def test_no_such_model(tmp_path):
    with Terminal(tmp_path / "none.gguf") as terminal:
        assert "Error: no model none.gguf in /MODELS; /models lists them\n" in terminal.wait_for("\n> ")


def test_keys(folder):
    """Editing, history and completion; Ctrl-C stops a story at once."""
    with Terminal(folder / "DEFAULT.GGUF") as terminal:
        terminal.wait_for(HINT + "> ")
        terminal.type("/set sed\x1b[D\x1b[D\x7fse\x1b[F 7\x1b[H\x1b[3~/\r")
        assert "seed = 7\n" in terminal.wait_for("\n> ")
        terminal.type("/se\t")
        terminal.type("te\t0.5\r")
        assert "temperature = 0.5\n" in terminal.wait_for("\n> ")
        terminal.type("\x1b[A\x1b[A\r")
        assert "seed = 7\n" in terminal.wait_for("\n> ")
        terminal.type("The cat\r\x03")
        assert re.search(r"\n\[\d tokens, .*, stopped\]\n", terminal.wait_for("\n> "))


@pytest.mark.parametrize("columns", [40, 200])
def test_lines_end_before_the_edge(folder, columns):
    with Terminal(folder / "DEFAULT.GGUF", columns=columns) as terminal:
        said = terminal.wait_for("[") + terminal.wait_for("tokens/s")
        story = said[said.index("compute"):].partition("\n\n")[2].partition("\n\n")[0]
        assert words(story) == words(tell(folder / "DEFAULT.GGUF"))
        assert max(map(len, story.splitlines())) < columns
        fcntl.ioctl(terminal.theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 25, 30, 0, 0))
        os.killpg(terminal.process.pid, signal.SIGWINCH)
        terminal.wait_for("\n> ")
        again = terminal.ask("/again")
        assert max(map(len, again.partition("\n\n")[2].partition("\n\n")[0].splitlines())) < 30


@pytest.mark.parametrize("leave", ["control-d", "control-d in a story", "/off", "/reboot"])
def test_ways_out(folder, leave):
    with Terminal(folder / "DEFAULT.GGUF") as terminal:
        terminal.wait_for(HINT + "> ")
        terminal.type({"control-d": "half a line\x04", "control-d in a story": "\r\x04"}.get(leave, leave + "\r"))
        assert terminal.process.wait(SECONDS) == 0
        assert terminal.is_restored()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGABRT])
def test_signals(folder, number):
    with Terminal(folder / "DEFAULT.GGUF") as terminal:
        terminal.wait_for(HINT + "> ")
        assert not terminal.is_restored()
        terminal.process.send_signal(number)
        assert terminal.process.wait(SECONDS) == -number
        assert terminal.is_restored()


def test_a_stop_gives_the_terminal_back_for_a_while(folder):
    with Terminal(folder / "DEFAULT.GGUF") as terminal:
        terminal.wait_for(HINT + "> ")
        terminal.process.send_signal(signal.SIGTSTP)
        assert os.WIFSTOPPED(os.waitpid(terminal.process.pid, os.WUNTRACED)[1])
        assert terminal.is_restored()
        terminal.process.send_signal(signal.SIGCONT)
        assert "steps = 3\n" in terminal.ask("/set steps 3")
        assert not terminal.is_restored()


def test_colours(folder):
    with Terminal(folder / "DEFAULT.GGUF") as terminal:
        terminal.wait_for(HINT + "> ")
        assert b"\x1b[1mbootllama" in terminal.raw and b"\x1b[2m[" in terminal.raw
    with Terminal(folder / "DEFAULT.GGUF", environment={"NO_COLOR": "1"}) as terminal:
        terminal.wait_for(HINT + "> ")
        assert b"\x1b" not in terminal.raw


def test_processors(folder):
    with Terminal(folder / "DEFAULT.GGUF", "--processors", 2) as terminal:
        said = terminal.wait_for(HINT + "> ")
        assert "\nProcessors: 2\n" in said and ", 2 processors compute\n" in said
        assert words(tell(folder / "DEFAULT.GGUF")) in words(said)


def test_options_ask_for_one_story(folder):
    with Terminal(folder / "DEFAULT.GGUF", "--seed", SEED) as terminal:
        terminal.wait_for("tokens/s")
        assert terminal.process.wait(SECONDS) == 0
        assert words(tell(folder / "DEFAULT.GGUF")) in words(plain(terminal.raw))
        assert "> " not in plain(terminal.raw)


def test_thinking_is_dimmed(tmp_path):
    """Also where the story ends before it does, and nothing else is."""
    model = thinking_model(model_file("DEFAULT.GGUF"), tmp_path / "THINK.GGUF")
    for steps, end in (12, rb"</think>\x1b\[0m"), (8, rb"\x1b\[0m\r\n"):
        with Terminal(model) as terminal:
            terminal.wait_for(HINT + "> ")
            terminal.ask("/set temperature 0")
            terminal.ask(f"/set steps {steps}")
            before = len(terminal.raw)
            terminal.ask("")
            assert re.search(rb"\x1b\[2m<think>[^\x1b]*" + end, terminal.raw[before:]), terminal.raw[before:]


def test_the_oldest_turns_go(tmp_path):
    """In a small context: a line says so, the conversation goes on, and a turn that is too long changes nothing."""
    full = r"The context of 64 tokens is full: the (oldest turn is|\d oldest turns are) forgotten\.\n"
    with Terminal(model_file("DEFAULT.GGUF")) as terminal:
        terminal.wait_for(HINT + "> ")
        for setting in ("context 64", "temperature 0", "steps 12", r"chat_prefix Ben:\s", r"chat_suffix \sLily:\s"):
            terminal.ask("/set " + setting)
        lines = ["Hello", "What is it?", "Where is the cat?", "/again", "Hello", "Why?"]
        answers = [terminal.ask(line) for line in lines]
        told = [len(re.findall(full, answer)) for answer in answers]
        assert told[:2] == [0, 0] and told[3] == 0 and 1 <= sum(told[2:]) and max(told) == 1
        assert all(re.search(r"\n\[\d+ tokens", answer) for answer in answers)
        assert all(int(re.search(r"\n\[(\d+) tokens", answer)[1]) <= 64 for answer in answers)
        long = terminal.ask("the cat " * 40)
        assert long.endswith("Error: this turn is too long for the context of 64 tokens; shorten it\n> ")
        assert re.search(r"\n\[\d+ tokens", terminal.ask("Hello"))
