"""Starts the machine of a row, and finds on its serial port or screen what it has to say."""
import functools
import re
import shlex
import shutil
import string
import sys
import tempfile
import threading
import time
from collections import namedtuple
from pathlib import Path

TEST = Path(__file__).resolve().parents[1]
sys.path += [str(TEST / folder) for folder in ("boot", "support") if str(TEST / folder) not in sys.path]

import bochs  # noqa: E402
import columns  # noqa: E402
import glyphs  # noqa: E402
import v86  # noqa: E402
from linux_loaders import KERNEL, direct, settings  # noqa: E402
from machine import COLUMNS, STORY, Failure, Machine, plain, wrapped  # noqa: E402
from option_rom import X2APIC, assembled, option_rom  # noqa: E402
from places import BUILD  # noqa: E402
from stories import DEFAULT_SEED, IMAGE, MODEL, SHIPPED_IMAGE, expected  # noqa: E402
from volume import Volume, run  # noqa: E402

FOLDER = BUILD / "test/machines"  # images, which the commands of failures name
SECONDS = 240  # for a machine whose firmware has started, or that has no serial port to tell that
PERIOD_SECONDS = 0.5
KINDS = {"disk": "disk.img", "floppy": "floppy.img", "cd": "cd.iso"}
BUILT = {"disk": SHIPPED_IMAGE, "floppy": BUILD / "bootllama-floppy.img", "cd": BUILD / "bootllama.iso",
         "kernel": KERNEL}
PATH = f"/MODELS/{MODEL.name.upper()}" if MODEL else None
ALPHABET = string.ascii_letters + string.digits
LINES_LEARNT = 20  # of a screen: the end of a story, and the alphabet

# words: what of the banner is worth a place in the table.
Outcome = namedtuple("Outcome", "passed words seconds error command")


@functools.cache
def image(kind):
    """The disk, floppy or CD as it is built, but for a story that begins at once."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / KINDS[kind]
    if kind == "disk":
        run("cp", "--sparse=always", IMAGE, path)
    elif kind == "cd":
        run("cp", "--sparse=always", BUILT[kind], path)
        Volume(path).configure()
    else:
        shutil.copy(BUILT[kind], path)
        run("mcopy", "-o", "-i", path, "-", "::/BOOTLLAM.CFG", input=b"countdown = 0\r\n")
    return path


def image_of(row):
    """None for a machine without a disk."""
    kinds = {"kernel": None} | dict.fromkeys(columns.FLOPPIES, "floppy") | dict.fromkeys(columns.CDS, "cd")
    kind = kinds.get(row["medium"], "disk")
    return image(kind) if kind else None


def name(row):
    return "machine-" + re.sub(r"\W+", "-", "-".join(row.values())).strip("-")


def qemu_options(row):
    memory, options = columns.MEMORY[row["memory"]], []
    if memory.below:
        options += ["-machine", f"max-ram-below-4g={memory.below}M"]
    if row["medium"] == "kernel":
        options += direct(MODEL, settings(seed=DEFAULT_SEED))
    return [*options, "-smp", columns.PROCESSORS[row["processors"]].smp, *columns.DISPLAYS[row["display"]]]


def qemu_machine(row, serial=None):
    """The machine of a row; serial: with COM1 or without, whatever the row says."""
    return Machine(name(row), image_of(row), columns.QEMU[row["firmware"]], cpu=columns.CPUS[row["cpu"]].qemu,
                   memory=columns.MEMORY[row["memory"]].mib,
                   medium=None if row["medium"] == "kernel" else row["medium"],
                   serial=row["serial"] == "COM1" if serial is None else serial, options=qemu_options(row))


def width(row):
    return 80 if row["display"] == "none" else COLUMNS[columns.QEMU.get(row["firmware"], "bios")]


def wanted(row):
    """The lines that the machine has to show: those of the story, or of its refusal."""
    line = columns.refusal(row)
    text = line.format(model=PATH) if line else expected()
    return wrapped(text, width(row)).split("\n")


def at_prompt(lines):
    """Whether the last line is a prompt with nothing typed; a cursor of pixels is read as an unknown letter."""
    return re.fullmatch(r"> *\??", next((line for line in reversed(lines) if line.strip()), "").rstrip())


def shows(row, lines):
    """Whether these lines have those wanted, one below the other; under a story a blank line, its figures and the
    prompt. Where a console of OVMF is as wide as its screen, lines end elsewhere."""
    if not columns.refusal(row) and not at_prompt(lines):
        return False
    if row["firmware"] in columns.OVMF and row["serial"] == "none":
        figures = [] if columns.refusal(row) else ["["]
        return " ".join([*" ".join(wanted(row)).split(), *figures]) in " ".join(" ".join(lines).split())
    lines, text = [line.rstrip() for line in lines], [line.rstrip() for line in wanted(row)]
    for first in range(len(lines) - len(text) - 2):
        blank, figures = lines[first + len(text):][:2]
        if lines[first:first + len(text)] == text:
            return bool(columns.refusal(row)) or blank == "" and figures.startswith("[")
    return False


def banner(text):
    """What the program has found: kernel, processors, memory."""
    found = (re.search(rf"^{word}: ([^,\n]+)", text, re.MULTILINE) for word in ("Kernel", "Processors", "Memory"))
    return [match[1] if match else "" for match in found]


def check_banner(row, text):
    number = re.search(r"^Processors: (\d+)", text, re.MULTILINE)
    if number and int(number[1]) != columns.processors(row):
        raise Failure(f"{number[0]}, but there are {columns.processors(row)}")
    memory, (least, most) = re.search(r"^Memory: (\d+) MiB", text, re.MULTILINE), columns.free_memory(row)
    if memory and not least <= int(memory[1]) <= most:
        raise Failure(f"{memory[0]} are free, but {least} to {most} can be")


# ---- QEMU ----

letters_lock, letters_known = threading.Lock(), {}


def letters(row):
    """Of the row's firmware, from its like with a serial port. SeaBIOS writes text without VGA in a mode of its own."""
    key = row["firmware"], row["display"] in columns.WITHOUT_TEXT_MEMORY
    with letters_lock:
        if key not in letters_known:
            plainest = row | {"medium": "ahci", "cpu": "newest", "memory": "256", "processors": "1"}
            with qemu_machine(plainest, serial=True) as machine:
                machine.start()
                machine.wait_for(STORY)
                machine.enter(f"/{ALPHABET}")
                machine.wait_for("\n> ", error_allowed=True)
                time.sleep(PERIOD_SECONDS)
                lines = machine.text().rstrip("> \n").split("\n")[-LINES_LEARNT:]
                letters_known[key] = glyphs.learn(picture(machine), lines)
        return letters_known[key]


def picture(machine):
    dump = machine.folder / "screen.ppm"
    machine.ask("screendump", filename=str(dump), format="ppm")
    return glyphs.Picture(dump)


def has_text_memory(row):
    return row["firmware"] == "SeaBIOS" and row["display"] not in columns.WITHOUT_TEXT_MEMORY


def read_screen(machine, row, known):
    """The lines of the screen, until they show what is wanted. known: letters of pixels, None: there is text memory."""
    limit = time.monotonic() + SECONDS
    while not shows(row, lines := picture(machine).text(known) if known else machine.screen()):
        if time.monotonic() > limit:
            raise Failure("not on the screen in time; there is\n" + "\n".join(lines))
        time.sleep(PERIOD_SECONDS)
    return "\n".join(lines)


def read_serial(machine, row):
    """All that the serial port says, which has the text wanted."""
    machine.start()
    text = "\n".join(wanted(row))
    if columns.refusal(row):
        machine.wait_for("\n" + text + "\n", error_allowed=True)
    else:
        said = STORY.search(machine.wait_for(STORY))[1]
        if said != text:
            raise Failure(f"another text:\n{said}")
    return machine.text()


def in_qemu(row):
    machine, serial = qemu_machine(row), row["serial"] == "COM1"
    known = None if serial or has_text_memory(row) else letters(row)  # before it starts: a refusal soon goes
    with machine:
        text = read_serial(machine, row) if serial else read_screen(machine, row, known)
    check_banner(row, text)
    return text


# ---- Bochs and v86 ----

def rom_of(row, folder):
    """None for a machine without an option ROM."""
    if "x2APIC" not in row["processors"]:
        return None
    option_rom(folder / "rom", assembled(folder, X2APIC))
    return folder / "rom"


def in_bochs(row):
    cpu, memory = columns.CPUS[row["cpu"]].bochs, columns.MEMORY[row["memory"]].mib
    drive = "floppy" if row["medium"] in columns.FLOPPIES else "hard disk"
    folder, serial = Path(tempfile.mkdtemp(prefix="bootllama-")), row["serial"] == "COM1"
    try:
        with bochs.Bochs(folder, image_of(row), drive, cpu, memory, columns.PROCESSORS[row["processors"]].number,
                         columns.BOCHS_DISPLAYS[row["display"]], serial, rom_of(row, folder)) as machine:
            limit = time.monotonic() + SECONDS
            while True:
                screen = machine.run(PERIOD_SECONDS)
                text = plain(machine.said()) if serial else "\n".join(screen)
                if shows(row, text.split("\n")):
                    break
                if time.monotonic() > limit:
                    raise Failure(f"not shown in time; there is\n{text}")
    finally:
        shutil.rmtree(folder)
    check_banner(row, text)
    return text


def in_v86(row):
    drive = "fda" if row["medium"] in columns.FLOPPIES else "hda"
    memory = columns.MEMORY[row["memory"]].mib
    return "\n".join(v86.wait_for_screen(lambda lines: shows(row, lines), SECONDS, image_of(row), drive, memory=memory))


def command(row):
    """What starts the row's machine again, for a shell."""
    if row["firmware"] in columns.QEMU:
        machine = qemu_machine(row)
        shutil.rmtree(machine.folder)
        return machine.shell_command()
    return "test/machines/run " + shlex.join(f"{column}={value}" for column, value in row.items())


def start(row):
    """Starts the machine, and judges it."""
    begun = time.monotonic()
    kinds = {"Bochs": in_bochs, "v86": in_v86}
    try:
        text, error = kinds.get(row["firmware"], in_qemu)(row), None
    except (Failure, AssertionError, glyphs.Unreadable, OSError) as failure:
        text, error = "", str(failure) or repr(failure)
    return Outcome(error is None, banner(text), round(time.monotonic() - begun, 1), error, command(row))
