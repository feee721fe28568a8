#!/usr/bin/python3
"""gdb on the image in QEMU, stopped at our first instruction, with symbols.

debug.py bios|uefi|uefi32 BUILD [gdb arguments...]

The serial port goes to BUILD/debug/serial.log; GUI=1 shows the machine's screen. Leaving gdb ends the machine.

The firmware chooses the address of the UEFI application. So that gdb finds it before it has run, the image is a copy
in which the application's first instruction is a jump to itself, and the guest's memory is a file: the address is
found there, gdb restores the instruction, and the application is not affected.
"""
import mmap
import os
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

TOOLS = Path(__file__).resolve().parent
MEMORY_MIB = 512  # all below 4 GiB, so that an offset in the memory file is a physical address
LOAD_SECONDS = 120  # firmware under emulation is slow
JUMP_TO_SELF = b"\xeb\xfe"
BOOT_SECTOR = 0x7C00
VOLUME_OFFSET = 1 << 20

# Of each UEFI: the application, where its header has the load address (offset from the signature, format), and the
# QEMU whose processors run nothing else: it tells gdb of what kind the registers are.
UEFI = {
    "uefi": ("BOOTX64.EFI", 48, "<Q", {}),
    "uefi32": ("BOOTIA32.EFI", 52, "<I", {"QEMU": "qemu-system-i386"}),
}


class Application:
    """The entry point of the UEFI application. Format: Microsoft PE/COFF specification."""

    def __init__(self, path, base_offset, base_format):
        self.file = bytearray(path.read_bytes())
        self.base_offset, self.base_format = base_offset, base_format
        self.header = struct.unpack_from("<I", self.file, 0x3C)[0]
        self.entry = struct.unpack_from("<I", self.file, self.header + 40)[0]
        self.entry_offset = self.entry + self._raw_minus_virtual()
        self.first = bytes(self.file[self.entry_offset:self.entry_offset + 2])
        self.file[self.entry_offset:self.entry_offset + 2] = JUMP_TO_SELF

    def _raw_minus_virtual(self):
        count, optional = struct.unpack_from("<H12xH", self.file, self.header + 6)
        for i in range(count):
            section = self.header + 24 + optional + 40 * i
            size, start, _, raw = struct.unpack_from("<IIII", self.file, section + 8)
            if start <= self.entry < start + size:
                return raw - start
        raise SystemExit("debug: the entry point of the application is in none of its sections")

    def find_loaded(self, memory):
        """The load address, or None. A loader writes that address to the header; a plain copy lacks it."""
        pattern = bytes(self.file[self.entry_offset:self.entry_offset + 64])
        at = memory.find(pattern)
        while at >= 0:
            base = at - self.entry
            if base >= 0 and memory[base:base + 2] == b"MZ" and \
                    struct.unpack_from(self.base_format, memory, base + self.header + self.base_offset)[0] == base:
                return base
            at = memory.find(pattern, at + 1)
        return None


def start_qemu(firmware, image, folder, *arguments, **environment):
    log = open(folder / "serial.log", "wb")
    socket = folder / "gdb.socket"
    socket.unlink(missing_ok=True)
    process = subprocess.Popen(
        [TOOLS / "qemu.sh", firmware, image, "-chardev", f"socket,id=gdb,path={socket},server=on,wait=off",
         "-gdb", "chardev:gdb", *arguments],
        env=os.environ | {"MEMORY": str(MEMORY_MIB)} | environment,
        stdin=subprocess.DEVNULL, stdout=log, start_new_session=True)  # gdb alone gets Ctrl-C
    return process, socket


def wait_for(condition, process, seconds, what):
    """Waits until condition() gives a value other than None, and returns it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process.poll() is not None:
            raise SystemExit("debug: QEMU has ended")
        value = condition()
        if value is not None:
            return value
        time.sleep(0.05)
    raise SystemExit(f"debug: {what} within {seconds} s")


def bios_commands(firmware, build, folder, processes):
    process, socket = start_qemu(firmware, build / "bootllama.img", folder, "-S", QEMU="qemu-system-i386")
    processes.append(process)
    wait_for(lambda: socket.exists() or None, process, 10, "QEMU did not open its gdb socket")
    return ["set architecture i8086", f"target remote {socket}", f"thbreak *{BOOT_SECTOR:#x}", "continue",
            f"add-symbol-file {build}/bios/stage2.elf",
            r"echo Stopped at the boot sector. `set architecture i386` once the code is 32-bit.\n"]


def uefi_commands(firmware, build, folder, processes):
    name, base_offset, base_format, environment = UEFI[firmware]
    application = Application(build / firmware / name, base_offset, base_format)
    image, patched, memory_file = folder / "bootllama.img", folder / name, folder / "memory"
    subprocess.run(["cp", "--sparse=always", build / "bootllama.img", image], check=True)
    patched.write_bytes(application.file)
    subprocess.run(["mcopy", "-o", "-i", f"{image}@@{VOLUME_OFFSET}", patched, f"::/EFI/BOOT/{name}"], check=True)
    memory_file.unlink(missing_ok=True)
    process, socket = start_qemu(
        firmware, image, folder, "-machine", "memory-backend=ram", "-object",
        f"memory-backend-file,id=ram,size={MEMORY_MIB}M,share=on,mem-path={memory_file}", **environment)
    processes.append(process)
    wait_for(lambda: (memory_file.exists() and memory_file.stat().st_size == MEMORY_MIB << 20) or None, process, 10,
             "QEMU made no memory")
    with open(memory_file, "rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as memory:
        base = wait_for(lambda: application.find_loaded(memory), process, LOAD_SECONDS,
                        "the firmware did not load the application")
    first = struct.unpack("<H", application.first)[0]
    return [f"target remote {socket}", f"add-symbol-file {build}/{firmware}/bootllama.so -o {base:#x}",
            f"set var *(unsigned short *){base + application.entry:#x} = {first:#x}",
            rf"echo Stopped at the application's entry point; it is loaded at {base:#x}.\n"]


def main():
    if len(sys.argv) < 3 or sys.argv[1] not in ("bios", *UEFI):
        raise SystemExit(__doc__)
    firmware, build = sys.argv[1], Path(sys.argv[2]).resolve()
    folder = build / "debug"
    folder.mkdir(exist_ok=True)
    script = folder / "commands.gdb"
    processes = []
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # on the way out ends QEMU too
    try:
        commands = (bios_commands if firmware == "bios" else uefi_commands)(firmware, build, folder, processes)
        script.write_text("\n".join(["set confirm off", "set pagination off", *commands, ""]))
        signal.signal(signal.SIGINT, lambda *_: None)  # Ctrl-C is gdb's
        return subprocess.run(["gdb", "-q", "-x", script, *sys.argv[3:]]).returncode
    finally:
        for process in processes:
            process.terminate()
            process.wait()
        (folder / "memory").unlink(missing_ok=True)


if __name__ == "__main__":
    sys.exit(main())
