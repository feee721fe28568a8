#!/usr/bin/python3
"""The pictures of README.md: the screen of each firmware when the first story has ended, by QEMU's screendump.

screenshots.py FOLDER      boots build/bootllama.img and writes FOLDER/bios.png and FOLDER/uefi.png
"""
import subprocess
import sys
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "model"))  # places.py

from machine import STORY, Machine
from places import BUILD


def take(firmware, picture):
    with Machine(f"screenshot-{firmware}", BUILD / "bootllama.img", firmware) as machine:
        machine.wait_for(STORY)
        time.sleep(1)  # the screen is drawn a moment after the serial port has spoken
        dump = machine.folder / "screen.png"
        machine.ask("screendump", filename=str(dump), format="png")
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
