"""v86 with SeaBIOS: a PC in JavaScript, with screen but no keyboard."""
import json
import os
import select
import subprocess
from pathlib import Path

import npm
import quiet
from places import BUILD, ROOT, unavailable

HERE = Path(__file__).parent
SEABIOS = Path("/usr/share/seabios/bios.bin"), Path("/usr/share/seabios/vgabios-stdvga.bin")


def wait_for_screen(is_done, seconds, *words, memory=None):
    """Starts a machine with what v86.mjs takes after the BIOSes, until is_done(lines) of its screen; returns them.
    memory: MiB; seconds: as quiet.py counts them."""
    if not all(path.exists() for path in SEABIOS):
        unavailable("SeaBIOS is not here: Debian's seabios")
    modules = npm.node_modules(BUILD / "node-v86", ROOT / "image/web/package.json", "v86")
    process = subprocess.Popen(["node", HERE / "v86.mjs", *SEABIOS, *words], stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, bufsize=0,
                               env=os.environ | {"NODE_MODULES": str(modules.resolve())} |
                               ({"MEMORY_MIB": str(memory)} if memory else {}))
    try:
        lines, limit = [], quiet.clock(process.pid) + seconds
        while not is_done(lines):
            assert quiet.clock(process.pid) < limit, "\n".join(lines)
            if select.select([process.stdout], [], [], 1)[0]:
                said = process.stdout.readline()
                assert said.startswith(b"["), said
                lines = [line.rstrip() for line in json.loads(said)]
        return lines
    finally:
        process.kill()
        process.wait()
