#!/usr/bin/python3
"""Has files of an ISO 9660 file system begin elsewhere: each whose content is "EXTENT byte bytes".

cd_extents.py FILE BLOCKS    BLOCKS: of the whole CD

In the volume descriptors' trees (ECMA-119, sections 8.4 and 9.1; Joliet's is alike) the file's record gets that place
and size, in the boot catalog (El Torito 1.0, section 2) the entry gets that place and a sector count of 0, which UEFI
(specification 2.10, section 13.3.2.1) reads as "up to the end of the CD": 16 bits would not do.
"""
import struct
import sys

BLOCK = 2048
DESCRIPTORS = 16  # block of the first
BOOT_RECORD, PRIMARY, SUPPLEMENTARY, TERMINATOR = 0, 1, 2, 255
SPACE_SIZE, ROOT, CATALOG = 80, 156, 71  # in a descriptor
IS_FOLDER = 2
BOOTABLE = 0x88


def both(value):
    """A number of 32 bits in both byte orders."""
    return struct.pack("<I", value) + struct.pack(">I", value)


class Cd:
    """The file system's bytes."""

    def __init__(self, data):
        self.data = data

    def number(self, at):
        return struct.unpack_from("<I", self.data, at)[0]

    def extent(self, block):
        """What the file at this block says: block and bytes, or nothing."""
        words = bytes(self.data[block * BLOCK:][:BLOCK]).rstrip(b"\0").split()
        if len(words) != 3 or words[0] != b"EXTENT":
            return None
        byte, size = int(words[1]), int(words[2])
        assert byte % BLOCK == 0, f"byte {byte} is within a block"
        return byte // BLOCK, size

    def move_files(self, record, seen):
        """Those of the folder that the directory record at this byte names, and of the folders in it."""
        block, size = self.number(record + 2), self.number(record + 10)
        at = block * BLOCK
        while at < block * BLOCK + size:
            length = self.data[at]
            if length == 0:  # records do not cross blocks
                at += BLOCK - at % BLOCK
                continue
            if self.data[at + 25] & IS_FOLDER:
                child = self.number(at + 2)
                if child not in seen:
                    self.move_files(at, seen | {child})
            elif (extent := self.extent(self.number(at + 2))) is not None:
                self.data[at + 2:at + 18] = both(extent[0]) + both(extent[1])
            at += length

    def move_boot_images(self, catalog):
        for at in range(catalog * BLOCK, (catalog + 1) * BLOCK, 32):
            if self.data[at] == BOOTABLE and (extent := self.extent(self.number(at + 8))) is not None:
                struct.pack_into("<HI", self.data, at + 6, 0, extent[0])

    def clear_notes(self):
        """xorriso orders files by chance."""
        for at in range(0, len(self.data), BLOCK):
            if self.extent(at // BLOCK) is not None:
                self.data[at:at + BLOCK] = bytes(BLOCK)

    def move(self, blocks):
        at = DESCRIPTORS * BLOCK
        while self.data[at] != TERMINATOR:
            if self.data[at] == BOOT_RECORD:
                self.move_boot_images(self.number(at + CATALOG))
            elif self.data[at] in (PRIMARY, SUPPLEMENTARY):
                self.data[at + SPACE_SIZE:at + SPACE_SIZE + 8] = both(blocks)
                root = self.number(at + ROOT + 2)
                self.move_files(at + ROOT, {root})
            at += BLOCK
        self.clear_notes()


def main():
    path, blocks = sys.argv[1:]
    with open(path, "r+b") as file:
        cd = Cd(bytearray(file.read()))
        cd.move(int(blocks))
        file.seek(0)
        file.write(cd.data)


if __name__ == "__main__":
    main()
