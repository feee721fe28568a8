#!/usr/bin/python3
"""train.py FOLDER: trains on FOLDER/train.npy and writes FOLDER/model.bin in llama2.c's format.

The state is kept in FOLDER/checkpoint.pt; started again, it goes on from there to the same end.
"""

import math
import os
import sys
import time
from pathlib import Path

import numpy
import torch
from torch.nn import functional as F

from llama import CONTEXT, VOCAB, Llama

STEPS = 16000
WARMUP = 300
BATCH = 4096            # tokens in a step: small enough for the caches, which this little network lives in
PEAK, LAST = 4e-3, 4e-5     # learning rates
DECAY = 0.02
CHAINED = 0.04          # share of the stories that are read one after the other, so that all 512 positions are seen
POOL = 4096             # rows that are sorted by length, so that little of a batch is padding
IGNORE = -1
BOS = 1


def rows(ids, rng):
    """One epoch: (begin, length) of every row, most of them one story with the BOS before and after it."""
    begins = numpy.flatnonzero(ids == BOS)
    stories = list(zip(begins[:-1].tolist(), (numpy.diff(begins) + 1).tolist()))
    rng.shuffle(stories)
    chained = int(len(stories) * CHAINED) // 3
    long = [(begin, CONTEXT + 1) for begin, _ in stories[:chained] if begin + CONTEXT < len(ids)]
    return long + stories[3 * chained:]


def batches(ids, rng):
    """One epoch of inputs and targets, at most BATCH tokens each."""
    everything = rows(ids, rng)
    rng.shuffle(everything)
    for at in range(0, len(everything), POOL):
        pool, groups, group = sorted(everything[at:at + POOL], key=lambda row: row[1]), [], []
        for row in pool:
            if (len(group) + 1) * (row[1] - 1) > BATCH:
                groups.append(group)
                group = []
            group.append(row)
        groups.append(group)
        rng.shuffle(groups)
        for group in groups:
            yield group


def tensors(ids, group):
    longest = max(length for _, length in group) - 1
    inputs = numpy.zeros((len(group), longest), numpy.int64)
    targets = numpy.full((len(group), longest), IGNORE, numpy.int64)
    for i, (begin, length) in enumerate(group):
        row = ids[begin:begin + length]
        inputs[i, :length - 1], targets[i, :length - 1] = row[:-1], row[1:]
    return torch.from_numpy(inputs), torch.from_numpy(targets)


def loss_of(model, ids, group, reduction="mean"):
    inputs, targets = tensors(ids, group)
    return F.cross_entropy(model(inputs).view(-1, VOCAB), targets.view(-1), ignore_index=IGNORE, reduction=reduction)


@torch.no_grad()
def held_out_loss(model, ids, stories):
    """Mean over the tokens of the first stories, each with its closing BOS, in nats."""
    begins = numpy.flatnonzero(ids == BOS)[:stories + 1].tolist()
    total = sum(loss_of(model, ids, [(begin, end - begin + 1)], "sum").item() for begin, end in zip(begins, begins[1:]))
    return total / (begins[-1] - begins[0])


def learning_rate(step):
    if step < WARMUP:
        return PEAK * (step + 1) / WARMUP
    return LAST + (PEAK - LAST) * 0.5 * (1 + math.cos(math.pi * (step - WARMUP) / (STEPS - WARMUP)))


def endless(ids):
    """The batches of all epochs; every epoch has its own fixed order."""
    epoch = 0
    while True:
        yield from batches(ids, numpy.random.default_rng(epoch))
        epoch += 1


def save(path, state):
    """Atomic: a run that is stopped in here leaves the checkpoint before."""
    torch.save(state, f"{path}.new")
    os.replace(f"{path}.new", path)


def main():
    folder = Path(sys.argv[1])
    train, heldout = numpy.load(folder / "train.npy"), numpy.load(folder / "heldout.npy")
    checkpoint = folder / "checkpoint.pt"
    torch.manual_seed(1)
    torch.set_flush_denormal(True)      # the softmax of attention is full of them, and they are slow
    model = Llama()
    optimizer = torch.optim.AdamW(model.parameters(), betas=(0.9, 0.98), weight_decay=DECAY)
    first = 0
    if checkpoint.exists():
        state = torch.load(checkpoint)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        first = state["step"]
    print(f"training: {sum(p.numel() for p in model.parameters())} parameters, steps {first} to {STEPS}", flush=True)

    start = shown = saved = time.time()
    losses = []
    for step, group in enumerate(endless(train)):
        if step < first:
            continue
        if step == STEPS:
            break
        for parameters in optimizer.param_groups:
            parameters["lr"] = learning_rate(step)
        loss = loss_of(model, train, group)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())

        now, done = time.time(), step + 1
        if now - shown > 20 or done == STEPS:
            left = (now - start) / (done - first) * (STEPS - done)
            print(f"step {done}/{STEPS}  loss {sum(losses) / len(losses):.4f}  {left / 60:.1f} min left", flush=True)
            shown, losses = now, []
        if now - saved > 120 or done == STEPS:
            save(checkpoint, {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": done})
            print(f"step {done}/{STEPS}  held-out loss {held_out_loss(model, heldout, 200):.4f}", flush=True)
            saved = time.time()

    print(f"loss per token: {held_out_loss(model, train, 2000):.4f} on 2000 stories of the training,", end=" ")
    print(f"{held_out_loss(model, heldout, 2000):.4f} on 2000 held-out stories")
    model.export(folder / "model.bin")


if __name__ == "__main__":
    main()
