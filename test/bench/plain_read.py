#!/usr/bin/python3
"""plain_read.py FILE: reads a file, once for each line of standard input, and answers as bootllama --bench does."""
import sys
import time

PIECE = 1 << 20


def read(path):
    piece, total = bytearray(PIECE), 0
    with open(path, "rb", buffering=0) as file:
        while count := file.readinto(piece):
            total += count
    return total


print("read\t1\t0\t0", flush=True)
for _ in sys.stdin:
    wall, cpu = time.monotonic_ns(), time.process_time_ns()
    total = read(sys.argv[1])
    wall, cpu = time.monotonic_ns() - wall, time.process_time_ns() - cpu
    print(f"{total}\t{wall // 1000}\t{cpu // 1000}", flush=True)
