#!/usr/bin/python3
"""The steps of core/infer/sampler.c, one at a time, on the model's own logits; in double precision.

draw.py chances MODEL TEXT TEMPERATURE        the five likeliest next tokens at a temperature
draw.py top-p MODEL TEXT P                    those that top-p keeps at temperature 1, with the sum up to each
draw.py coins SEED COUNT                      the first random numbers of a seed
draw.py next MODEL TEXT TEMPERATURE P SEED    the token that the first of them draws
"""
import json
import math
import os
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import trip

BUILD = trip.ROOT / os.environ.get("BUILD", "build")


def logits(model, text):
    """Of the position after the text, [vocabulary]."""
    ids = [token["id"] for token in trip.trip(model, text)["tokens"]]
    with tempfile.TemporaryDirectory() as folder:
        tokens, out = Path(folder) / "tokens.i32", Path(folder) / "logits.f32"
        tokens.write_bytes(struct.pack(f"<{len(ids)}i", *ids))
        subprocess.run([trip.PROGRAM, model, "--score", tokens, "--context", str(len(ids)), "--logits", out],
                       check=True)
        data = out.read_bytes()
    return struct.unpack(f"<{len(data) // 4}f", data)[-len(data) // 4 // len(ids):]


def softmax(row, temperature):
    highest = max(row)
    powers = [math.exp((logit - highest) / temperature) for logit in row]
    return [power / sum(powers) for power in powers]


def kept_by(chances, top_p):
    """Pairs of id and chance, the likeliest first, until their sum exceeds top_p."""
    kept, total = [], 0
    for token in sorted(range(len(chances)), key=lambda id_: (-chances[id_], id_)):
        if total > top_p:
            break
        kept.append((token, chances[token]))
        total += chances[token]
    return kept


def coins(seed):
    """xorshift64*, its upper 24 bits of 32 as a number in [0, 1)."""
    state, mask = seed, 2**64 - 1
    while True:
        state ^= state >> 12
        state = state ^ state << 25 & mask
        state ^= state >> 27
        yield (state * 0x2545F4914F6CDD1D & mask) >> 40 & 0xFFFFFF


def names(model, text):
    """Ids of the likeliest tokens and their texts."""
    return {token["id"]: json.dumps(token["text"]) for token in trip.trip(model, text)["likeliest"]}


def show_chances(model, text, temperature):
    chances = softmax(logits(model, text), float(temperature))
    best = ", ".join(f"{name} {chances[id_]:.3f}" for id_, name in names(model, text).items())
    print(f"temperature {temperature}: {best}")


def show_top_p(model, text, top_p):
    total, known = 0, names(model, text)
    for id_, chance in kept_by(softmax(logits(model, text), 1), float(top_p)):
        total += chance
        print(f"id {id_:3}  {known.get(id_, ''):<6} {chance:.4f}  sum {total:.4f}")


def show_coins(seed, count):
    source = coins(int(seed))
    print(" ".join(f"{next(source) / 2**24:.4f}" for _ in range(int(count))))


def show_next(model, text, temperature, top_p, seed):
    kept = kept_by(softmax(logits(model, text), float(temperature)), float(top_p))
    target = next(coins(int(seed))) / 2**24 * sum(chance for _, chance in kept)
    print(f"the coin falls to {target:.4f}")
    for id_, chance in kept:
        target -= chance
        if target < 0:
            break
    print(id_)


SHOW = {"chances": (show_chances, 3), "top-p": (show_top_p, 3), "coins": (show_coins, 2), "next": (show_next, 5)}


def main():
    if len(sys.argv) < 2 or sys.argv[1] not in SHOW or len(sys.argv) - 2 != SHOW[sys.argv[1]][1]:
        raise SystemExit(__doc__)
    SHOW[sys.argv[1]][0](*sys.argv[2:])


if __name__ == "__main__":
    main()
