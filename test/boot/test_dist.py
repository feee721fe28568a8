"""`make dist`: what a release offers is complete, checkable, reproducible, and each file of it starts."""
import hashlib
import re
import shutil
import struct
import subprocess
import sys

import pytest

from build_copy import ENVIRONMENT, SECONDS, BuildCopy, clean_copy_of_sources
from linux_loaders import direct, settings
from places import BUILD, ROOT, built
from stories import MODEL, expected

sys.path.append(str(ROOT / "image"))

import vm_disk  # pylint: disable=wrong-import-position

VERSION = "9.8.7"
DISKS = ["bootllama.vmdk", "bootllama.vdi", "bootllama.vhd", "bootllama.vhdx", "bootllama.qcow2"]
SECTORS = ["bootllama-sector.img", "bootllama-sector-floppy.img"]
ARTEFACTS = ["bootllama.img", "bootllama-floppy.img", "bootllama.iso", "bootllama-4k.img", "bootllama.krn",
             "BOOTX64.EFI", "BOOTIA32.EFI", *DISKS, *SECTORS]
TEXTS = ["README.TXT", "CHANGELOG.md", "SECURITY.md", "LICENSE"]


@pytest.fixture(scope="module")
def build(tmp_path_factory):
    copy = BuildCopy(tmp_path_factory.mktemp("dist"))
    copy.makes("dist", f"VERSION={VERSION}")
    yield copy
    shutil.rmtree(copy.build)


@pytest.fixture(scope="module")
def dist(build):
    return build.build / "dist"


def test_files(dist):
    """The large ones compressed, too."""
    compressed = [f"{name}.xz" for name in ARTEFACTS if not name.endswith((".EFI", ".krn"))]
    assert sorted(path.name for path in dist.iterdir()) == sorted([*ARTEFACTS, *compressed, *TEXTS, "SHA256SUMS"])
    for name in compressed:
        unpack = ["xz", "--decompress", "--stdout", dist / name]
        unpacked = subprocess.run(unpack, capture_output=True, check=True, timeout=60).stdout
        assert hashlib.sha256(unpacked).digest() == hashlib.sha256((dist / name[:-3]).read_bytes()).digest()
        assert (dist / name).stat().st_size < len(unpacked) * 0.9


def test_checksums(dist):
    sums = dict(reversed(line.split("  ")) for line in (dist / "SHA256SUMS").read_text().splitlines())
    assert sums == {path.name: hashlib.sha256(path.read_bytes()).hexdigest()
                    for path in dist.iterdir() if path.name != "SHA256SUMS"}


def test_texts(dist):
    """README.TXT says what each artefact is for, in lines that any editor shows."""
    readme = (dist / "README.TXT").read_bytes()
    assert readme.startswith(b"BOOTLLAMA 9.8.7: WHICH FILE TO TAKE\r\n") and b"@" not in readme
    assert all(len(line) < 80 and re.fullmatch(rb"[ -~]*", line) for line in readme.split(b"\r\n"))
    described = re.findall(r"^  ([\w.-]+\.(?:img|EFI|v\w+|qcow2|iso|krn)) ", readme.decode(), re.MULTILINE)
    assert sorted(described) == sorted(ARTEFACTS)
    for name in TEXTS[1:]:
        assert (dist / name).read_bytes() == (ROOT / name).read_bytes()


@pytest.mark.parametrize("disk", DISKS)
def test_disk_holds_the_image(dist, disk):
    formats = {"vhd": "vpc"}
    kind = disk.rpartition(".")[2]
    command = ["qemu-img", "compare", "-f", formats.get(kind, kind), "-F", "raw", dist / disk]
    assert subprocess.run([*command, dist / "bootllama.img"], capture_output=True, timeout=60).returncode == 0
    assert subprocess.run([*command, BUILD / "bootllama.img"], capture_output=True, timeout=60).returncode == 1


def test_shorter_identifier_of_vmdk():
    """qemu-img draws one with few digits once in a while, and then leaves the end of the text that it wrote before."""
    disks = []
    for content in (b"\nCID=12345678\nend\n", b"\nCID=123456\nend\n\0\n"):
        disk = bytearray(512) + content.ljust(512, b"\0")
        struct.pack_into("<QQ", disk, 28, 1, 1)
        vm_disk.fix_vmdk(disk, bytes(32))
        disks.append(disk)
    assert disks[0] == disks[1] and disks[0][512:].rstrip(b"\0") == b"\nCID=00000000\nend\n"


def test_clean_build_elsewhere_gives_the_same_release(dist, tmp_path):
    """At another time and in another folder, from nothing but the sources."""
    copy = clean_copy_of_sources(tmp_path / "copy")
    result = subprocess.run(["make", "-s", "-j2", "SETUP=0", f"KEYS={tmp_path}/keys", "dist", f"VERSION={VERSION}"],
                            cwd=copy, timeout=SECONDS, env=ENVIRONMENT, capture_output=True)
    assert result.returncode == 0, result.stderr[-2000:]
    assert (copy / "build/dist/SHA256SUMS").read_text() == (dist / "SHA256SUMS").read_text()
    shutil.rmtree(copy)


def test_release_of_the_build_itself(build, dist):
    """Without VERSION= the release has the image that all other tests start, and another version other bytes."""
    old = (dist / "SHA256SUMS").read_text()
    build.makes("dist")
    assert (dist / "bootllama.img").read_bytes() == (BUILD / "bootllama.img").read_bytes()
    build.makes("dist", f"VERSION={VERSION}")
    assert (dist / "SHA256SUMS").read_text() == old


def test_refused_version(build):
    result = build.make("dist", "VERSION=1 0")
    assert result.returncode != 0
    assert "dist: '1 0' is no version: letters, digits and . + ~ -\n" in result.stderr
    build.makes("dist", f"VERSION={VERSION}")


# ---- Each file starts ----

def tells(machine):
    machine.start()
    machine.wait_for(f"bootllama {VERSION} on ")
    machine.tells(expected())


@pytest.mark.parametrize("file, firmware, medium", [
    ("bootllama.img", "bios", "ide"),
    ("bootllama.img", "uefi", "ahci"),
    ("bootllama.img", "uefi32", "ahci"),
    ("bootllama-floppy.img", "bios", "floppy-1.44"),
    ("bootllama.iso", "bios", "cd"),
    ("bootllama.iso", "uefi", "cd-ahci"),
    ("bootllama-4k.img", "uefi", "4k-virtio"),
    ("bootllama.vmdk", "bios", "ide"),
    ("bootllama.vmdk", "uefi", "ahci"),
    ("bootllama.vdi", "bios", "ahci"),
    ("bootllama.vhd", "bios", "ide"),
    ("bootllama.vhdx", "uefi", "virtio-scsi"),
    ("bootllama.qcow2", "bios", "virtio"),
    ("bootllama.qcow2", "uefi", "virtio"),
])
def test_starts(boot, dist, file, firmware, medium):
    with boot(dist / file, firmware, medium=medium) as machine:
        tells(machine)


def test_kernel(boot, dist):
    with boot(None, options=direct(MODEL, settings(), dist / "bootllama.krn")) as machine:
        tells(machine)


@pytest.mark.parametrize("file, firmware", [("BOOTX64.EFI", "uefi"), ("BOOTIA32.EFI", "uefi32")])
def test_application_alone(boot, dist, volume, file, firmware):
    """On a volume that has nothing else but a model."""
    for name in ("BOOTX64.EFI", "BOOTIA32.EFI"):
        volume.delete(f"/EFI/BOOT/{name}")
    volume.delete("/BOOTLLAM.CFG")
    volume.put(dist / file, f"/EFI/BOOT/{file}")
    assert volume.file("/MODELS/" + MODEL.name.upper()) == MODEL.read_bytes()
    with boot(volume.path, firmware) as machine:
        tells(machine)


@pytest.mark.parametrize("file", SECTORS)
def test_sector_images(dist, file):
    """They are the ones that test/sector/ starts."""
    assert (dist / file).read_bytes() == built(file).read_bytes()
