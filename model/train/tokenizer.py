#!/usr/bin/python3
"""tokenizer.py FOLDER: learns 512 BPE pieces from FOLDER/train.txt and encodes the stories with them.

Writes tokenizer.model (sentencepiece), tokenizer.bin (llama2.c) and the token ids of train.txt and heldout.txt (*.npy).
"""

import struct
import sys
from pathlib import Path

import numpy
import sentencepiece

VOCAB = 512
SAMPLE = 50000      # stories to learn the pieces from; more change nothing


def learn(text, model):
    """As in Llama 2: 0 <unk>, 1 <s>, 2 </s>, then all 256 bytes, then pieces; a text begins with a space of its own."""
    with open(text, encoding="ascii") as stories, open(model, "wb") as file:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=(story for story, _ in zip(stories, range(SAMPLE))), model_writer=file,
            model_type="bpe", vocab_size=VOCAB, byte_fallback=True, character_coverage=1.0,
            normalization_rule_name="identity", remove_extra_whitespaces=False, split_digits=True,
            num_threads=1, minloglevel=2)


def export(pieces, path):
    """llama2.c's file: u32 longest piece; then for each piece f32 score, u32 length, bytes."""
    entries = []
    for i in range(VOCAB):
        text = pieces.id_to_piece(i).replace("\u2581", " ")
        if i in (pieces.bos_id(), pieces.eos_id()):
            text = f"\n{text}\n"        # llama2.c's own habit
        entries.append((pieces.get_score(i), text.encode()))
    with open(path, "wb") as file:
        file.write(struct.pack("<I", max(len(text) for _, text in entries)))
        for score, text in entries:
            file.write(struct.pack("<fI", score, len(text)) + text)


def encode(pieces, text, path):
    """All stories in one row of ids, each one after a BOS, and a last BOS: who emits BOS has ended the story."""
    with open(text, encoding="ascii") as stories:
        ids = [[pieces.bos_id(), *pieces.encode(story.rstrip("\n"))] for story in stories]
    row = numpy.fromiter((i for story in (*ids, [pieces.bos_id()]) for i in story), "<u2")
    numpy.save(path, row)
    print(f"{path}: {len(ids)} stories, {len(row)} tokens, the longest has {max(map(len, ids))}")


def main():
    folder = Path(sys.argv[1])
    learn(folder / "train.txt", folder / "tokenizer.model")
    pieces = sentencepiece.SentencePieceProcessor(model_file=str(folder / "tokenizer.model"))
    export(pieces, folder / "tokenizer.bin")
    for part in ("train", "heldout"):
        encode(pieces, folder / f"{part}.txt", folder / f"{part}.npy")


if __name__ == "__main__":
    main()
