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


def main():
    classes = read_classes(Path(sys.argv[1]))
    starts = [code for code in range(CODE_POINTS) if code == 0 or classes[code] != classes[code - 1]]
    print('/* Made by core/text/unicode_table.py. */\n#include "text/unicode.h"\n')
    print(f"const uint32_t unicode_range_count = {len(starts)};")
    print(f"const uint32_t unicode_ranges[{len(starts)}] = {{")
    for start in starts:
        print(f"    0x{start << 3 | classes[start]:X},")
    print("};")


main()
