"""The sector on other emulators: Bochs with its own BIOS, which checks segment limits, and v86 with SeaBIOS."""
import json
import os
import select
import subprocess
import time
from pathlib import Path

import pytest

import bochs
import npm
from places import BUILD, unavailable
from sector import image, screen_lines, story, told

HERE = Path(__file__).parent
NODE = BUILD / "node-sector"
SEABIOS = Path("/usr/share/seabios/bios.bin"), Path("/usr/share/seabios/vgabios-stdvga.bin")
SECONDS = 1200  # a limit for the busiest machine; a story takes half a minute on a quiet one


@pytest.mark.parametrize("build, drive", [("sector", "hard disk"), ("floppy", "floppy"), ("record", "hard disk")])
def test_bochs(tmp_path, build, drive):
    expected = screen_lines(story(build, "default"))
    limit = time.monotonic() + SECONDS
    with bochs.Bochs(tmp_path, image(build, "default"), drive) as machine:
        while not told(lines := machine.run(3), expected):
            assert time.monotonic() < limit, "\n".join(lines)


@pytest.fixture(scope="module")
def node_modules():
    return npm.node_modules(NODE, HERE / "package.json", "v86")


@pytest.mark.parametrize("build, drive", [("sector", "hda"), ("floppy", "fda")])
def test_v86(node_modules, build, drive):
    if not all(path.exists() for path in SEABIOS):
        unavailable("SeaBIOS is not here: Debian's seabios")
    expected = screen_lines(story(build, "default"))
    command = ["node", HERE / "v86.mjs", *SEABIOS, image(build, "default"), drive]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0,
                               env=os.environ | {"NODE_MODULES": str(node_modules.resolve())})
    try:
        lines, limit = [], time.monotonic() + SECONDS
        while not told(lines, expected):
            assert time.monotonic() < limit, "\n".join(lines)
            if select.select([process.stdout], [], [], 1)[0]:
                said = process.stdout.readline()
                assert said.startswith(b"["), said
                lines = [line.rstrip() for line in json.loads(said)]
    finally:
        process.kill()
        process.wait()
