#!/usr/bin/python3
"""Boots the image in QEMU with a BIOS and shows the processor at the stations of its way to C.

machine.py [STATION...]        all stations, or those named: reset, sector-0, loader, start, bios_main, real-mode
machine.py screen              what is on the screen and what COM1 has sent when core/ begins

It speaks the remote protocol of gdb with QEMU, so that it needs no gdb.
"""
import os
import re
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("BUILD", "build")
SECONDS = 120
TEXT_MEMORY, COLUMNS, ROWS = 0xB8000, 80, 25  # of the display adapter

# Linear addresses, or symbols of stage 2. None: where the processor is before its first instruction.
STATIONS = {"reset": None, "sector-0": 0x7C00, "loader": 0x8000, "start": "start", "bios_main": "bios_main",
            "real-mode": "thunk_return"}


def symbols():
    listing = subprocess.run(["nm", BUILD / "bios/stage2.elf"], check=True, capture_output=True, text=True).stdout
    return {name: int(address, 16) for address, _, name in map(str.split, listing.splitlines())}


class Processor:
    """QEMU's end of gdb's protocol: packets "$...#checksum", each acknowledged by "+"."""

    def __init__(self, end):
        self.end, self.left = end, b""

    def _byte(self):
        if not self.left:
            self.left = self.end.recv(4096)
            if not self.left:
                raise SystemExit("machine.py: QEMU has ended")
        byte, self.left = self.left[:1], self.left[1:]
        return byte

    def receive(self):
        while self._byte() != b"$":
            pass
        packet = b""
        while (byte := self._byte()) != b"#":
            packet += byte
        self._byte()
        self._byte()
        self.end.sendall(b"+")
        return packet.decode()

    def ask(self, packet):
        self.end.sendall(f"${packet}#{sum(packet.encode()) % 256:02x}".encode())
        return self.receive()

    def run_to(self, address):
        self.ask(f"Z0,{address:x},1")
        self.ask("c")
        self.ask(f"z0,{address:x},1")

    def registers(self):
        """QEMU's own list of them: gdb's has neither the base of a segment nor A20."""
        text, answer = "", self.ask("qRcmd," + "info registers".encode().hex())
        while answer.startswith("O") and answer != "OK":
            text += bytes.fromhex(answer[1:]).decode()
            answer = self.receive()
        return text


def describe(text, place):
    """What matters on the way: mode, where code comes from, the stack, DL, A20. An address that a build chooses goes by
    its name."""
    register = dict(re.findall(r"\b([A-Z]\w+) ?=([0-9a-f]+)", text))
    selector, base = re.search(r"^CS =(\w+) (\w+)", text, re.MULTILINE).groups()
    protected = int(register["CR0"], 16) & 1
    instruction = place if isinstance(place, str) else register["EIP"]
    return (f"{'protected' if protected else 'real'} mode, CS {selector} from {base}, IP {instruction}, "
            f"SP {register['ESP']}, DL {register['EDX'][-2:]}, A20 {'on' if register['A20'] == '1' else 'off'}")


def start_machine(gdb, serial, log):
    """A PC with a BIOS and the image, stopped before its first instruction."""
    return subprocess.Popen(
        ["qemu-system-x86_64", "-S", "-nodefaults", "-no-user-config", "-accel", "tcg", "-machine", "pc", "-m", "64",
         "-display", "none", "-vga", "std", "-chardev", f"socket,id=gdb,fd={gdb.fileno()}", "-gdb", "chardev:gdb",
         "-serial", f"file:{serial.name}", "-drive",
         f"file={BUILD / 'bootllama.img'},format=raw,if=ide,snapshot=on"],
        pass_fds=[gdb.fileno()], stdin=subprocess.DEVNULL, stdout=log, stderr=log)


def show_stations(processor, known, wanted):
    for name, place in STATIONS.items():
        if place is not None:
            processor.run_to(known.get(place, place))
        if name in wanted:
            print(f"{name + ':':<11}{describe(processor.registers(), place)}")


def show_screen(processor, known, serial):
    processor.run_to(known["bios_main"])
    processor.run_to(known["console_run"])
    for row in range(ROWS):
        cells = bytes.fromhex(processor.ask(f"m{TEXT_MEMORY + 2 * COLUMNS * row:x},{2 * COLUMNS:x}"))
        if cells[::2].startswith(b"bootllama"):
            print(f"row {row}, characters: {cells[::2].decode('cp437').rstrip()}")
            print(f"row {row}, bytes:      {cells[:20].hex(' ')} ...")
    print(f"COM1:              {Path(serial.name).read_bytes()}")


def main():
    wanted = sys.argv[1:] or list(STATIONS)
    if wanted != ["screen"] and not set(wanted) <= set(STATIONS):
        raise SystemExit(__doc__)
    ours, theirs = socket.socketpair()
    ours.settimeout(SECONDS)
    with tempfile.TemporaryFile() as log, tempfile.NamedTemporaryFile() as serial:
        machine = start_machine(theirs, serial, log)
        try:
            theirs.close()
            processor = Processor(ours)
            if wanted == ["screen"]:
                show_screen(processor, symbols(), serial)
            else:
                show_stations(processor, symbols(), wanted)
        finally:
            machine.kill()
            machine.wait()


if __name__ == "__main__":
    main()
