"""A PC in QEMU: started with a disk, watched on its serial port and screen, typed at, and always ended."""
import json
import re
import select
import shlex
import shutil
import socket
import subprocess
import tempfile
import time
import unicodedata
import warnings
from collections import namedtuple
from pathlib import Path

import quiet
from places import BUILD, ROOT

QEMU = "qemu-system-x86_64"
TRANSCRIPTS = BUILD / "test/boot"  # one file for each machine: all that its serial port said
RESTARTS = BUILD / "test/log/restarts"  # a line for each machine that was started anew; test/run counts them

# Of Machine.clock(). A machine in CI may be three times as slow as a desk's, and firmware under emulation takes its
# time.
FIRMWARE_SECONDS = {"bios": 60, "uefi": 120, "uefi32": 120, "secboot": 120, "u-boot": 60, "u-boot32": 60}
SO_SNDBUFFORCE = 32  # socket(7); Python has no name for it
SECONDS = 90  # for anything that our program does
ECHO_SECONDS = 30

FIRST_LINE = "bootllama: "  # of stage 2, and of the UEFI application
BOOT_ERROR = re.compile("bootllama: error [A-Z], press a key")  # of the boot sector
UEFI_SHELL = "UEFI Interactive Shell"

# A story, the line under it, perhaps a hint, the prompt after it. Its first blank line is the one before the story.
FOOTER = (r"\[(\d+)\stokens,\s\d+\.\d\stokens/s(?:,\sfirst\safter\s(?:\d+\su|\d+\.\d\sm?)s)?(?:,\sseed\s\d+)?"
          r"(?:,\s([a-z]+(?:\s[a-z]+)?))?\]\n")  # on a narrow screen any space may be a line's end
HINT = "(?:Enter: another story; text: a story that begins with it; /help: all commands\n)?".replace(" ", r"\s")
STORY = re.compile(rf"\n\n(.*)\n\n{FOOTER}{HINT}> $", re.DOTALL)
ERROR = re.compile(r"^Error: [^\n]*\n", re.MULTILINE)

# Of the console; OVMF's serial terminal has 80 without a display adapter.
COLUMNS = {"bios": 80, "uefi": 100, "uefi32": 100, "secboot": 100, "u-boot": 80, "u-boot32": 80}
MEMORY_MIB = {"bios": 64, "uefi": 256, "uefi32": 256, "secboot": 256, "u-boot": 256, "u-boot32": 256}
MEDIUM = {"bios": "ide", "uefi": "ahci", "uefi32": "ahci", "secboot": "ahci", "u-boot": "ide", "u-boot32": "ide"}
OVMF_WORDS = {"uefi": [], "uefi32": ["ia32"], "secboot": ["secboot"]}  # for image/ovmf.sh
U_BOOT = {"u-boot": "/usr/lib/u-boot/qemu-x86_64/u-boot.rom", "u-boot32": "/usr/lib/u-boot/qemu-x86/u-boot.rom"}


def scsi(controller):
    return ["-device", f"{controller},id=scsi", "-device", "scsi-hd,drive=disk,bus=scsi.0,bootindex=0"]


SECTORS_4K = "logical_block_size=4096,physical_block_size=4096"

# How the disk is connected: a machine type and devices.
MEDIA = {
    "ide": ("pc", ["-device", "ide-hd,drive=disk,bus=ide.0,bootindex=0"]),
    "ahci": ("q35", ["-device", "ide-hd,drive=disk,bus=ide.0,bootindex=0"]),
    "ide-q35": ("q35", ["-device", "piix3-ide,id=ide", "-device", "ide-hd,drive=disk,bus=ide.0,bootindex=0"]),
    "scsi-lsi": ("pc", scsi("lsi53c895a")),
    "scsi-am53c974": ("pc", scsi("am53c974")),
    "scsi-mptsas": ("pc", scsi("mptsas1068")),
    "scsi-megasas": ("pc", scsi("megasas")),
    "scsi-megasas2": ("q35", scsi("megasas-gen2")),
    "scsi-vmware": ("pc", scsi("pvscsi")),
    "virtio-scsi": ("q35", scsi("virtio-scsi-pci")),
    "usb-uhci": ("pc", ["-device", "piix3-usb-uhci,id=usb", "-device",
                        "usb-storage,bus=usb.0,drive=disk,bootindex=0"]),
    "usb-ohci": ("pc", ["-device", "pci-ohci,id=usb", "-device", "usb-storage,bus=usb.0,drive=disk,bootindex=0"]),
    "usb-ehci": ("pc", ["-device", "usb-ehci,id=usb", "-device", "usb-storage,bus=usb.0,drive=disk,bootindex=0"]),
    "usb-xhci": ("q35", ["-device", "qemu-xhci,id=usb", "-device", "usb-storage,bus=usb.0,drive=disk,bootindex=0"]),
    "card-reader": ("q35", ["-device", "qemu-xhci,id=usb", "-device",
                            "usb-storage,id=stick,bus=usb.0,drive=disk,removable=on,bootindex=0"]),
    "virtio": ("q35", ["-device", "virtio-blk-pci,drive=disk,bootindex=0"]),
    "nvme": ("q35", ["-device", "nvme,drive=disk,serial=1,bootindex=0"]),
    "floppy": ("pc", ["-device", "floppy,drive=disk,drive-type=288", "-boot", "order=a"]),
    "floppy-1.44": ("pc", ["-device", "floppy,drive=disk,drive-type=144", "-boot", "order=a"]),
    "floppy-1.2": ("pc", ["-device", "floppy,drive=disk,drive-type=120", "-boot", "order=a"]),
    "isa-floppy": ("isapc", ["-device", "floppy,drive=disk,drive-type=144", "-boot", "order=a"]),
    "isa": ("isapc", ["-device", "ide-hd,drive=disk,bus=ide.0,bootindex=0"]),
    "cd": ("pc", ["-device", "ide-cd,id=drive,drive=disk,bus=ide.0,bootindex=0"]),
    "cd-ahci": ("q35", ["-device", "ide-cd,id=drive,drive=disk,bus=ide.0,bootindex=0"]),
    "cd-scsi": ("pc", ["-device", "virtio-scsi-pci,id=scsi", "-device",
                       "scsi-cd,id=drive,drive=disk,bus=scsi.0,bootindex=0"]),
    "cd-usb": ("q35", ["-device", "qemu-xhci,id=usb", "-device", "usb-bot,id=bot,bus=usb.0", "-device",
                       "scsi-cd,id=drive,drive=disk,bus=bot.0,bootindex=0"]),
    "4k-virtio": ("q35", ["-device", f"virtio-blk-pci,drive=disk,bootindex=0,{SECTORS_4K}"]),
    "4k-nvme": ("q35", ["-device", f"nvme,drive=disk,serial=1,bootindex=0,{SECTORS_4K}"]),
    "4k-usb": ("q35", ["-device", "qemu-xhci,id=usb", "-device", "usb-bot,id=bot,bus=usb.0", "-device",
                       f"scsi-hd,drive=disk,bus=bot.0,bootindex=0,{SECTORS_4K}"]),
    "4k-scsi": ("q35", ["-device", "virtio-scsi-pci,id=scsi", "-device",
                        f"scsi-hd,drive=disk,bus=scsi.0,bootindex=0,{SECTORS_4K}"]),
    "sd-card": ("q35", ["-device", "sdhci-pci", "-device", "sd-card,drive=disk"]),
}

FORMATS = {".vmdk": "vmdk", ".vdi": "vdi", ".vhd": "vpc", ".vhdx": "vhdx", ".qcow2": "qcow2"}  # QEMU's names

Story = namedtuple("Story", "text tokens why")


class Failure(Exception):
    """The expected text did not come; the message shows what came instead."""


class SilentFirmware(Failure):
    """The firmware has not started anything of ours in time."""


class NothingToBoot(Failure):
    """UEFI firmware found nothing on the disk, or no disk, and started its shell."""


def plain(raw):
    """The text that a terminal received: without escape sequences (or the start of one) or CR, backspaces applied."""
    text = re.sub(r"\x1b(\[[0-9;?=]*([A-Za-z]|$)|$)|\r", "", raw.decode(errors="replace"))
    text = "".join(c + "\0" if unicodedata.east_asian_width(c) in "WF" else c for c in text)  # takes two steps back
    while re.search("[^\b\n]\b", text):
        text = re.sub("[^\b\n]\b", "", text)
    return text.replace("\0", "")


def wrapped(text, columns):
    """ASCII text as it is shown: lines broken at spaces, which are dropped there; the last column stays free."""
    limit, lines = columns - 1, []
    for line in text.split("\n"):
        lines.append("")
        for spaces, word in re.findall(r"( *)([^ ]+|$)", line):
            if len(lines[-1]) + len(spaces) + len(word) <= limit:
                lines[-1] += spaces + word
            elif word:
                lines.append(word)
            else:
                lines[-1] += spaces[:limit - len(lines[-1])]
    return "\n".join(lines)


def firmware_files(firmware):
    """Of UEFI: the code image, then the variable store of a machine that never ran."""
    result = subprocess.run([ROOT / "image/ovmf.sh", *OVMF_WORDS[firmware]], capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    return result.stdout.splitlines()


def drive(image, errors=(), read_only=False):
    """The option for a disk whose image stays as it is; its name's ending tells the format. read_only: it is
    write-protected. Each of `errors` is a read that fails: a dictionary of QEMU's blkdebug options "sector", "once",
    "state"; or with "state" and "new_state" the step that any read makes."""
    options = {"id": "disk", "if": "none", "driver": FORMATS.get(Path(image).suffix, "raw"),
               "snapshot": "off" if read_only else "on", "read-only": "on" if read_only else "off",
               "file.driver": "blkdebug", "file.image.driver": "file",
               "file.image.filename": str(image).replace(",", ",,")}
    steps = [{"event": "read_aio", **error} for error in errors if "new_state" in error]
    failures = [{"event": "read_aio", "errno": 5, **error} for error in errors if "new_state" not in error]
    for kind, rules in (("set-state", steps), ("inject-error", failures)):
        for number, rule in enumerate(rules):
            options |= {f"file.{kind}.{number}.{name}": value for name, value in rule.items()}
    return ["-drive", ",".join(f"{name}={value}" for name, value in options.items())]


def enlarge(end):
    """QEMU drops a character of a serial port after four tries to send it, and writes one at a time, each of which
    takes the room of hundreds: what fits by default is full when we are not scheduled for a tenth of a second."""
    try:
        end.setsockopt(socket.SOL_SOCKET, SO_SNDBUFFORCE, 1 << 24)
    except PermissionError:  # not root: as much as the system allows
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 24)


class Machine:
    """
    name: of its transcript. image: the disk; None: there is none. firmware: "bios", "uefi", "uefi32" (OVMF for IA-32),
    "secboot" (OVMF with Secure Boot), "u-boot" or "u-boot32" (U-Boot's UEFI, for x86-64 and IA-32). cpu: QEMU's -cpu.
    memory: QEMU's -m. medium: of MEDIA.
    serial: whether it has COM1. errors, read_only: see drive(). variables: the file with UEFI's variables to begin
    with, whose copy in `folder` the machine changes. To be used in a `with`: its end is the machine's end.
    """

    def __init__(self, name, image, firmware="bios", cpu="max", memory=None, medium=None, errors=(), serial=True,
                 options=(), read_only=False, variables=None):
        self._arguments = (name, image, firmware, cpu, memory, medium, errors, serial, options, read_only, variables)
        self.name, self.firmware, self.first_variables = name, firmware, variables
        self.raw, self.said = b"", 0  # from the serial port; the length of its text that was waited for
        self.folder = Path(tempfile.mkdtemp(prefix="bootllama-"))
        chipset, devices = MEDIA[medium or MEDIUM[firmware]]
        self.command = [QEMU, "-nodefaults", "-no-user-config", "-accel", "tcg", "-cpu", cpu, "-machine", chipset,
                        "-m", str(memory or MEMORY_MIB[firmware]), "-display", "none", "-vga", "std",
                        *self._firmware(), *(drive(image, errors, read_only) + devices if image else []), *options]
        self._own = [*self.command, *(["-serial", "stdio"] if serial else [])]
        self.serial, theirs = socket.socketpair()
        enlarge(theirs)
        self.monitor, theirs_too = socket.socketpair()
        self.command += self._channel("serial", theirs, ["-serial", "chardev:serial"] if serial else [])
        self.command += self._channel("monitor", theirs_too, ["-mon", "chardev=monitor,mode=control"])
        self._theirs = theirs, theirs_too
        self.monitor.settimeout(60)
        self._answers = self.monitor.makefile("r")

    def _firmware(self):
        if self.firmware == "bios":
            return []
        if self.firmware in U_BOOT:
            return ["-bios", U_BOOT[self.firmware]]
        code, variables = firmware_files(self.firmware)
        copy = shutil.copy(self.first_variables or variables, self.folder / "variables.fd")
        return ["-drive", f"if=pflash,unit=0,format=raw,readonly=on,file={code}",
                "-drive", f"if=pflash,unit=1,format=raw,file={copy}",
                "-global", f"driver=cfi.pflash01,property=secure,value={'on' if 'secboot' in code else 'off'}"]

    def shell_command(self):
        """Starts a machine like this one from a shell, its serial port being the terminal, its variables new ones."""
        words = [str(word) for word in self._own]
        for number, word in enumerate(words):
            if word.endswith("variables.fd"):
                first = self.first_variables or firmware_files(self.firmware)[1]
                words[number] = f"if=pflash,unit=1,format=raw,snapshot=on,file={first}"
        return shlex.join(words)

    @staticmethod
    def _channel(name, end, options):
        return ["-chardev", f"socket,id={name},fd={end.fileno()}", *options]

    def __enter__(self):
        TRANSCRIPTS.mkdir(parents=True, exist_ok=True)
        self._log = open(TRANSCRIPTS / f"{self.name}.txt", "wb")
        self.process = subprocess.Popen(self.command, pass_fds=[end.fileno() for end in self._theirs],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=self._log)
        for end in self._theirs:
            end.close()
        try:
            self._read_answer()  # the monitor's greeting
            self.ask("qmp_capabilities")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        for thing in self._log, self.serial, self._answers, self.monitor:
            thing.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def clock(self):
        """Seconds that do not pass while the machine waits for a processor: see quiet.py."""
        return quiet.clock(self.process.pid)

    # ---- The monitor (QEMU's QMP) ----

    def _read_answer(self):
        line = self._answers.readline()
        if not line:
            raise Failure(f"{self.name}: QEMU has ended; {self._log.name} may say why")
        return line

    def ask(self, command, **arguments):
        self.monitor.sendall(json.dumps({"execute": command, "arguments": arguments}).encode())
        while "return" not in (answer := json.loads(self._read_answer())):
            assert "error" not in answer, answer
        return answer["return"]

    def is_halted(self):
        """Whether the first processor waits for an interrupt, as a BIOS makes it do that waits for a key."""
        return "HLT=1" in self.ask("human-monitor-command", **{"command-line": "info registers"})

    def press(self, *keys):
        """Keys of the PS/2 keyboard by QEMU's names, each pressed and released."""
        for key in keys:
            self.ask("send-key", keys=[{"type": "qcode", "data": part} for part in key.split("-")], **{"hold-time": 30})
            time.sleep(0.15)

    def _text_memory(self):
        """Of the display adapter: characters and attributes by turns, 80x25."""
        dump = self.folder / "screen"
        self.ask("pmemsave", val=0xB8000, size=80 * 25 * 2, filename=str(dump))
        return dump.read_bytes()

    def screen(self):
        """The lines of the text screen."""
        characters = self._text_memory()[::2].decode("cp437").replace("\0", " ")
        return [characters[at:at + 80].rstrip() for at in range(0, 80 * 25, 80)]

    def cells(self):
        """Character and attribute of each cell of the text screen."""
        memory = self._text_memory()
        return [(memory[at:at + 1], memory[at + 1]) for at in range(0, 80 * 25 * 2, 2)]

    def attributes(self):
        """The attribute that each line of the text screen begins with, of the lines that begin with a character."""
        memory = self._text_memory()
        return {memory[at:at + 160:2].decode("cp437").rstrip("\0 "): memory[at + 1]
                for at in range(0, 80 * 25 * 2, 160) if memory[at:at + 1] not in b"\0 "}

    def wait_for_screen(self, what, seconds=SECONDS):
        """Waits for a text or pattern in the screen's words, each line's end taken for a space; returns its lines."""
        pattern = re.compile(re.escape(what)) if isinstance(what, str) else what
        limit = self.clock() + seconds
        while not pattern.search(" ".join(lines := self.screen()).rstrip()):
            if self.clock() > limit:
                shown = "\n".join(lines)
                raise Failure(f"{self.name}: waited {seconds} s for {pattern.pattern!r} on the screen, got\n{shown}")
            time.sleep(0.1)
        return lines

    # ---- The serial port ----

    def text(self):
        """All that the serial port has said so far."""
        return plain(self.raw)

    def _receive(self, limit):
        while not select.select([self.serial], [], [], max(limit - self.clock(), 0))[0]:
            if self.clock() >= limit:
                return False
        piece = self.serial.recv(4096)
        if not piece:
            raise Failure(f"{self.name}: QEMU has ended")
        self.raw += piece
        self._log.write(piece)
        self._log.flush()
        return True

    def wait_for(self, what, seconds=SECONDS, error_allowed=False):
        """Waits for a pattern in what comes after all that was waited for before; returns the text up to its end.
        An error message ends the waiting at once."""
        pattern = re.compile(re.escape(what)) if isinstance(what, str) else what
        limit = self.clock() + seconds
        while True:
            new = self.text()[self.said:]
            found = pattern.search(new)
            if found:
                self.said += found.end()
                return new[:found.end()]
            error = ERROR.search(new)
            if error and not error_allowed:
                raise Failure(f"{self.name}: waited for {pattern.pattern!r}, got {error[0]!r}")
            if not self._receive(limit):
                raise Failure(f"{self.name}: waited {seconds} s for {pattern.pattern!r}, got\n{new[-2000:]}")

    def rest(self):
        """Receives what has been sent; returns the text of it that has not been waited for."""
        while self._receive(self.clock() + 0.5):
            pass
        return self.text()[self.said:]

    def start(self):
        """Waits for our first line. Firmware that does not get as far as to us, as SeaBIOS with a USB disk on a machine
        under load now and then, gets a second chance, from QEMU's start on. Each is counted, and told."""
        try:
            self._wait_for_first_line()
        except SilentFirmware as silence:
            self._count_restart(silence)
            self.__exit__()
            self.__init__(*self._arguments)
            self.__enter__()
            self._wait_for_first_line()

    def _count_restart(self, silence):
        warnings.warn(f"started anew: {silence}", stacklevel=3)
        RESTARTS.parent.mkdir(parents=True, exist_ok=True)
        with open(RESTARTS, "a") as file:
            file.write(self.name + "\n")
        shutil.copy(self._log.name, TRANSCRIPTS / f"{self.name}.silent.txt")

    def _wait_for_first_line(self):
        """A boot sector that fails says so on the screen alone."""
        limit = self.clock() + FIRMWARE_SECONDS[self.firmware]
        while FIRST_LINE not in self.text():
            if self.firmware == "bios" and BOOT_ERROR.search(" ".join(self.screen())):
                raise Failure(f"{self.name}: the boot sector says\n" + "\n".join(self.screen()))
            if UEFI_SHELL in self.text():
                raise NothingToBoot(f"{self.name}: the firmware starts its shell")
            self._receive(self.clock() + 1)
            if self.clock() > limit:
                screen = "\n".join(self.screen() if self.firmware == "bios" else [])
                failure = Failure if "bootllama" in screen + self.text() else SilentFirmware
                raise failure(f"{self.name}: no first line in time, but\n{self.text()}\n{screen}")
        self.wait_for(FIRST_LINE)

    def story(self):
        """Waits for a story and the prompt after it; returns its text, its tokens, and why it ended (None: it was
        complete)."""
        said = self.wait_for(STORY)
        text, tokens, why = STORY.search(said).groups()
        return Story(text, int(tokens), why and why.replace("\n", " "))

    def tells(self, text, columns=None):
        """Waits for a story and finds it to be this text, as it is shown; returns it like story()."""
        story = self.story()
        assert story.text == wrapped(text, columns or COLUMNS[self.firmware])
        return story

    def type(self, text):
        self.serial.sendall(text.encode())

    def enter(self, typed, shown=None):
        """Types a line and Enter, and waits until it is shown: as typed, or as `shown`."""
        self.type(typed + "\r")
        self.wait_for(typed if shown is None else shown, ECHO_SECONDS)
