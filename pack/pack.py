#!/usr/bin/python3
"""pack.py INPUT OUTPUT: packs a program for unpack.c."""

import lzma
import struct
import sys
import zlib

FILTER = {"id": lzma.FILTER_LZMA1, "lc": 0, "lp": 0, "pb": 0, "dict_size": 1 << 20,
          "mf": lzma.MF_BT4, "nice_len": 273, "depth": 1000}


def pack(program):
    stream = lzma.compress(program, format=lzma.FORMAT_RAW, filters=[FILTER])
    return struct.pack("<III", len(program), len(stream), zlib.crc32(program)) + stream


def main():
    source, target = sys.argv[1:]
    with open(source, "rb") as file:
        packed = pack(file.read())
    with open(target, "wb") as file:
        file.write(packed)


if __name__ == "__main__":
    main()
