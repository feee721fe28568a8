#!/usr/bin/python3
"""The pictures of README.md: the screen of each firmware when the first story has ended, by QEMU's screendump.

screenshots.py FOLDER      boots build/bootllama.img and writes FOLDER/bios.png and FOLDER/uefi.png

The machines have no serial port: with one, UEFI firmware would send colours there too, so the application uses none.
"""
import subprocess
import sys
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))

from machine import FIRMWARE_SECONDS, Failure, Machine
from places import BUILD

PERIOD_SECONDS = 1


def cyan(ppm):
    """The number of pixels in the colour of notes, which only the lines under a story have. The file is binary PPM:
    magic, size, greatest value, then a byte each of red, green and blue."""
    data = ppm.read_bytes().split(b"\n", 3)[3]
    return sum(1 for red, green, blue in zip(data[::3], data[1::3], data[2::3]) if red == 0 and green == blue > 127)


def wait_for_prompt(machine, dump):
    """Until all is there that follows the story; the last picture is in `dump`."""
    limit = time.monotonic() + FIRMWARE_SECONDS["uefi"]
    before, now = 0, 0
    while now == 0 or now != before:
        if time.monotonic() > limit:
            raise Failure(f"{machine.name}: no story on the screen in time")
        time.sleep(PERIOD_SECONDS)
        machine.ask("screendump", filename=str(dump), format="ppm")
        before, now = now, cyan(dump)


def take(firmware, picture):
    with Machine(f"screenshot-{firmware}", BUILD / "bootllama.img", firmware, serial=False) as machine:
        dump = machine.folder / "screen.ppm"
        wait_for_prompt(machine, dump)
        subprocess.run(["convert", dump, "-trim", "+repage", "-bordercolor", "black", "-border", "16", "-strip",
                        "-colors", "16", f"PNG8:{picture}"], check=True)


def main():
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for firmware in ("bios", "uefi"):
        take(firmware, folder / f"{firmware}.png")


if __name__ == "__main__":
    main()
