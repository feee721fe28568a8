#!/usr/bin/python3
"""Finishes and checks the PE file of the UEFI application.

objcopy writes the file without NX_COMPAT and with the time of day. This sets the one, clears the other, computes the
checksum, and then rejects a file that real firmware would reject or load wrongly. Format: Microsoft's "PE Format"
reference; README.md in this folder says what each rule is for.
"""

import argparse
import struct
import sys
from collections import namedtuple

PAGE, FILE_ALIGNMENT = 4096, 512
SUBSYSTEM_APPLICATION, NX_COMPAT = 10, 0x0100
RELOCS_STRIPPED = 1
EXECUTE, READ, WRITE = 0x20000000, 0x40000000, 0x80000000
DIRECTORY_RELOC = 5

# What depends on the machine: magic number of the optional header, offset of the directories in it, bytes of an address
# and format of an ELF relocation (address, type and symbol, perhaps an addend), whose type must be RELATIVE.
Machine = namedtuple("Machine", "magic directories address_bytes relocation relative")
MACHINES = {
    0x8664: Machine(0x20B, 112, 8, "<QQ8x", 8),  # x86-64: PE32+, R_X86_64_RELATIVE
    0x014C: Machine(0x10B, 96, 4, "<II", 8),  # IA-32: PE32, R_386_RELATIVE
}

# name: what firmware may do with it; the order is that of the file.
SECTIONS = {
    ".text": READ | EXECUTE,
    ".rodata": READ,
    ".dynrel": READ,
    ".reloc": READ,
    ".sbat": READ,
    ".data": READ | WRITE,
    ".dynamic": READ | WRITE,
}


class PeError(Exception):
    """The file breaks a rule; the text says which."""


def require(condition, text):
    if not condition:
        raise PeError(text)


class Section:
    """One entry of the section table."""

    def __init__(self, entry):
        fields = struct.unpack("<8sIIIIIIHHI", entry)
        self.name = fields[0].rstrip(b"\0").decode("ascii")
        self.virtual_size, self.address, self.raw_size, self.raw_offset = fields[1:5]
        self.access = fields[9] & (EXECUTE | READ | WRITE)


class PeFile:
    """A PE32 or PE32+ file in memory, with the header fields that are written or checked here."""

    def __init__(self, data):
        self.data = bytearray(data)
        require(self.data[:2] == b"MZ", "no MZ header")
        self.coff = self.u32(0x3C) + 4
        require(self.data[self.coff - 4:self.coff] == b"PE\0\0", "no PE signature")
        self.optional = self.coff + 20
        require(self.u16(self.coff) in MACHINES, "machine is neither x86-64 nor IA-32")
        self.machine = MACHINES[self.u16(self.coff)]
        table = self.optional + self.u16(self.coff + 16)
        count = self.u16(self.coff + 2)
        self.headers_end = table + 40 * count
        self.sections = [Section(self.data[i:i + 40]) for i in range(table, self.headers_end, 40)]

    def u16(self, offset):
        return struct.unpack_from("<H", self.data, offset)[0]

    def u32(self, offset):
        return struct.unpack_from("<I", self.data, offset)[0]

    def put_u32(self, offset, value):
        struct.pack_into("<I", self.data, offset, value)

    def section(self, name):
        return next(section for section in self.sections if section.name == name)

    def content(self, section):
        """The section's bytes as they are in memory."""
        length = min(section.virtual_size, section.raw_size)
        content = bytes(self.data[section.raw_offset:section.raw_offset + length])
        return content + bytes(section.virtual_size - length)

    def checksum(self):
        """Sum of 16-bit words with the carry added back, the checksum field taken as zero, plus the file's length."""
        data = bytes(self.data) + bytes(len(self.data) % 2)
        total = sum(struct.unpack(f"<{len(data) // 2}H", data))
        total -= self.u16(self.optional + 64) + self.u16(self.optional + 66)
        while total >> 16:
            total = (total & 0xFFFF) + (total >> 16)
        return total + len(self.data)

    def seal(self):
        """Writes what objcopy leaves out, so that the same sources give the same bytes."""
        self.put_u32(self.coff + 4, 0)  # time stamp
        self.put_u32(self.coff + 8, 0)  # symbol table: there is none
        flags = self.u16(self.optional + 70) | NX_COMPAT
        struct.pack_into("<H", self.data, self.optional + 70, flags)
        self.put_u32(self.optional + 64, self.checksum())


def check_headers(pe):
    require(not pe.u16(pe.coff + 18) & RELOCS_STRIPPED, "relocations are marked as stripped")
    require(pe.u16(pe.optional) == pe.machine.magic, "wrong magic number of the optional header")
    require(pe.u16(pe.optional + 68) == SUBSYSTEM_APPLICATION, "subsystem is not EFI application")
    require(pe.u16(pe.optional + 70) & NX_COMPAT, "NX_COMPAT is not set")
    require(pe.u32(pe.optional + 32) == PAGE, "section alignment is not 4096")
    require(pe.u32(pe.optional + 36) == FILE_ALIGNMENT, "file alignment is not 512")
    require(pe.u32(pe.optional + 64) == pe.checksum(), "wrong checksum")
    headers = pe.u32(pe.optional + 60)
    require(pe.headers_end <= headers <= pe.sections[0].address and headers % FILE_ALIGNMENT == 0,
            "wrong SizeOfHeaders")
    require(headers == pe.sections[0].raw_offset, "gap between headers and first section")
    entry, text = pe.u32(pe.optional + 16), pe.section(".text")
    require(text.address <= entry < text.address + text.virtual_size, "entry point is not in .text")


def check_sections(pe):
    names = [section.name for section in pe.sections]
    require(names == list(SECTIONS), f"sections are {names}")
    address, offset = PAGE, pe.sections[0].raw_offset
    for section in pe.sections:
        name = section.name
        require(section.access == SECTIONS[name], f"{name}: wrong access flags {section.access:08x}")
        require(not (section.access & WRITE and section.access & EXECUTE), f"{name}: both writable and executable")
        require(section.virtual_size > 0, f"{name} is empty")
        require(section.address == address, f"{name}: gap in memory before it")
        require(section.raw_offset == offset, f"{name}: gap in the file before it")
        require(section.raw_size % FILE_ALIGNMENT == 0, f"{name}: file size is not a multiple of 512")
        address += -(-section.virtual_size // PAGE) * PAGE
        offset += section.raw_size
    require(pe.u32(pe.optional + 56) == address, "wrong SizeOfImage")
    require(len(pe.data) == offset, "bytes after the last section")


def check_pe_relocations(pe):
    """.reloc holds whole blocks: page address, size with this header, 16-bit entries."""
    address, size = struct.unpack_from("<II", pe.data, pe.optional + pe.machine.directories + 8 * DIRECTORY_RELOC)
    section = pe.section(".reloc")
    require(address == section.address and 0 < size <= section.virtual_size, "base relocation directory is not .reloc")
    content, at = pe.content(section)[:size], 0
    while at < size:
        require(at + 8 <= size, ".reloc: block cut off")
        block = struct.unpack_from("<I", content, at + 4)[0]
        require(block >= 8 and block % 4 == 0 and at + block <= size, ".reloc: wrong block size")
        at += block


def check_elf_relocations(pe):
    """What gnu-efi's _relocate applies: relative relocations only, all of them in writable data."""
    machine, data, content = pe.machine, pe.section(".data"), pe.content(pe.section(".dynrel"))
    size = struct.calcsize(machine.relocation)
    require(len(content) % size == 0, f".dynrel: size is not a multiple of {size}")
    for where, info in struct.iter_unpack(machine.relocation, content):
        require(info == machine.relative, f".dynrel: type {info:x}h at {where:x}h is not RELATIVE")
        inside = data.address <= where and where + machine.address_bytes <= data.address + data.virtual_size
        require(inside, f".dynrel: {where:x}h is not in .data")


def check_sbat(pe):
    """Lines of six fields: component, its generation, vendor, package, version, address; the first names the format."""
    text = pe.content(pe.section(".sbat")).decode("ascii")
    lines = [line.split(",") for line in text.splitlines()]
    require(text.endswith("\n") and [line[0] for line in lines] == ["sbat", "bootllama"], ".sbat: not two components")
    for line in lines:
        require(len(line) == 6 and line[1].isdigit() and all(line), f".sbat: wrong line for {line[0]}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--max-size", type=int, required=True, help="bytes that the file may have")
    parser.add_argument("input")
    parser.add_argument("output")
    arguments = parser.parse_args()
    with open(arguments.input, "rb") as file:
        pe = PeFile(file.read())
    try:
        pe.seal()
        for check in (check_headers, check_sections, check_pe_relocations, check_elf_relocations, check_sbat):
            check(pe)
        require(len(pe.data) <= arguments.max_size, f"{len(pe.data)} bytes are more than {arguments.max_size}")
    except PeError as error:
        sys.exit(f"{arguments.input}: {error}")
    with open(arguments.output, "wb") as file:
        file.write(pe.data)


if __name__ == "__main__":
    main()
