#!/usr/bin/python3
"""The pictures of README.md, by QEMU's screendump.

screenshots.py FOLDER      boots build/bootllama.img and writes to FOLDER
                           bios.png, uefi.png   the screen of each firmware when the first story has ended
                           boot.gif             a 486 from power-on to the end of that story, in its own time

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
FRAME_SECONDS, LAST_FRAME_SECONDS = 0.05, 6  # of the animation
PICTURE_BYTES_MAX = 1000000


def cyan(ppm):
    """The number of pixels in the colour of notes, which only the lines under a story have. The file is binary PPM:
    magic, size, greatest value, then a byte each of red, green and blue."""
    data = ppm.read_bytes().split(b"\n", 3)[3]
    return sum(1 for red, green, blue in zip(data[::3], data[1::3], data[2::3]) if red == 0 and green == blue > 127)


def wait_for_prompt(machine, dump):
    """Until all is there that follows the story; the last picture is in `dump`."""
    limit = machine.clock() + FIRMWARE_SECONDS["uefi"]
    before, now = 0, 0
    while now == 0 or now != before:
        if machine.clock() > limit:
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


def record(machine):
    """Files of pictures of the text screen and the seconds at which each appeared, until a second after the first line
    that follows the story. The cursor blinks, so the screen never stays the same."""
    frames, before, start, told = [], b"", time.monotonic(), None
    while told is None or time.monotonic() < told + PERIOD_SECONDS:
        if time.monotonic() > start + FIRMWARE_SECONDS["uefi"]:
            raise Failure(f"{machine.name}: no story on the screen in time")
        dump = machine.folder / f"{len(frames):04}.ppm"
        machine.ask("screendump", filename=str(dump), format="ppm")
        now = dump.read_bytes()
        if now != before and now.startswith(b"P6\n720 400\n"):
            frames.append((dump, time.monotonic()))
            before = now
            told = told or (frames[-1][1] if cyan(dump) > 0 else None)
        time.sleep(FRAME_SECONDS)
    return frames


def animate(picture):
    with Machine("screenshot-animation", BUILD / "bootllama.img", cpu="486", serial=False) as machine:
        frames = record(machine)
        ends = [seconds for _, seconds in frames[1:]] + [frames[-1][1] + LAST_FRAME_SECONDS]
        arguments = ["convert", "-loop", "0"]
        for (dump, begin), end in zip(frames, ends):
            arguments += ["-delay", str(max(2, round(100 * (end - begin)))), str(dump)]
        subprocess.run([*arguments, "+dither", "-colorspace", "sRGB", "-type", "TrueColor", "-remap", frames[-1][0],
                        "-layers", "optimize", picture], check=True)
    if picture.stat().st_size > PICTURE_BYTES_MAX:
        raise SystemExit(f"{picture} is larger than {PICTURE_BYTES_MAX} bytes")


def main():
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for firmware in ("bios", "uefi"):
        take(firmware, folder / f"{firmware}.png")
    animate(folder / "boot.gif")


if __name__ == "__main__":
    main()
