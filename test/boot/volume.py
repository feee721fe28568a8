"""A disk image of our layout, changed for a test: files by mtools, clusters and sectors by hand.

FAT32 as in Microsoft's FAT specification 1.03. The image may be large: nothing reads it whole.
"""
import os
import random
import re
import struct
import subprocess
from pathlib import Path

from places import BUILD, ROOT

SECTOR = 512
PARTITION_LBA = 2048
PARTITION_ENTRY = 446  # of the first partition, in sector 0
END_OF_CHAIN, FREE, ENTRY_MASK = 0x0FFFFFFF, 0, 0x0FFFFFFF
ENVIRONMENT = os.environ | {"PATH": os.environ["PATH"] + ":/usr/sbin:/sbin", "MTOOLSRC": "/dev/null",
                            "LC_ALL": "C.UTF-8"}
LONG_NAME = 0x0F  # attributes of a slot with a part of a long name,
LONG_NAME_UNITS = [1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30]  # and where its UTF-16 units are
STAND_IN = 0xE000  # the first of the characters that stand for halves of surrogate pairs, which mtools cannot write


def run(*command, **options):
    words = [str(word) for word in command]
    result = subprocess.run(words, capture_output=True, timeout=120, env=ENVIRONMENT, **options)
    assert result.returncode == 0, result.stderr
    return result.stdout


def image_arguments():
    """The arguments that the build gave to make-image.sh."""
    return (BUILD / "image/arguments").read_text().split("\n")[:-1]


def models():
    """The models of the image, in their order: host path of each."""
    return [ROOT / word for word in image_arguments() if word.lower().endswith(".gguf")]


class Volume:
    """The image file `path`, open for changes. What is about clusters here is for FAT32 alone."""

    def __init__(self, path):
        self.path = Path(path)
        (self.cluster_sectors, self.reserved, self.fats) = struct.unpack_from("<BHB", self.read(PARTITION_LBA), 13)
        (self.sectors, self.fat_sectors) = struct.unpack_from("<II", self.read(PARTITION_LBA), 32)
        self.data_lba = PARTITION_LBA + self.reserved + self.fats * self.fat_sectors
        self.clusters = (self.sectors - (self.data_lba - PARTITION_LBA)) // self.cluster_sectors

    @classmethod
    def copy_of_image(cls, path):
        run("cp", "--sparse=always", BUILD / "bootllama.img", path)
        return cls(path)

    @classmethod
    def of_size(cls, path, mib, *files):
        """A new image with the build's boot sector, stage 2 and application, and these models."""
        arguments = [word for word in image_arguments() if not word.lower().endswith(".gguf")]
        run(ROOT / "image/make-image.sh", "--out", path, *arguments, "--mib", mib, *files, cwd=ROOT)
        return cls(path)

    @classmethod
    def of_type(cls, path, bits, kib):
        """A new image of this size with the build's boot sector and stage 2 and an empty FAT of 12 or 16 bits."""
        partition_types = {12: 0x01, 16: 0x0E}
        with open(BUILD / "bootllama.img", "rb") as image, open(path, "wb") as file:
            file.write(image.read(PARTITION_LBA * SECTOR))
            file.truncate(kib << 10)
        sectors = (kib << 10) // SECTOR - PARTITION_LBA
        run("mkfs.fat", "-F", bits, "-h", PARTITION_LBA, "--mbr=no", "--offset", PARTITION_LBA, path, sectors // 2)
        volume = cls(path)
        volume.write(0, bytes([partition_types[bits]]), PARTITION_ENTRY + 4)
        volume.write(0, struct.pack("<I", sectors), PARTITION_ENTRY + 12)
        volume.mtools("mmd", "::/EFI", "::/EFI/BOOT", "::/MODELS")
        volume.put(BUILD / "uefi/BOOTX64.EFI", "/EFI/BOOT/BOOTX64.EFI")
        return volume

    # ---- Sectors ----

    def read(self, lba, count=1):
        with open(self.path, "rb") as file:
            file.seek(lba * SECTOR)
            return file.read(count * SECTOR)

    def write(self, lba, data, offset=0):
        with open(self.path, "r+b") as file:
            file.seek(lba * SECTOR + offset)
            file.write(data)

    # ---- Files ----

    def mtools(self, command, *arguments, **options):
        return run(command, "-i", f"{self.path}@@{PARTITION_LBA * SECTOR}", *arguments, **options)

    def put(self, source, name):
        """Copies a file, or bytes, to `name` ("/MODELS/A.GGUF"), over what is there."""
        written, units = "", {}
        for character in name:
            halves = struct.unpack("<2H", character.encode("utf-16-le")) if ord(character) > 0xFFFF else []
            units |= {STAND_IN + len(units) + number: half for number, half in enumerate(halves)}
            written += "".join(map(chr, list(units)[-2:])) if halves else character
        if isinstance(source, bytes):
            self.mtools("mcopy", "-o", "-", "::" + written, input=source)
        else:
            self.mtools("mcopy", "-o", source, "::" + written)
        if units:
            self._rename_units(written.rpartition("/")[0], units)

    def _rename_units(self, folder, units):
        """Replaces UTF-16 units in the long names of a folder's entries."""
        for cluster in self.chain(folder):
            content = bytearray(self.read(self.lba(cluster), self.cluster_sectors))
            for slot in range(0, len(content), 32):
                for at in LONG_NAME_UNITS if content[slot + 11] == LONG_NAME else []:
                    unit, = struct.unpack_from("<H", content, slot + at)
                    struct.pack_into("<H", content, slot + at, units.get(unit, unit))
            self.write(self.lba(cluster), content)

    def configure(self, **settings):
        """Writes BOOTLLAM.CFG. Stories begin at once, unless it says when."""
        settings = {"countdown": 0} | settings
        lines = [f"{key} = {value}" for key, value in settings.items()]
        self.put("\r\n".join(["# a test's", *lines, ""]).encode(), "/BOOTLLAM.CFG")

    def delete(self, name):
        self.mtools("mdel", "::" + name)

    def file(self, name):
        return self.mtools("mtype", "::" + name)

    def check(self):
        """fsck.fat finds nothing wrong."""
        volume = self.path.with_suffix(".fsck")
        try:
            run("dd", f"if={self.path}", f"of={volume}", "bs=1M", f"skip={PARTITION_LBA * SECTOR >> 20}", "conv=sparse")
            run("fsck.fat", "-n", volume)
        finally:
            volume.unlink(missing_ok=True)

    # ---- Clusters ----

    def lba(self, cluster):
        return self.data_lba + (cluster - 2) * self.cluster_sectors

    def chain(self, name):
        """The clusters of a file or directory, in order."""
        ranges = re.findall(r"<(\d+)(?:-(\d+))?>", self.mtools("mshowfat", "::" + name).decode())
        return [cluster for first, last in ranges for cluster in range(int(first), int(last or first) + 1)]

    def fat_lba(self, cluster):
        """The sector of the first FAT that holds a cluster's entry."""
        return PARTITION_LBA + self.reserved + cluster * 4 // SECTOR

    def set_fat(self, cluster, value):
        for fat in range(self.fats):
            self.write(self.fat_lba(cluster) + fat * self.fat_sectors, struct.pack("<I", value), cluster * 4 % SECTOR)

    def free_clusters(self):
        """The numbers of all free clusters."""
        fat = self.read(PARTITION_LBA + self.reserved, self.fat_sectors)
        return [number for number, (value,) in enumerate(struct.iter_unpack("<I", fat))
                if 2 <= number < self.clusters + 2 and value & ENTRY_MASK == FREE]

    def move(self, name, clusters):
        """Moves a file to other clusters, free so far, in this order."""
        old = self.chain(name)
        assert len(clusters) == len(old)
        for source, target in zip(old, clusters):
            self.write(self.lba(target), self.read(self.lba(source), self.cluster_sectors))
        for cluster in old:
            self.set_fat(cluster, FREE)
        for cluster, following in zip(clusters, [*clusters[1:], END_OF_CHAIN]):
            self.set_fat(cluster, following)
        self._set_first_cluster(name, old[0], clusters[0])
        assert self.chain(name) == clusters

    def scatter(self, name, seed=1):
        """Puts a file's clusters, which are to be in one piece, into any order: where `move` would take too long."""
        old = self.chain(name)
        assert old == list(range(old[0], old[0] + len(old)))
        new = random.Random(seed).sample(old, len(old))
        size, data = self.cluster_sectors * SECTOR, self.read(self.lba(old[0]), len(old) * self.cluster_sectors)
        links, moved = [0] * len(old), bytearray(len(data))
        for number, (cluster, following) in enumerate(zip(new, [*new[1:], END_OF_CHAIN])):
            at = cluster - old[0]
            links[at] = following
            moved[at * size:(at + 1) * size] = data[number * size:(number + 1) * size]
        self.write(self.lba(old[0]), moved)
        for fat in range(self.fats):
            self.write(self.fat_lba(0) + fat * self.fat_sectors, struct.pack(f"<{len(links)}I", *links), old[0] * 4)
        self._set_first_cluster(name, old[0], new[0])

    def _set_first_cluster(self, name, old, new):
        """In the directory entry, which is the one that names the old cluster."""
        for cluster in self.chain(name.rpartition("/")[0]):
            content = self.read(self.lba(cluster), self.cluster_sectors)
            for at in range(0, len(content), 32):
                high, low = struct.unpack_from("<H4xH", content, at + 20)
                if content[at + 11] != LONG_NAME and (high << 16 | low) == old:
                    self.write(self.lba(cluster), struct.pack("<H", new >> 16), at + 20)
                    self.write(self.lba(cluster), struct.pack("<H", new & 0xFFFF), at + 26)
                    return
        raise AssertionError(f"no entry of {name}")
