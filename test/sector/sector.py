"""The one-sector engine's files, what story.c and record.c say of them, and how a screen looks that shows a story."""
import subprocess

from places import ROOT, built, stories260k

BUILDS = ["sector", "floppy", "record"]
EMULATION = {"sector": "sector-story", "floppy": "sector-story", "record": "sector-record"}
MODELS = ["default", "stories260k"]
SECONDS = 120
COLUMNS = 80


def file(name):
    return built(f"bios/sector/{name}")


def image(build, model):
    path = f"bios/sector/{build}-{model}.img"
    return stories260k(path) if model == "stories260k" else built(path)


def story(build, model, *mode, typed=None):
    """What story.c, or record.c, prints, as bytes."""
    sector = file(f"{build}.bin"), file(f"{build}.map"), image(build, model)
    command = [built(f"host/{EMULATION[build]}"), *sector, *mode]
    result = subprocess.run(command, input=typed, capture_output=True, timeout=SECONDS, check=True)
    assert result.stderr == b""
    return result.stdout


def tokens(build, model):
    return [int(line) for line in story(build, model, "--tokens").split()]


def symbols(build):
    """Addresses by name, from the map that NASM writes."""
    lines = (line.split() for line in file(f"{build}.map").read_text().splitlines())
    return {words[-1]: int(words[0], 16) for words in lines if len(words) in (2, 3) and words[0][:1].isalnum()
            and all(c in "0123456789ABCDEF" for c in words[0])}


def screen_lines(text):
    """The lines that a BIOS makes of a text that begins with a new line; without spaces at their ends. It goes to the
    next line as soon as one is full, so a new line there leaves a blank one."""
    lines = [""]
    for c in text.decode("ascii"):
        if c == "\n":
            lines.append("")
        elif c != "\r":
            lines[-1] += c
            if len(lines[-1]) == COLUMNS:
                lines.append("")
    return [line.rstrip() for line in lines[1:]]


def without_blank_end(lines):
    last = max((number for number, line in enumerate(lines) if line), default=-1)
    return lines[:last + 1]


def told(lines, expected):
    """Whether the screen ends with the story, to the last character, or with as much of it as fits. A story that ends
    with new lines leaves blank ones."""
    shown, text = without_blank_end(lines), without_blank_end(expected)
    return shown != [] and shown[-len(text):] == text[-len(shown):]


__all__ = ["BUILDS", "MODELS", "ROOT", "file", "image", "screen_lines", "story", "symbols", "tokens", "told"]
