"""A story of 300 tokens does not depend on where and how the model lies on the disk, nor on what it is called."""
import random
import re

import pytest

from stories import IMAGE, MODEL, expected, long_settings
from volume import Volume, models

PATH = f"/MODELS/{MODEL.name.upper()}"
LARGE_MIB = 12 << 10  # beyond what CHS addresses, 8 GB
CHS_SECTORS = 1024 * 255 * 63


@pytest.fixture(scope="module")
def settings():
    return long_settings()


def check(boot, volume, firmware, path, medium=None, **settings):
    """path: as the machine must name it."""
    volume.configure(**settings)
    settings.pop("model", None)
    with boot(volume.path, firmware, medium=medium) as machine:
        machine.start()
        assert machine.tells(expected(**settings)).tokens == 300
        assert re.search(rf"Loading {re.escape(path)}:[ \n]\[#{{20}}\] 100 %", machine.text())


@pytest.mark.parametrize("firmware", ["bios", "uefi"])
def test_fragmented_file_with_a_long_name(boot, volume, settings, firmware):
    """Each cluster by itself, all over the volume, backwards and forwards; the name asked for in other letters."""
    name = "A Model with a Long Name, and ö.gguf"
    data = MODEL.read_bytes()
    volume.delete("/MODELS/*")
    volume.put(data, f"/MODELS/{name}")
    clusters = volume.chain(f"/MODELS/{name}")
    volume.move(f"/MODELS/{name}", random.Random(1).sample(volume.free_clusters(), len(clusters)))
    clusters = volume.chain(f"/MODELS/{name}")
    assert sum(second == first + 1 for first, second in zip(clusters, clusters[1:])) < len(clusters) / 50
    assert volume.file(f"/MODELS/{name}") == data
    volume.check()
    asked = "a model WITH a long name, and Ö.GGUF"
    shown = {"bios": asked, "uefi": asked.replace("Ö", "?")}[firmware]  # OVMF's serial terminal knows ASCII alone
    check(boot, volume, firmware, f"/MODELS/{shown}", model=asked, **settings)


@pytest.mark.parametrize("firmware", ["bios", "uefi"])
def test_end_of_a_large_volume_with_a_short_name(boot, tmp_path, settings, firmware):
    """Past 8 GB, and among many other files that are not models."""
    volume = Volume.of_size(tmp_path / "large.img", LARGE_MIB, MODEL)
    try:
        volume.delete("/MODELS/*")
        volume.put(b"no model", "/MODELS/._S260K.GGUF")
        volume.put(b"", "/MODELS/EMPTY.GGUF")
        volume.put(b"words", "/MODELS/NOTES ABOUT MODELS.GGUF.TXT")
        volume.mtools("mmd", "::/MODELS/FOLDER.GGUF")
        volume.put(MODEL, "/MODELS/S260K.GGU")
        clusters = volume.chain("/MODELS/S260K.GGU")
        volume.move("/MODELS/S260K.GGU", volume.free_clusters()[-len(clusters):])
        assert volume.lba(volume.chain("/MODELS/S260K.GGU")[0]) > CHS_SECTORS
        assert volume.file("/MODELS/S260K.GGU") == MODEL.read_bytes()
        check(boot, volume, firmware, "/MODELS/S260K.GGU", **settings)
    finally:
        volume.path.unlink()


def test_first_model_of_a_full_directory(boot, volume, settings):
    """The model's entry comes after hundreds of deleted and other ones."""
    volume.delete("/MODELS/*")
    names = [f"A file with quite a long name, number {number}.txt" for number in range(120)]
    for name in names:
        volume.put(b"words", f"/MODELS/{name}")
    for name in names[:60]:
        volume.delete(f"/MODELS/{name}")
    volume.put(MODEL, "/MODELS/Z.GGUF")
    assert len(volume.chain("/MODELS")) > 10
    check(boot, volume, "bios", "/MODELS/Z.GGUF", **settings)


@pytest.mark.parametrize("firmware", ["bios", "uefi"])
def test_fat16(boot, tmp_path, settings, firmware):
    volume = Volume.of_type(tmp_path / "fat16.img", 16, 40 << 10)
    volume.put(MODEL, PATH)
    check(boot, volume, firmware, PATH, **settings)


def test_floppy(boot, tmp_path, settings):
    """Drive 00h, FAT12, and a BIOS that only reads by cylinder, head and sector."""
    volume = Volume.of_type(tmp_path / "floppy.img", 12, 2880)
    volume.put(MODEL, PATH)
    check(boot, volume, "bios", PATH, medium="floppy", **settings)


OTHER_DISKS = {  # a stick, which the firmware shows, and a disk whose controller it leaves alone
    "stick": ["-device", "qemu-xhci,id=usb", "-device", "usb-storage,bus=usb.0,drive=other"],
    "virtio": ["-device", "virtio-blk-pci,drive=other"],
}


@pytest.mark.parametrize("kind", OTHER_DISKS)
def test_model_on_another_volume_on_uefi(boot, volume, settings, kind):
    """Where the volume that it was started from has none."""
    volume.delete("/MODELS/*")
    volume.configure(**settings)
    other = ["-drive", f"id=other,if=none,format=raw,snapshot=on,file={IMAGE}", *OTHER_DISKS[kind]]
    with boot(volume.path, "uefi", options=other) as machine:
        machine.start()
        machine.tells(expected(**settings))


def test_each_model_of_the_image(boot, volume):
    for model in models():
        settings = {"steps": 50, "model": model.name}
        volume.configure(**settings)
        with boot(volume.path) as machine:
            machine.start()
            machine.tells(expected(model=model, steps=50))
