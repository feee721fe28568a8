#!/usr/bin/python3
"""Draws the book's figures from the program's own numbers.

figures.py FOLDER      writes FOLDER/*.svg; without stories260K, those that do not need it
"""
import os
import re
import struct
import subprocess
import sys
from pathlib import Path
from xml.sax.saxutils import escape

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
BUILD = ROOT / os.environ.get("BUILD", "build")
sys.path.append(str(DOCS / "programs"))

import book
import trip as trip_program

STORIES260K = BUILD / "models/STORIES260K.GGUF"
TEXT = "Once upon a time, there was a little"
INK, PALE, BLUE = "#222222", "#dddddd", "#2468a8"


class Drawing:
    """A picture of a size in pixels, on white, so that it can be read on any page."""

    def __init__(self, width, height):
        self.parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
                      f'viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12" fill="{INK}">',
                      '<rect width="100%" height="100%" fill="white"/>']

    def box(self, x, y, width, height, fill, line="none"):
        self.parts.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{fill}" '
                          f'stroke="{line}"/>')

    def text(self, x, y, words, anchor="start", size=12):
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" '
                          f'xml:space="preserve">{escape(words)}</text>')

    def grid(self, x, y, cell, count):
        end = cell * count
        lines = "".join(f"M{x + i * cell} {y}v{end}M{x} {y + i * cell}h{end}" for i in range(count + 1))
        self.parts.append(f'<path d="{lines}" stroke="{PALE}"/>')

    def svg(self):
        return "\n".join([*self.parts, "</svg>\n"])


def shade(part):
    """White for 0, blue for 1."""
    rgb = [round(255 + (end - 255) * part) for end in (0x24, 0x68, 0xA8)]
    return "#" + "".join(f"{value:02x}" for value in rgb)


# ---- Memory below 1 MiB ----

def layout():
    """Names and values of bios/layout.h."""
    text = (ROOT / "bios/layout.h").read_text()
    return {name: int(value, 0) for name, value in re.findall(r"^#define (\w+) (0x\w+|\d+)", text, re.MULTILINE)}


def draw_memory():
    at = layout()
    stage2_end = at["STAGE2_ADDRESS"] + 512 * at["STAGE2_SECTORS_MAX"]
    parts = [  # first and last address + 1, what lies there
        (0, at["BOOT_VARIABLES"], "interrupt vectors and the BIOS's variables"),
        (at["BOOT_VARIABLES"], at["REAL_STACK_TOP"], "our first variables; stack of the boot sector and of BIOS calls"),
        (at["BOOT_ADDRESS"], at["BOOT_ADDRESS"] + 512, "the boot sector"),
        (at["STAGE2_ADDRESS"], stage2_end, "stage 2, as it is on the disk"),
        (stage2_end, at["STAGE2_LIMIT"], "bss of stage 2"),
        (at["STAGE2_LIMIT"], at["BOUNCE_ADDRESS"], "where models are read to"),
        (at["BOUNCE_ADDRESS"], at["STACK_BOTTOM"], "other disk transfers"),
        (at["STACK_BOTTOM"], at["STACK_TOP"], "stack of the C code"),
        (at["STACK_TOP"], 0xA0000, "the BIOS's extended data, at the end"),
        (0xA0000, 0xC0000, "the display adapter's memory: text at B8000h"),
        (0xC0000, 0x100000, "ROM"),
    ]
    drawing, y = Drawing(640, 40 * len(parts) + 30), 10
    for number, (begin, end, what) in enumerate(reversed(parts)):
        ours = at["BOOT_VARIABLES"] <= begin < at["STACK_TOP"]
        drawing.box(90, y, 420, 38, "#e4eefa" if ours else "#f4f4f4", INK)
        drawing.text(300, y + 24, what, "middle")
        drawing.text(82, y + 36, f"{begin:05X}h", "end", 11)
        drawing.text(520, y + 24, f"{(end - begin) / 1024:.4g} KiB", size=11)
        y += 40
        if number == len(parts) - 1:
            drawing.text(90, y + 12, "Blue: ours. Not to scale.", size=11)
    return drawing


# ---- The disk ----

def draw_disk():
    at = layout()
    with open(BUILD / "bootllama.img", "rb") as image:
        partition, = struct.unpack_from("<I", image.read(512), 446 + 8)  # of the first entry of the partition table
    folders = ["\\EFI\\BOOT: what UEFI starts", "\\MODELS: models", "\\BOOTLLAM.CFG: settings"]
    parts = [  # width, first sector, what
        (120, 0, ["sector 0:", "a BIOS", "starts it"]),
        (150, at["STAGE2_LBA"], ["stage 2,", f"at most {at['STAGE2_SECTORS_MAX']}", "sectors"]),
        (110, None, ["unused"]),
        (260, partition, ["a FAT32 volume:", *folders]),
    ]
    drawing, x = Drawing(680, 140), 20
    for width, first, lines in parts:
        drawing.box(x, 34, width, 86, "#f4f4f4" if first is None else "#e4eefa", INK)
        for number, line in enumerate(lines):
            drawing.text(x + width / 2, 60 + 17 * number, line, "middle")
        if first is not None:
            drawing.text(x, 26, f"sector {first}", size=11)
        x += width
    return drawing


# ---- A GGUF file ----

def gguf_borders(data):
    """Where header, keys, descriptions of tensors and data begin and end. Format: ggml's docs/gguf.md."""
    sizes = [1, 1, 2, 2, 4, 4, 4, 1, None, None, 8, 8, 8]

    def skip_value(kind, at):
        if kind == 8:
            return at + 8 + struct.unpack_from("<Q", data, at)[0]
        if kind != 9:
            return at + sizes[kind]
        of, count = struct.unpack_from("<IQ", data, at)
        at += 12
        for _ in range(count):
            at = skip_value(of, at)
        return at

    tensors, keys = struct.unpack_from("<QQ", data, 8)
    at = 24
    for _ in range(keys):
        at += 8 + struct.unpack_from("<Q", data, at)[0]
        at = skip_value(struct.unpack_from("<I", data, at)[0], at + 4)
    keys_end = at
    for _ in range(tensors):
        at += 8 + struct.unpack_from("<Q", data, at)[0]
        at += 4 + 8 * struct.unpack_from("<I", data, at)[0] + 12
    return 24, keys_end, at, (at + 31) // 32 * 32, len(data)


def draw_gguf():
    header, keys, tensors, start, end = gguf_borders((ROOT / "model/default.gguf").read_bytes())
    parts = [("header", header), ("keys, most of them the vocabulary", keys - header),
             ("descriptions of tensors", tensors - keys), ("weights", end - start)]
    drawing, x, width = Drawing(720, 130), 20, 680
    for number, (what, size) in enumerate(parts):
        part = width * size / end
        drawing.box(x, 20, max(part, 1), 40, shade(0.25 + 0.2 * number))
        drawing.box(20 + 330 * (number % 2), 76 + 24 * (number // 2), 12, 12, shade(0.25 + 0.2 * number))
        drawing.text(40 + 330 * (number % 2), 87 + 24 * (number // 2), f"{what}: {size:,} bytes")
        x += part
    return drawing


# ---- Ways to round weights ----

def draw_alternatives():
    lines = [line.rsplit(None, 4) for line in alternatives()]
    rows = [(name, float(divergence)) for name, _, divergence, _, _ in lines if float(divergence) > 0]
    most = max(divergence for _, divergence in rows[:-2])
    drawing = Drawing(720, 26 * len(rows) + 40)
    for number, (name, divergence) in enumerate(rows):
        y = 14 + 26 * number
        long = 300 * divergence / most
        drawing.text(230, y + 13, name, "end", 11)
        fits = long <= 320
        drawing.box(240, y, min(long, 320), 16, BLUE if fits else "#a03030")
        drawing.text(min(long, 320) + 248, y + 13, f"{divergence:.5f}" + ("" if fits else ", off the scale"), size=11)
    drawing.text(240, 26 * len(rows) + 28, "mean divergence from f32, nat", size=11)
    return drawing


def alternatives():
    """The lines that the chapter on int8 shows, from the command beside them."""
    chapter = (DOCS / "book/06-int8.md").read_text()
    command = next(command for block in book.BLOCK.findall(chapter) for command, _ in book.commands(block)
                   if "docs/alternatives " in command)
    return book.output_of(command)[1:]


# ---- A tile ----

def places(kernel):
    """(row, column) of the weight in each byte of a tile."""
    text = subprocess.run([BUILD / "docs/tile", kernel, "1024"], check=True, capture_output=True, text=True).stdout
    return [tuple(map(int, place.split("."))) for line in text.splitlines()[1:] for place in line.split()[1:]]


def draw_tile():
    """The first bytes of a tile, numbered as they lie in memory."""
    cell, first = 21, 64
    drawing = Drawing(1440, 770)
    for number, kernel in enumerate(("scalar", "sse2")):
        left = 20 + 720 * number
        drawing.text(left, 24, f"{kernel}: the first {first} bytes, numbered as they lie in memory", size=16)
        drawing.grid(left, 40, cell, 32)
        for byte, (row, column) in enumerate(places(kernel)[:first]):
            drawing.box(left + cell * column, 40 + cell * row, cell, cell, shade(0.15 + 0.5 * byte / first), PALE)
            drawing.text(left + cell * (column + 0.5), 40 + cell * (row + 0.7), str(byte), "middle")
        drawing.text(left, 740, "32 columns across, 32 rows down; a square is one weight", size=16)
    return drawing


# ---- A token's trip ----

def draw_layer():
    """A layer of stories260K with the sizes of its vectors."""
    header = (BUILD / "cache/models/stories260K.bin").read_bytes()
    dim, hidden, layers, heads, kv_heads, vocabulary, _ = struct.unpack_from("<7i", header)
    kv = dim // heads * kv_heads
    steps = [  # what happens, the numbers that leave it, whether it adds to the residual stream
        ("embedding: the row of the token", dim, None), ("norm", dim, False),
        ("matrices of queries, keys, values", f"{dim} + {kv} + {kv}", False), ("RoPE", f"{dim} + {kv}", False),
        (f"attention: {heads} heads, {kv_heads} of keys and values", dim, False),
        ("attention's own output matrix", dim, True),
        ("norm", dim, False), ("matrices gate and up", f"{hidden} + {hidden}", False), ("SiLU, product", hidden, False),
        ("matrix down", dim, True), ("norm", dim, None), ("output matrix: logits", vocabulary, None)]
    drawing, top = Drawing(620, 36 * len(steps) + 30), 14
    drawing.box(250, top + 33, 330, 36 * 9, "#f7f7f7", PALE)
    drawing.text(586, top + 50, f"x {layers}", size=14)
    drawing.box(60, top + 20, 6, 36 * (len(steps) - 2), BLUE)
    drawing.text(20, 36 * len(steps) + 20, "Blue: the residual stream. Numbers: how long the vectors are.", size=11)
    for number, (what, size, adds) in enumerate(steps):
        y = top + 36 * number
        drawing.box(260, y + 3, 240, 26, "white", INK)
        drawing.text(380, y + 20, what, "middle", 11)
        drawing.text(508, y + 20, str(size), size=11)
        if adds or what.startswith(("norm", "embedding")):
            drawing.box(66, y + 15, 194, 1.5, BLUE)
            verb = "adds" if adds else "begins" if what.startswith("embedding") else "is read"
            drawing.text(160, y + 11, verb, "middle", 11)
    return drawing


def draw_attention(steps):
    count, heads = len(steps["tokens"]), len(steps["layers"][0]["weight"])
    cell, drawing = 13, Drawing(860, 200)
    for number, layer in enumerate(steps["layers"]):
        left = 20 + number * (cell * count + 34)
        drawing.text(left, 20, f"layer {number}")
        for head, row in enumerate(layer["weight"]):
            for at, weight in enumerate(row):
                drawing.box(left + cell * at, 30 + cell * head, cell, cell, shade(weight), PALE)
    pieces = "  ".join(f'{at} "{token["text"]}"' for at, token in enumerate(steps["tokens"]))
    drawing.text(20, 30 + cell * heads + 24, "A row is a head, a column a position of the text; blue is attention.")
    drawing.text(20, 30 + cell * heads + 46, "Positions: " + pieces)
    return drawing


def draw_next(steps):
    drawing = Drawing(600, 30 * len(steps["likeliest"]) + 20)
    for number, token in enumerate(steps["likeliest"]):
        y = 14 + 30 * number
        drawing.text(100, y + 14, f"\"{token['text']}\"", "end")
        drawing.box(110, y, max(1, 380 * token["probability"]), 20, BLUE)
        drawing.text(116 + 380 * token["probability"], y + 14, f"{100 * token['probability']:.1f} %")
    return drawing


def figures():
    """Names and drawings."""
    yield "memory", draw_memory()
    yield "disk", draw_disk()
    yield "gguf", draw_gguf()
    yield "tile", draw_tile()
    if STORIES260K.exists():
        steps = trip_program.trip(STORIES260K, TEXT)
        yield "layer", draw_layer()
        yield "attention", draw_attention(steps)
        yield "next", draw_next(steps)
        yield "alternatives", draw_alternatives()


def main():
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    folder = Path(sys.argv[1])
    for name, drawing in figures():
        (folder / f"{name}.svg").write_text(drawing.svg())


if __name__ == "__main__":
    main()
