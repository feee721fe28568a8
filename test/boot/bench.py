#!/usr/bin/python3
"""How fast the image is in QEMU without hardware acceleration, on both firmwares and several processors.

bench.py RESULT.json      boots stories260K, tells stories, loads a larger model; one table, one chart, one JSON file

Hand-over is the moment at which the firmware enters our first instruction: on BIOS SeaBIOS says so on its debug port,
on UEFI it is taken for the application's first line, which comes a little later. The banner is the line with the
version. Times are those at which text arrives here, so a busy machine shows in them.
"""
import json
import re
import socket
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))

from gguf_file import GgufFile
from gguf_writer import write_wide
from machine import Machine, enlarge
from places import BUILD
from volume import Volume

MACHINES = [  # firmware, QEMU's -cpu, medium
    ("bios", "486", "ide"),
    ("bios", "qemu64", "ide"),
    ("bios", "max", "ide"),
    ("bios", "max", "virtio"),
    ("uefi", "qemu64", "ahci"),
    ("uefi", "max", "ahci"),
    ("uefi", "max", "virtio"),
]
STORIES, TOKENS = 3, 250  # told, and tokens of each at most
FOOTER = re.compile(r"\[(\d+) tokens, (\d+\.\d) tokens/s[^\]]*\]\n")
HAND_OVER = b"Booting from 0000:7c00"
WIDE_COLUMNS, WIDE = 16384, "WIDE.GGUF"  # feed-forward columns of the model to load: 17 MB
BAR = 40


class Watched(Machine):
    """Notes when what came from the serial port and, on BIOS, from the firmware's debug port."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.arrivals, self.debugged, self.handed_over = [], b"", None
        self.debug, theirs = socket.socketpair()
        enlarge(theirs)
        self.debug.setblocking(False)
        self.command += [*self._channel("debug", theirs, []), "-device", "isa-debugcon,iobase=0x402,chardev=debug"]
        self._theirs += (theirs,)

    def _receive(self, limit):
        came = super()._receive(limit)
        self.arrivals.append((time.monotonic(), len(self.raw)))
        return came

    def watch_for_hand_over(self, seconds):
        """On BIOS; before anything is read from the serial port."""
        limit = time.monotonic() + seconds
        while HAND_OVER not in self.debugged:
            assert time.monotonic() < limit, f"{self.name}: the firmware starts nothing"
            try:
                self.debugged += self.debug.recv(4096)
            except BlockingIOError:
                time.sleep(0.0005)
        self.handed_over = time.monotonic()

    def arrival(self, pattern):
        """When the text up to the end of the last match of a pattern of bytes was here."""
        end = [match.end() for match in re.finditer(pattern, self.raw)][-1]
        return next(moment for moment, length in self.arrivals if length >= end)


def measure(volume, model, wide, firmware, cpu, medium):
    with Watched(f"bench-{firmware}-{cpu}-{medium}", volume, firmware, cpu=cpu, medium=medium, memory=256) as machine:
        if firmware == "bios":
            machine.watch_for_hand_over(60)
        machine.start()
        speeds = [float(FOOTER.search(machine.wait_for(FOOTER))[2]) for _ in range(STORIES)]
        start = machine.handed_over or machine.arrival(rb"bootllama: ")
        banner = machine.arrival(rb"bootllama [0-9.]+ on ") - start
        first = machine.arrival(rb"\nSize: [^\n]*\n\r?\n[^\r\n]") - start
        machine.wait_for("\n> ")
        machine.type(f"/model {WIDE}\r")
        machine.wait_for(re.compile(r"\nSize: [^\n]*\n"))
        seconds = machine.arrival(rb"\nModel: ") - machine.arrival(rb"\nLoading ")
        kernel = re.search(r"Kernel: (\w+)", machine.text())[1]
    return {"firmware": firmware, "cpu": cpu, "medium": medium, "kernel": kernel,
            "banner_ms": round(banner * 1000), "first_token_ms": round(first * 1000),
            "tokens_per_second": statistics.median(speeds),
            "load_mb_per_second": round(wide.stat().st_size / 1e6 / seconds, 1), "model": model.name}


def show(results):
    print(f"{'firmware':<9}{'cpu':<8}{'disk':<8}{'kernel':<11}{'banner':>9}{'first token':>14}"
          f"{'tokens/s':>10}{'load MB/s':>11}")
    for row in results:
        print(f"{row['firmware']:<9}{row['cpu']:<8}{row['medium']:<8}{row['kernel']:<11}{row['banner_ms']:>6} ms"
              f"{row['first_token_ms']:>11} ms"
              f"{row['tokens_per_second']:>10.1f}{row['load_mb_per_second']:>11.1f}")
    print("\ntokens/s")
    most = max(row["tokens_per_second"] for row in results)
    for row in results:
        name = f"{row['firmware']} {row['cpu']} {row['medium']}"
        print(f"{name:<20}{'#' * max(1, round(BAR * row['tokens_per_second'] / most)):<{BAR}}"
              f"{row['tokens_per_second']:>8.1f}")


def main():
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    model = BUILD / "models/STORIES260K.GGUF"
    if not model.exists():
        raise SystemExit(f"bench: {model} is not here: make fetch-model, or BOOTLLAMA_MODELS=FOLDER")
    with tempfile.TemporaryDirectory(prefix="bootllama-bench-") as folder:
        wide = Path(folder) / WIDE
        write_wide(wide, GgufFile(model.read_bytes()), WIDE_COLUMNS)
        volume = Volume.of_size(Path(folder) / "disk.img", 96, model, wide)
        volume.configure(model=model.name, prompt="", steps=TOKENS, countdown=0, stories=STORIES)
        results = []
        for machine in MACHINES:
            print(f"{' '.join(machine)} ...", file=sys.stderr, flush=True)
            results.append(measure(volume.path, model, wide, *machine))
    show(results)
    Path(sys.argv[1]).write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
