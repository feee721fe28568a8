#!/usr/bin/python3
"""Makes a virtual machine's disk of an image: vm_disk.py IMAGE DISK, by qemu-img.

DISK's ending chooses the format: .vmdk, .vdi, .vhd, .vhdx, .qcow2. The same image gives the same bytes: what qemu-img
draws at random (identifiers) comes from the image's SHA-256 instead, and so differs between different images, as
VirtualBox wants it; what it takes from the clock is SOURCE_DATE_EPOCH.
"""
import hashlib
import os
import re
import struct
import subprocess
import sys
import uuid
from pathlib import Path

EPOCH = int(os.environ.get("SOURCE_DATE_EPOCH", 1767225600))  # 2026-01-01, as in make-image.sh
VHD_EPOCH = 946684800  # 2000-01-01
OPTIONS = {  # qemu-img's format and options
    ".vmdk": ["vmdk", "-o", "subformat=monolithicSparse,adapter_type=ide"],
    ".vdi": ["vdi"],
    ".vhd": ["vpc", "-o", "subformat=dynamic,force_size=on"],
    ".vhdx": ["vhdx", "-o", "subformat=dynamic,block_size=1M"],
    ".qcow2": ["qcow2", "-o", "compat=1.1"],
}


def fix_vmdk(disk, digest):
    """The content identifier is in the text that describes the disk (VMware, Virtual Disk Format 5.0). Behind the NUL
    of the text, qemu-img leaves the end of a longer one, if the identifier before had more digits."""
    at, length = (512 * sectors for sectors in struct.unpack_from("<QQ", disk, 28))
    text, count = re.subn(rb"\nCID=[0-9a-f]+\n", b"\nCID=%s\n" % digest.hex()[:8].encode(),
                          disk[at:at + length].partition(b"\0")[0])
    assert count == 1, "no content identifier"
    disk[at:at + length] = text.ljust(length, b"\0")


def fix_vdi(disk, digest):
    """Identifiers of the image and of its last snapshot, in VirtualBox's header 1.1."""
    assert struct.unpack_from("<I", disk, 64)[0] == 0xBEDA107F, "no header of VDI"
    disk[392:424] = identifier(digest, "image").bytes_le + identifier(digest, "snapshot").bytes_le


def fix_vhd(disk, digest):
    """Time and identifier in the footer, which is also at the disk's start (Microsoft, VHD specification 1.0)."""
    footers = [at for at in (0, len(disk) - 512) if disk[at:at + 8] == b"conectix"]
    assert len(footers) == 2, "not two footers"
    for at in footers:
        struct.pack_into(">I", disk, at + 24, EPOCH - VHD_EPOCH)
        disk[at + 68:at + 84] = identifier(digest, "image").bytes
        disk[at + 64:at + 68] = bytes(4)
        struct.pack_into(">I", disk, at + 64, ~sum(disk[at:at + 512]) & 0xFFFFFFFF)


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


VHDX_HEADERS = (64 << 10, 128 << 10)
VHDX_REGIONS = 192 << 10
VHDX_METADATA = uuid.UUID("8b7ca206-4790-4b9a-b8fe-575f050f886e")
VHDX_DISK_IDENTIFIER = uuid.UUID("beca12ab-b2e6-4523-93ef-c309e000c746")


def fix_vhdx(disk, digest):
    """Identifiers of the headers and of the disk, the order of the headers, and the log, which is empty and may keep
    older entries (Microsoft, MS-VHDX)."""
    older_first = sorted(VHDX_HEADERS, key=lambda at: struct.unpack_from("<Q", disk, at + 8)[0])
    for sequence, at in enumerate(older_first, start=1):
        assert disk[at:at + 4] == b"head", "no header of VHDX"
        assert disk[at + 48:at + 64] == bytes(16), "the log is in use"
        log_bytes, log_at = struct.unpack_from("<IQ", disk, at + 68)
        disk[log_at:log_at + log_bytes] = bytes(log_bytes)
        struct.pack_into("<IQ", disk, at + 4, 0, sequence)
        disk[at + 16:at + 48] = identifier(digest, "file").bytes_le + identifier(digest, "data").bytes_le
        struct.pack_into("<I", disk, at + 4, crc32c(disk[at:at + 4096]))
    region = disk.index(VHDX_METADATA.bytes_le, VHDX_REGIONS, VHDX_REGIONS + 65536)
    metadata, = struct.unpack_from("<Q", disk, region + 16)
    entry = disk.index(VHDX_DISK_IDENTIFIER.bytes_le, metadata, metadata + 65536)
    item = metadata + struct.unpack_from("<I", disk, entry + 16)[0]
    disk[item:item + 16] = identifier(digest, "disk").bytes_le


FIX = {".vmdk": fix_vmdk, ".vdi": fix_vdi, ".vhd": fix_vhd, ".vhdx": fix_vhdx}


def identifier(digest, what):
    return uuid.UUID(bytes=hashlib.sha256(digest + what.encode()).digest()[:16], version=4)


def main():
    if len(sys.argv) != 3 or Path(sys.argv[2]).suffix not in OPTIONS:
        sys.exit(__doc__)
    image, disk = map(Path, sys.argv[1:])
    command = ["qemu-img", "convert", "-f", "raw", "-O", *OPTIONS[disk.suffix], image, disk]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode != 0:
        sys.exit(f"vm_disk: qemu-img cannot make {disk}: {' '.join(result.stderr.split())}")
    if disk.suffix in FIX:
        content = bytearray(disk.read_bytes())
        FIX[disk.suffix](content, hashlib.sha256(image.read_bytes()).digest())
        disk.write_bytes(content)


if __name__ == "__main__":
    main()
