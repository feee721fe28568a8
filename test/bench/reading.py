#!/usr/bin/python3
"""Loading a model in QEMU beside the firmware's own reading of the same file: MB/s of both, and their ratio.

reading.py RESULT.json

ONLY="WORDS"    measures only the machines that have all of these words; "uefi nvme, bios" are two groups of words
ROUNDS=N        (5)

Each machine is booted twice: into bootllama, and into a program that only reads the model. That one uses the file
protocol with aligned pieces of 1 MiB (boot/efi/raw_read.c), on BIOS INT 13h with 127 sectors (raw_read.asm). Each is
paused while the other one reads or loads, in turn. Times are those at which text arrives from the serial port: loading
is all from the line that names the file to the line under it. "As told" is what bootllama shows: weights alone.
"""
import json
import os
import re
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from collections import namedtuple
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path += [str(HERE.parent / "support"), str(HERE.parent / "boot")]

from machine import Machine
from places import BUILD
from programs import FOLDER
from rows import chosen
from shapes import model_file
from volume import Volume

ROUNDS = 5
MODEL = "MODEL.GGUF"
SHAPE, QUANTIZATION = "110m", "q8_0"
KERNEL = "avx2"  # that weights are packed for: no race, which may end one way or another
MEMORY, IMAGE = 1024, 192  # MiB
REQUEST = 127  # sectors of a BIOS's read: the most that any BIOS takes
READY = "@"  # what both programs say before they read
FIRST = 4  # where raw_read.asm has what is written here
TOLD = re.compile(r"100 %, (\d+\.\d) MB/s\n")

Row = namedtuple("Row", "name firmware medium")
ROWS = [Row(f"{firmware} {medium}", firmware, medium)
        for firmware, medium in [("uefi", "nvme"), ("uefi", "ahci"), ("uefi", "usb-xhci"), ("bios", "ahci")]]


class Timed(Machine):
    """To be paused while another one is timed."""

    def seconds(self, typed, begin, end):
        """From `begin`, or from typing, to `end`, and what was said."""
        self.ask("cont")
        start = time.monotonic()
        self.type(typed)
        if begin is not None:
            self.wait_for(begin)
            start = time.monotonic()
        said = self.wait_for(end)
        seconds = time.monotonic() - start
        return seconds, said

    def pause_at(self, text):
        self.wait_for(text)
        self.ask("stop")


def raw_volume(firmware, volume, path):
    """A copy of the volume that boots into the program that only reads."""
    subprocess.run(["cp", "--sparse=always", volume.path, path], check=True)
    raw = Volume(path)
    if firmware == "uefi":
        raw.put(BUILD / "test/efi/raw_read.efi", "/EFI/BOOT/BOOTX64.EFI")
        return raw
    sector = path.with_suffix(".bin")
    subprocess.run(["nasm", "-f", "bin", "-o", sector, HERE / "raw_read.asm"], check=True)
    clusters = raw.chain(f"/MODELS/{MODEL}")
    assert clusters == list(range(clusters[0], clusters[0] + len(clusters)))
    requests = len(clusters) * raw.cluster_sectors // REQUEST
    raw.write(0, sector.read_bytes()[:440])
    raw.write(0, struct.pack("<IIH", raw.lba(clusters[0]), requests, REQUEST), FIRST)
    return raw


def measure(row, volume, folder, size, rounds):
    raw = raw_volume(row.firmware, volume, folder / f"raw-{row.firmware}.img")
    options = {"firmware": row.firmware, "medium": row.medium, "memory": MEMORY}
    taken = []
    with Timed(f"reading-raw-{row.medium}", raw.path, **options) as reader:
        reader.pause_at(READY)
        with Timed(f"reading-{row.medium}", volume.path, **options) as loader:
            loader.start()
            loader.wait_for("\nSize: ")
            loader.wait_for("begins in")
            loader.type("\x1b")
            loader.pause_at("\n> ")
            for _ in range(rounds):
                read, _ = reader.seconds("r", None, READY)
                reader.ask("stop")
                loaded, said = loader.seconds(f"/model {MODEL}\r", "\nLoading ", "\nModel: ")
                loader.pause_at("\n> ")
                taken.append({"raw": size / 1e6 / read, "loading": size / 1e6 / loaded, "ratio": read / loaded,
                              "told": float(TOLD.search(said)[1])})
    return {"machine": row.name, **{key: statistics.median(each[key] for each in taken) for key in taken[0]},
            "lowest": min(each["ratio"] for each in taken), "highest": max(each["ratio"] for each in taken)}


def show(result):
    print(f"{result['machine']:<16}{result['raw']:>10.1f}{result['loading']:>10.1f}{result['told']:>10.1f}"
          f"{result['ratio']:>8.2f}   {result['lowest']:.2f} to {result['highest']:.2f}", flush=True)


def main():
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    rounds, rows = int(os.environ.get("ROUNDS") or ROUNDS), chosen(ROWS, os.environ.get("ONLY", ""))
    model = model_file(FOLDER, SHAPE, QUANTIZATION)
    size, results = model.stat().st_size, []
    with tempfile.TemporaryDirectory(prefix="bootllama-bench-") as folder:
        volume = Volume.of_size(Path(folder) / "disk.img", IMAGE)
        volume.put(model, f"/MODELS/{MODEL}")
        volume.configure(prompt="", context=256, countdown=3600, kernel=KERNEL)
        print(f"{size / 1e6:.0f} MB, MB/s{'raw':>10}{'loading':>10}{'as told':>10}{'ratio':>8}   of {rounds} rounds")
        for row in rows:
            results.append(measure(row, volume, Path(folder), size, rounds))
            show(results[-1])
    Path(sys.argv[1]).write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
