#!/usr/bin/python3
"""Counts the bytes of the one-sector engine in NASM's listings: count.py SECTOR.lst RECORD.lst

One line for each part of the sector, by the headings "; ---- name" of its source, and one for both builds together.
A build's bytes are those from its first instruction to the label "end"; what follows is padding.
"""
import re
import sys
from pathlib import Path



def parts(path):
    """Name and bytes of each part, in order."""
    found = []
    for line in Path(path).read_text().splitlines():
        heading = re.search(r"; ---- (.+?)(?::| ----)", line)
        if re.search(r"\bend:\s*$", line):
            return found
        if heading:
            found.append([heading[1], 0])
        code = re.match(r"^ *\d+ [0-9A-F]{8} ([0-9A-F\[\]()]+)-?(?:\s|$)", line)
        if code:
            found[-1][1] += len(re.sub(r"[^0-9A-F]", "", code[1])) // 2
    raise SystemExit(f"{path}: has no label end")


def main():
    sector, record = (parts(path) for path in sys.argv[1:3])
    for name, size in sector:
        if size:
            print(f"{size:6}  {name}")
    print(f"sector: {sum(size for _, size in sector)} bytes, record: {sum(size for _, size in record)} bytes")


if __name__ == "__main__":
    main()
