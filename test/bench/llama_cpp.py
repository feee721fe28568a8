#!/usr/bin/python3
"""llama_cpp.py FOLDER MODEL CONTEXT: llama.cpp answers as bootllama --bench does (host/bench.h), on one thread.

FOLDER holds its libraries; of those for processors it takes the best. Cache and attention are as it has them by itself.
"""
import sys
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))

from libllama import LibLlama

BATCH = 512  # of a prompt, its default


def main(folder, model, context_size):
    llama = LibLlama(Path(folder))
    context, vocabulary = llama.context(model, int(context_size)), llama.vocabulary(model)
    print(f"llama.cpp\t1\t0\t{time.process_time_ns() // 1000}", flush=True)
    for line in sys.stdin:
        word, position, count = line.split()[0], *map(int, line.split()[1:])
        step = {"prompt": BATCH, "story": 1}[word]
        llama.rewind(context, position)
        tokens = [place * 7 % vocabulary for place in range(position, position + count)]
        wall, cpu = time.monotonic_ns(), time.process_time_ns()
        for begin in range(0, count, step):
            llama.decode(context, tokens[begin:begin + step])
        wall, cpu = time.monotonic_ns() - wall, time.process_time_ns() - cpu
        print(f"{count}\t{wall // 1000}\t{cpu // 1000}", flush=True)


main(*sys.argv[1:])
