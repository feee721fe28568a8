"""A PC in Bochs, with its own BIOS: run for some seconds by its debugger, then asked what the screen shows."""
import os
import pty
import select
import shutil
import signal
import time
from pathlib import Path

import quiet
from places import unavailable

BIOS, VGA_BIOS = "/usr/share/bochs/BIOS-bochs-latest", "/usr/share/bochs/VGABIOS-lgpl-latest"
CYLINDER = 16 * 63 * 512
PROMPT = b"<bochs:"

SETTINGS = """
romimage: file={bios}
vgaromimage: file={vga_bios}
megs: {memory}
cpu: model={cpu}, count={processors}
vga: extension={vga}
com1: {com1}
{rom}
{drive}
display_library: term
sound: driver=dummy
log: {folder}/bochs.log
panic: action=fatal
"""
DRIVES = {
    "hard disk": "ata0-master: type=disk, mode=flat, path={image}, cylinders={cylinders}, heads=16, spt=63\nboot: disk",
    "floppy": "floppya: 1_44={image}, status=inserted\nboot: floppy",
}


class Bochs:
    """folder: for a copy of the image, settings and the log. drive: of DRIVES. cpu, vga: names of Bochs's settings;
    memory in MiB. serial: whether there is COM1. rom: a file with code that the BIOS calls before it boots. To be used
    in a `with`, whose end is the machine's end."""

    def __init__(self, folder, image, drive, cpu="bx_generic", memory=4, processors=1, vga="vbe", serial=True,
                 rom=None):
        if not shutil.which("bochs") or not Path(BIOS).exists():
            unavailable("Bochs is not installed: Debian's bochs, bochs-term, bochsbios")
        self.folder = folder
        copy = shutil.copy(image, folder / "disk.img")
        cylinders = -(-image.stat().st_size // CYLINDER)
        if drive == "hard disk":
            os.truncate(copy, cylinders * CYLINDER)
        drive = DRIVES[drive].format(image=copy, cylinders=cylinders)
        self._said = folder / "com1"
        com1 = f"enabled=1, mode=file, dev={self._said}" if serial else "enabled=0"
        (folder / "bochsrc").write_text(SETTINGS.format(
            bios=BIOS, vga_bios=VGA_BIOS, drive=drive, folder=folder, cpu=cpu, memory=memory, processors=processors,
            vga=vga, com1=com1, rom=f"optromimage1: file={rom}, address=0xd0000" if rom else ""))

    def __enter__(self):
        self.process, self.terminal = pty.fork()
        if self.process == 0:
            os.environ["TERM"] = "vt100"
            os.execvp("bochs", ["bochs", "-q", "-f", str(self.folder / "bochsrc")])
        self._wait_for_prompt()
        return self

    def __exit__(self, *_):
        os.kill(self.process, signal.SIGKILL)
        os.waitpid(self.process, 0)
        os.close(self.terminal)

    def clock(self):
        """Seconds that do not pass while the machine waits for a processor: see quiet.py."""
        return quiet.clock(self.process)

    def _read(self, seconds):
        if not select.select([self.terminal], [], [], seconds)[0]:
            return b""
        try:
            return os.read(self.terminal, 1 << 16)
        except OSError as error:  # what a terminal says whose process has ended
            raise AssertionError((self.folder / "bochs.log").read_text()[-2000:]) from error

    def _wait_for_prompt(self):
        said, limit = b"", self.clock() + 60
        while PROMPT not in said:
            assert self.clock() < limit, said
            said += self._read(1)

    def run(self, seconds):
        """Lets the machine run; returns the lines of its text screen then."""
        os.write(self.terminal, b"c\n")
        limit = time.monotonic() + seconds
        while (left := limit - time.monotonic()) > 0:
            self._read(left)
        os.write(self.terminal, b"\x03")
        self._wait_for_prompt()
        dump = self.folder / "screen"
        os.write(self.terminal, f'writemem "{dump}" 0xb8000 4000\n'.encode())
        self._wait_for_prompt()
        text = dump.read_bytes()[::2].decode("cp437").replace("\0", " ")
        return [text[at:at + 80].rstrip() for at in range(0, 80 * 25, 80)]

    def said(self):
        """All that COM1 has sent."""
        return self._said.read_bytes() if self._said.exists() else b""
