#!/usr/bin/python3
"""Reads stories out of a checkpoint of the training, also while it goes on: sample.py --help"""

import argparse
from pathlib import Path

import sentencepiece
import torch

from llama import CONTEXT, Llama

BOS = 1


def choose(logits, temperature, top_p):
    """One token for each row: the most likely one at temperature 0, else one of those that make up top_p."""
    if temperature == 0:
        return logits.argmax(-1, keepdim=True)
    chances, tokens = torch.softmax(logits / temperature, -1).sort(-1, descending=True)
    before = chances.cumsum(-1) - chances
    return tokens.gather(-1, torch.multinomial(chances.masked_fill(before > top_p, 0), 1))


@torch.no_grad()
def sample(model, prompt, count, temperature, top_p):
    """Tokens of count stories; a story that ended goes on with BOS."""
    tokens = torch.tensor([[BOS, *prompt]] * count)
    ended = torch.zeros(count, 1, dtype=torch.bool)
    while tokens.shape[1] < CONTEXT and not ended.all():
        token = choose(model(tokens)[:, -1], temperature, top_p).masked_fill(ended, BOS)
        ended |= token == BOS
        tokens = torch.cat((tokens, token), 1)
    return tokens


def main():
    parser = argparse.ArgumentParser(description="Reads stories out of FOLDER/checkpoint.pt, also during the training.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=10)
    parser.add_argument("--prompt", default="")
    parser.add_argument("--temperature", type=float, default=0.8)
    parser.add_argument("--top-p", type=float, default=0.9)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    pieces = sentencepiece.SentencePieceProcessor(model_file=str(options.folder / "tokenizer.model"))
    model = Llama()
    model.load_state_dict(torch.load(options.folder / "checkpoint.pt")["model"])
    torch.manual_seed(options.seed)
    prompt = pieces.encode(options.prompt)
    for row in sample(model, prompt, options.count, options.temperature, options.top_p).tolist():
        ended = "" if row[-1] == BOS else " [not ended]"
        print(pieces.decode([token for token in row if token != BOS]) + ended)


if __name__ == "__main__":
    main()
