"""The disk on every kind of controller that firmware starts from, as real and virtual machines have them."""
import pytest

from machine import NothingToBoot
from stories import DEFAULT_SEED, IMAGE, expected

MEDIA = {  # beside those that all other tests have: ide on BIOS, ahci on UEFI
    "bios": ["ahci", "ide-q35", "usb-uhci", "usb-ohci", "usb-ehci", "usb-xhci", "virtio", "virtio-scsi",
             "scsi-lsi", "scsi-am53c974", "scsi-mptsas", "scsi-megasas", "scsi-megasas2", "scsi-vmware", "nvme",
             "sd-card"],
    "uefi": ["ide", "ide-q35", "usb-uhci", "usb-ehci", "usb-xhci", "nvme", "virtio", "virtio-scsi"],
}
# What Debian 12's OVMF has no driver for, and what such a driver is called.
WITHOUT_DRIVER = {"sd-card": "SdMmcPciHcDxe", "scsi-lsi": "LsiScsiDxe", "scsi-mptsas": "MptScsi",
                  "scsi-vmware": "PvScsi"}


@pytest.mark.parametrize("firmware, medium", [(name, medium) for name, media in MEDIA.items() for medium in media])
def test_medium(boot, firmware, medium):
    with boot(IMAGE, firmware, medium=medium) as machine:
        machine.start()
        machine.tells(expected())


@pytest.mark.parametrize("medium", WITHOUT_DRIVER)
def test_medium_without_a_driver(boot, medium):
    """Firmware without a driver for a controller starts its shell, which lists none; newer firmware tells the story."""
    with boot(IMAGE, "uefi", medium=medium) as machine:
        try:
            machine.start()
            machine.tells(expected())
        except NothingToBoot:
            machine.type("\x1b")
            machine.wait_for("Shell> ")
            machine.type("drivers\r")
            assert WITHOUT_DRIVER[medium] not in machine.wait_for("Shell> ")


def test_hyper_v_generation_2(boot):
    """No VGA and no PS/2 controller: a frame buffer and a keyboard on USB that only the firmware knows, the disk on
    SCSI. A word typed on that keyboard is continued."""
    options = ["-machine", "q35,i8042=off", "-vga", "none", "-device", "bochs-display", "-device", "qemu-xhci,id=xhci",
               "-device", "usb-kbd,bus=xhci.0"]
    with boot(IMAGE, "uefi", medium="virtio-scsi", options=options) as machine:
        machine.start()
        machine.tells(expected())
        machine.press("c", "a", "t", "ret")
        machine.tells(expected("cat", seed=DEFAULT_SEED + 1))
