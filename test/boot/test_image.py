"""The built image against the tables of image/README.md, byte by byte, and what image/make-image.sh refuses."""
import os
import shutil
import struct
import subprocess

import pytest

from places import BUILD, ROOT
from volume import ENVIRONMENT, PARTITION_LBA, SECTOR, image_arguments, models

IMAGE = BUILD / "bootllama.img"
MAKE_IMAGE = ROOT / "image/make-image.sh"
MIB = 1 << 20


def run(*command, environment=None, **options):
    return subprocess.run([str(word) for word in command], capture_output=True, timeout=60,
                          env=ENVIRONMENT | (environment or {}), **options)


def read_sectors(path, lba, count):
    with open(path, "rb") as file:
        file.seek(lba * SECTOR)
        return file.read(count * SECTOR)


class Parameters:
    """The FAT32 volume of an image. Format: Microsoft FAT specification 1.03, section 3."""

    def __init__(self, image):
        self.image = image
        self.boot = read_sectors(image, PARTITION_LBA, 1)
        (self.sector_bytes, self.cluster_sectors, self.reserved, self.fats, self.root_entries, self.sectors16,
         self.media, self.fat_sectors16, self.track_sectors, self.heads, self.hidden, self.sectors, self.fat_sectors,
         _, _, self.root_cluster, self.info_sector, self.backup_sector) = \
            struct.unpack_from("<HBHBHHBHHHIIIHHIHH", self.boot, 11)
        self.drive, self.extended, self.serial = struct.unpack_from("<BxBI", self.boot, 64)
        self.label, self.type = self.boot[71:82], self.boot[82:90]
        self.clusters = (self.sectors - self.reserved - self.fats * self.fat_sectors) // self.cluster_sectors

    def mtools(self, command, *arguments):
        result = run(command, "-i", f"{self.image}@@{PARTITION_LBA * SECTOR}", *arguments)
        assert result.returncode == 0, result.stderr
        return result.stdout

    def read(self, path):
        return self.mtools("mtype", "::" + path)

    def names(self, directory):
        return [line.rstrip("/").rsplit("/", 1)[-1]
                for line in self.mtools("mdir", "-b", "-a", "::" + directory).decode().splitlines()]


@pytest.fixture(scope="module")
def volume():
    return Parameters(IMAGE)


def chs(lba):
    """LBA as head, sector and cylinder of a partition entry, 255 heads of 63 sectors."""
    cylinder, rest = divmod(lba, 255 * 63)
    head, sector = divmod(rest, 63)
    if cylinder > 1023:
        return bytes([254, 0xFF, 0xFF])
    return bytes([head, (sector + 1) | (cylinder >> 8 << 6), cylinder & 0xFF])


def check_partition_table(image):
    size = image.stat().st_size
    mbr = read_sectors(image, 0, 1)
    sectors = size // SECTOR - PARTITION_LBA
    place = struct.pack("<II", PARTITION_LBA, sectors)
    entry = b"\x80" + chs(PARTITION_LBA) + b"\x0c" + chs(size // SECTOR - 1) + place
    assert size % MIB == 0
    assert mbr[440:444] == b"BLLM"
    assert mbr[444:446] == b"\0\0"
    assert mbr[446:462] == entry
    assert mbr[462:510] == bytes(48)
    assert mbr[510:] == b"\x55\xaa"
    verify = run("sfdisk", "--verify", image)
    assert verify.returncode == 0 and b"No errors detected" in verify.stdout, verify


def test_partition_table():
    check_partition_table(IMAGE)


def test_boot_code_is_ours():
    boot = (BUILD / "bios/boot.bin").read_bytes()
    assert len(boot) == SECTOR
    assert read_sectors(IMAGE, 0, 1)[:440] == boot[:440]


def test_stage2_lies_in_the_gap():
    stage2 = (BUILD / "bios/stage2.bin").read_bytes()
    gap = read_sectors(IMAGE, 1, PARTITION_LBA - 1)
    assert gap == stage2.ljust((PARTITION_LBA - 1) * SECTOR, b"\0")


def test_volume_parameters(volume):
    assert volume.boot[0] == 0xEB and volume.boot[2] == 0x90 and volume.boot[510:] == b"\x55\xaa"
    assert volume.sector_bytes == SECTOR
    assert (volume.root_entries, volume.sectors16, volume.fat_sectors16) == (0, 0, 0)  # FAT32's
    assert volume.fats == 2 and volume.media == 0xF8 and volume.root_cluster == 2
    assert (volume.heads, volume.track_sectors) == (255, 63)
    assert volume.hidden == PARTITION_LBA
    assert volume.drive == 0x80
    assert (volume.extended, volume.serial) == (0x29, 0x424C4C4D)
    assert (volume.label, volume.type) == (b"BOOTLLAMA  ", b"FAT32   ")
    partition = IMAGE.stat().st_size // SECTOR - PARTITION_LBA
    assert partition - volume.track_sectors < volume.sectors <= partition
    assert volume.fat_sectors * SECTOR >= (volume.clusters + 2) * 4
    assert volume.clusters >= 65525
    backup = read_sectors(IMAGE, PARTITION_LBA + volume.backup_sector, 1)
    assert backup == volume.boot


def keys():
    """KEYS, if `make secure-keys` has made some."""
    return ["KEYS"] if "--key" in image_arguments() else []


def test_root_directory_has_label_and_fixed_dates(volume):
    root = read_sectors(IMAGE, PARTITION_LBA + volume.reserved + volume.fats * volume.fat_sectors, 1)
    entries = [root[at:at + 32] for at in range(0, SECTOR, 32) if root[at]]
    assert [(entry[:11], entry[11]) for entry in entries] == [
        (b"BOOTLLAMA  ", 0x08), (b"EFI        ", 0x10), (b"MODELS     ", 0x10),
        *((name.encode().ljust(11), 0x10) for name in keys()), (b"BOOTLLAMCFG", 0x20), (b"README  TXT", 0x20)]
    label_time, *times = [(entry[22:24], entry[24:26]) for entry in entries]
    assert label_time == (struct.pack("<H", 9 << 11 | 26 << 5 | 53 // 2), struct.pack("<H", 35 << 9 | 3 << 5 | 14))
    assert set(times) == {(b"\0\0", struct.pack("<H", 46 << 9 | 1 << 5 | 1))}  # 2026-01-01


def fsck(image, tmp_path):
    extracted = tmp_path / "volume"
    skip = PARTITION_LBA * SECTOR // MIB
    run("dd", f"if={image}", f"of={extracted}", "bs=1M", f"skip={skip}", "conv=sparse", check=True)
    return run("fsck.fat", "-n", extracted)


def test_file_system_is_clean(tmp_path):
    result = fsck(IMAGE, tmp_path)
    assert result.returncode == 0, result.stdout


def test_fsck_would_find_damage(tmp_path, volume):
    broken = tmp_path / "broken.img"
    shutil.copy(IMAGE, broken)
    with open(broken, "r+b") as file:  # the second FAT no longer equals the first
        file.seek((PARTITION_LBA + volume.reserved + volume.fat_sectors) * SECTOR + 12)
        file.write(b"\0\0\0\0")
    assert fsck(broken, tmp_path).returncode != 0


def with_crlf(path):
    return b"".join(line + b"\r\n" for line in path.read_bytes().splitlines())


def test_files(volume):
    assert volume.names("/") == ["EFI", "MODELS", *keys(), "BOOTLLAM.CFG", "README.TXT"]
    assert volume.names("/EFI") == ["BOOT"]
    assert volume.names("/EFI/BOOT") == ["BOOTX64.EFI", "BOOTIA32.EFI"]
    assert volume.read("/EFI/BOOT/BOOTX64.EFI") == (BUILD / "uefi/BOOTX64.EFI").read_bytes()
    assert volume.read("/EFI/BOOT/BOOTIA32.EFI") == (BUILD / "uefi32/BOOTIA32.EFI").read_bytes()
    assert volume.read("/BOOTLLAM.CFG") == with_crlf(ROOT / "image/BOOTLLAM.CFG")
    assert volume.read("/README.TXT") == with_crlf(ROOT / "image/README.TXT")


def test_models(volume):
    """In directory order those of the build's argument list; the names in upper case."""
    names = volume.names("/MODELS")
    assert names and names == [model.name.upper() for model in models()]
    for name, model in zip(names, models()):
        assert volume.read("/MODELS/" + name) == model.read_bytes()
        assert model.read_bytes()[:4] == b"GGUF"


@pytest.mark.parametrize("text", ["BOOTLLAM.CFG", "README.TXT"])
def test_texts_are_plain(text):
    """Printable ASCII in lines of at most 79 columns: any editor and any screen shows it."""
    for line in (ROOT / "image" / text).read_bytes().splitlines():
        assert len(line) < 80 and all(0x20 <= byte < 0x7F for byte in line), line


# What make-image.sh does with other inputs.

@pytest.fixture
def parts(tmp_path):
    """Small stand-ins for what the build makes."""
    boot = bytearray(range(256)) * 2
    boot[440:] = bytes(70) + b"\x55\xaa"
    contents = {"boot": bytes(boot), "stage2": b"S" * 1000, "efi": b"MZ", "config": b"a\r\nb\n", "readme": b"r"}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "first.gguf").write_bytes(b"GGUF first")
    (tmp_path / "Second one.gguf").write_bytes(b"GGUF second")
    return tmp_path


def make_image(parts, *files, size=None, environment=None, **replaced):
    arguments = []
    for name in ("boot", "stage2", "efi", "config", "readme"):
        arguments += ["--" + name, replaced.get(name, parts / name)]
    if size is not None:
        arguments += ["--mib", size]
    out = parts / "out.img"
    out.unlink(missing_ok=True)
    result = run(MAKE_IMAGE, "--out", out, *arguments, *files, cwd=parts, environment=environment)
    assert [path.name for path in parts.iterdir() if path.name.startswith("out.img.")] == [], "a temporary file is left"
    return result, out


def refusal(parts, *files, **options):
    result, out = make_image(parts, *files, **options)
    assert result.returncode == 1 and not out.exists()
    return result.stderr.decode()


@pytest.mark.parametrize("size", [34, 64, 260, 261, 8192])
def test_sizes(parts, size):
    result, out = make_image(parts, "first.gguf", size=size)
    assert result.returncode == 0, result.stderr
    assert out.stat().st_size == size * MIB
    assert out.stat().st_blocks * 512 < 32 * MIB  # sparse
    check_partition_table(out)
    volume = Parameters(out)
    assert volume.clusters >= 65525
    assert volume.read("/MODELS/FIRST.GGUF") == b"GGUF first"
    if size <= 261:
        assert fsck(out, parts).returncode == 0


def test_order_and_names_of_models(parts):
    result, out = make_image(parts, "Second one.gguf", "first.gguf")
    assert result.returncode == 0 and result.stderr == b""
    volume = Parameters(out)
    assert volume.names("/MODELS") == ["SECOND ONE.GGUF", "FIRST.GGUF"]
    assert volume.read("/BOOTLLAM.CFG") == b"a\r\nb\r\n"


def test_a_disk_without_models(parts):
    """For models that come later; its size must be given."""
    result, out = make_image(parts, size=64)
    assert result.returncode == 0 and result.stderr == b""
    assert Parameters(out).names("/MODELS") == []
    assert fsck(out, parts).returncode == 0


def test_two_models_of_one_name(parts):
    (parts / "other").mkdir()
    (parts / "other/FIRST.gguf").write_bytes(b"GGUF other")
    result, out = make_image(parts, "other/FIRST.gguf", "first.gguf")
    assert result.returncode == 0 and b"first.gguf left out" in result.stderr
    volume = Parameters(out)
    assert volume.names("/MODELS") == ["FIRST.GGUF"] and volume.read("/MODELS/FIRST.GGUF") == b"GGUF other"


def test_size_grows_with_the_models(parts):
    with open(parts / "large.gguf", "wb") as file:
        file.truncate(100 * MIB)
    assert "too small: the files need 10" in refusal(parts, "large.gguf", size=64)
    result, out = make_image(parts, "large.gguf")
    assert result.returncode == 0, result.stderr
    assert 100 * MIB < out.stat().st_size < 112 * MIB
    assert fsck(out, parts).returncode == 0


def test_same_bytes_at_another_time_of_another_place(parts):
    first = make_image(parts, "first.gguf")[1].read_bytes()
    os.utime(parts / "first.gguf", (1, 1))
    second = make_image(parts, "first.gguf", environment={"TZ": "Asia/Tokyo", "LC_ALL": "C"})[1].read_bytes()
    assert first == second


def test_refusals(parts):
    boot = bytearray((parts / "boot").read_bytes())
    boot[446] = 0x80
    (parts / "boot-with-table").write_bytes(boot)
    (parts / "boot-unsigned").write_bytes(bytes(SECTOR))
    (parts / "long").write_bytes(bytes((PARTITION_LBA - 1) * SECTOR + 1))
    with open(parts / "huge.gguf", "wb") as file:
        file.truncate(1 << 32)
    assert "no model given" in refusal(parts)
    assert "cannot read file 'none.gguf'" in refusal(parts, "none.gguf")
    assert "larger than FAT allows" in refusal(parts, "huge.gguf")
    assert "not 512 bytes" in refusal(parts, "first.gguf", boot="long")
    assert "partition table" in refusal(parts, "first.gguf", boot="boot-with-table")
    assert "does not end in 55 AA" in refusal(parts, "first.gguf", boot="boot-unsigned")
    assert "does not fit before LBA 2048" in refusal(parts, "first.gguf", stage2="long")
    assert "33 MiB is too small" in refusal(parts, "first.gguf", size=33)
    assert "too large" in refusal(parts, "first.gguf", size=2097152)
    assert "not a whole number" in refusal(parts, "first.gguf", size="64M")
