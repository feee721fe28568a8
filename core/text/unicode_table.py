"""Writes the table of core/text/unicode.h as C: unicode_table.py FOLDER > unicode_table.c

FOLDER holds the Unicode Character Database: UnicodeData.txt (field 2 is the general category; a pair of lines
"<..., First>" and "<..., Last>" stands for a range) and PropList.txt (White_Space).
"""
import re
import sys
from pathlib import Path

CODE_POINTS = 0x110000
CLASSES = {"L": 1, "N": 2, "P": 3}  # enum unicode_class, by the first letter of the general category
SPACE = 4

LENGTH_BITS = 5  # of a range, in a byte beside the class
LENGTH_MAX = 0xFFFF
BLOCK = 64  # ranges between two that can be found directly


def read_classes(folder):
    """The class of every code point."""
    classes = bytearray(CODE_POINTS)
    first = None
    for line in (folder / "UnicodeData.txt").read_text(encoding="ascii").splitlines():
        code, name, category = line.split(";")[:3]
        last = int(code, 16)
        if name.endswith(", First>"):
            first = last
            continue
        start = first if name.endswith(", Last>") else last
        classes[start:last + 1] = bytes([CLASSES.get(category[0], 0)]) * (last + 1 - start)
    for line in (folder / "PropList.txt").read_text(encoding="utf-8").splitlines():
        match = re.match(r"([0-9A-F]+)(?:\.\.([0-9A-F]+))?\s*; White_Space\b", line)
        if match:
            start, last = int(match[1], 16), int(match[2] or match[1], 16)
            classes[start:last + 1] = bytes([SPACE]) * (last + 1 - start)
    return classes


def steps(classes):
    """The ranges as core/text/unicode.h describes them: the bytes of each."""
    starts = [code for code in range(CODE_POINTS) if code == 0 or classes[code] != classes[code - 1]]
    for start, end in zip(starts, starts[1:] + [CODE_POINTS]):
        length = end - start
        while length > 0:
            part = min(length, LENGTH_MAX)
            short = part < 1 << LENGTH_BITS
            yield part, bytes([classes[start] << LENGTH_BITS | (part if short else 0),
                               *(b"" if short else part.to_bytes(2, "little"))])
            length -= part


def print_array(declaration, numbers):
    print(f"const {declaration}[] = {{")
    for first in range(0, len(numbers), 16):
        print("    " + ", ".join(str(number) for number in numbers[first:first + 16]) + ",")
    print("};")


def main():
    code, table, starts, offsets = 0, b"", [], []
    for index, (length, step) in enumerate(steps(read_classes(Path(sys.argv[1])))):
        if index % BLOCK == 0:
            starts.append(code)
            offsets.append(len(table))
        code += length
        table += step
    print('/* Made by core/text/unicode_table.py. */\n#include "text/unicode.h"\n')
    print(f"const uint32_t unicode_blocks = {len(starts)};")
    print_array("uint32_t unicode_starts", starts)
    print_array("uint16_t unicode_offsets", offsets)
    print_array("uint8_t unicode_steps", table)


main()
