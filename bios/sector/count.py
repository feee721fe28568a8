#!/usr/bin/python3
"""What the bytes of the one-sector engines do, from NASM's listings.

count.py SECTOR.lst RECORD.lst            a line for each part of each, by the headings "; ---- name" of the source, and
                                          at last one for both. Bytes are those from the first instruction to the
                                          label "end"; what follows is padding.
count.py --listing RECORD.lst RECORD.bin  the record with its machine code, as README.md has it
"""
import re
import sys
from pathlib import Path

OFFSET, CODE, SOURCE = slice(7, 15), slice(16, 39), slice(40, None)  # columns of a listing


def lines(path):
    """Offset, count of bytes and source of each line up to the label "end"; a line without code counts none."""
    for line in Path(path).read_text().splitlines():
        code = re.sub(r"[^0-9A-F]", "", line[CODE])
        if line[SOURCE].startswith("end:"):
            return
        yield line[OFFSET], len(code) // 2, line[SOURCE]
    raise SystemExit(f"{path}: has no label end")


def parts(path):
    """Name and bytes of each part, in order."""
    found = []
    for _, count, source in lines(path):
        heading = re.match(r"; ---- (.+?)(?::| ----)", source)
        if heading:
            found.append([heading[1], 0])
        if count:
            found[-1][1] += count
    return [(name, count) for name, count in found if count]


def print_parts(sector, record):
    sectors = {"sector": parts(sector), "record": parts(record)}
    for name, found in sectors.items():
        print(f"{name}:")
        for part, count in found:
            print(f"{count:6}  {part}")
    print(", ".join(f"{name}: {sum(count for _, count in found)} bytes" for name, found in sectors.items()))


def print_listing(listing, code):
    code, started = Path(code).read_bytes(), False
    for offset, count, source in lines(listing):
        started = started or source.startswith("; ----")
        if started:
            at = int(offset, 16) if count else 0
            columns = f"{offset[5:] if count else '':4}{code[at:at + count].hex():12}"
            print(source if source.startswith(";") else (columns + source).rstrip())


if __name__ == "__main__":
    if sys.argv[1] == "--listing":
        print_listing(*sys.argv[2:4])
    else:
        print_parts(*sys.argv[1:3])
