#!/usr/bin/python3
"""Makes the web page: copies its files, packs the parts of the PC, and writes down what there is.

make-web.py OUT V86 BOOT STAGE2 MODEL...    OUT: the folder to make; V86: npm's folder of v86; BOOT, STAGE2: of a disk

The same inputs give the same bytes. OUT is complete or, after an error, as it was before.
"""
import gzip
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
IMAGE = HERE.parent
SEABIOS = Path("/usr/share/seabios")
SEABIOS_LICENCE = Path("/usr/share/doc/seabios/copyright")
DISK_MIB = 512  # the page adds models to it; its clusters of 4 KiB keep the FATs small
COUNTDOWN = "#countdown = 3", "countdown = 0"  # the visitor has clicked already


def config():
    """The settings of the disk: those of a stick, but for the countdown."""
    text = (IMAGE / "BOOTLLAM.CFG").read_text()
    if text.count(COUNTDOWN[0] + "\n") != 1:
        raise SystemExit(f"make-web.py: no line '{COUNTDOWN[0]}' in BOOTLLAM.CFG")
    return text.replace(*COUNTDOWN)


def make_disk(boot, stage2):
    """The start of a disk without models, up to the last cluster that is not empty; the rest is zeros."""
    with tempfile.TemporaryDirectory() as folder:
        disk, settings = Path(folder, "disk"), Path(folder, "settings")
        settings.write_text(config())
        subprocess.run([IMAGE / "make-image.sh", "--out", disk, "--boot", boot, "--stage2", stage2,
                        "--config", settings, "--readme", IMAGE / "README.TXT", "--mib", str(DISK_MIB)], check=True)
        with open(disk, "rb") as file:
            start = file.read(DISK_MIB << 14)  # a 64th: the FATs take two 1024ths
            if file.read().strip(b"\0"):
                raise SystemExit("make-web.py: the files of the disk do not lie at its start")
    return start.rstrip(b"\0") + bytes(1 << 12)  # the last cluster whole


def parts_of(v86, boot, stage2):
    files = {"libv86.mjs": v86 / "build/libv86.mjs", "v86.wasm": v86 / "build/v86.wasm",
             "bios.bin": SEABIOS / "bios.bin", "vgabios.bin": SEABIOS / "vgabios-stdvga.bin"}
    return {name: path.read_bytes() for name, path in files.items()} | {"disk": make_disk(boot, stage2)}


def pack(out, parts):
    """Writes parts; returns their rows of list.mjs. The time in a header is fixed."""
    rows = []
    for name, content in parts.items():
        packed = gzip.compress(content, 9, mtime=0)
        (out / f"{name}.gz").write_bytes(packed)
        rows.append({"name": name, "file": f"{name}.gz", "bytes": len(packed), "size": len(content)})
    return rows


def licences(v86):
    texts = {"bootllama": IMAGE.parent / "LICENSE", "v86": v86 / "LICENSE", "SeaBIOS and its VGA BIOS": SEABIOS_LICENCE}
    return "\n".join(f"==== {name} ====\n\n{path.read_text()}" for name, path in texts.items())


def write_service_worker(out):
    files = sorted(path.name for path in out.iterdir())
    digest = hashlib.sha256()
    for name in files:
        digest.update(name.encode() + (out / name).read_bytes())
    text = (HERE / "service-worker.js").read_text()
    text = text.replace("@VERSION@", digest.hexdigest()[:16]).replace("@FILES@", " ".join(["./", *files]))
    (out / "service-worker.js").write_text(text)


def main():
    if len(sys.argv) < 6:
        raise SystemExit(__doc__)
    out, v86, boot, stage2, *models = map(Path, sys.argv[1:])
    new = out.with_name(out.name + ".new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    for path in HERE.iterdir():
        if path.suffix in (".html", ".css", ".mjs", ".svg"):
            shutil.copyfile(path, new / path.name)
    rows = {"parts": pack(new, parts_of(v86, boot, stage2)),
            "models": pack(new, {path.name: path.read_bytes() for path in models})}
    (new / "list.mjs").write_text(f"export const list = {json.dumps(rows, indent=1)};\n")
    (new / "licences.txt").write_text(licences(v86))
    write_service_worker(new)
    shutil.rmtree(out, ignore_errors=True)
    new.rename(out)


if __name__ == "__main__":
    try:
        main()
    except OSError as error:
        raise SystemExit(f"make-web.py: {error.filename}: {error.strerror}") from error
    except subprocess.CalledProcessError as error:
        raise SystemExit(f"make-web.py: make-image.sh ended with {error.returncode}") from error
