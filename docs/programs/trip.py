#!/usr/bin/python3
"""Shows one part of a token's trip through a model, from the numbers of bootllama --explain --json.

trip.py MODEL TEXT q LAYER HEAD           the query of the last token in a head
trip.py MODEL TEXT attention LAYER HEAD   its scores with each position, and their softmax
trip.py MODEL TEXT norms                  the root mean square of the residual stream, layer by layer
trip.py MODEL TEXT next                   the likeliest next tokens
"""
import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / os.environ.get("BUILD", "build") / "host/bootllama"


def trip(model, text):
    """What --explain says of the text."""
    result = subprocess.run([PROGRAM, model, "--explain", text, "--json"], check=True, capture_output=True, text=True)
    return json.loads(result.stdout)


def show_q(steps, layer, head):
    print(" ".join(f"{value:7.3f}" for value in steps["layers"][layer]["q"][head]))


def show_attention(steps, layer, head):
    part = steps["layers"][layer]
    print("position  token        score  softmax")
    for at, (token, score, weight) in enumerate(zip(steps["tokens"], part["score"][head], part["weight"][head])):
        print(f"{at:8}  {json.dumps(token['text'], ensure_ascii=False):<10} {score:7.3f} {weight:8.4f}")


def show_norms(steps):
    for number, layer in enumerate(steps["layers"]):
        print(f"layer {number}: {layer['rms_attention']:.3f} before attention, "
              f"{layer['rms_feed_forward']:.3f} before feed-forward")
    print(f"output:  {steps['rms_output']:.3f}")


def show_next(steps):
    for token in steps["likeliest"]:
        print(f"{token['probability']:8.5f}  logit {token['logit']:7.3f}  id {token['id']:3}  "
              f"{json.dumps(token['text'], ensure_ascii=False)}")


SHOW = {"q": show_q, "attention": show_attention, "norms": show_norms, "next": show_next}


def main():
    if len(sys.argv) < 4 or sys.argv[3] not in SHOW or len(sys.argv) != (6 if sys.argv[3] in ("q", "attention") else 4):
        raise SystemExit(__doc__)
    model, text, what, *numbers = sys.argv[1:]
    SHOW[what](trip(model, text), *map(int, numbers))


if __name__ == "__main__":
    main()
