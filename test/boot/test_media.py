"""The disk on every kind of controller that firmware starts from."""
import pytest

from machine import NothingToBoot
from stories import IMAGE, expected

MEDIA = {  # beside those that all other tests have: ide on BIOS, ahci on UEFI
    "bios": ["ahci", "usb-ehci", "usb-xhci", "virtio", "sd-card"],
    "uefi": ["usb-xhci", "nvme", "virtio"],
}


@pytest.mark.parametrize("firmware, medium", [(name, medium) for name, media in MEDIA.items() for medium in media])
def test_medium(boot, firmware, medium):
    with boot(IMAGE, firmware, medium=medium) as machine:
        machine.start()
        machine.tells(expected())


def test_sd_card_on_uefi(boot):
    """Firmware without a driver for SD host controllers, as Debian 12's OVMF is, starts its shell, which lists none."""
    with boot(IMAGE, "uefi", medium="sd-card") as machine:
        try:
            machine.start()
            machine.tells(expected())
        except NothingToBoot:
            machine.type("\x1b")
            machine.wait_for("Shell> ")
            machine.type("drivers\r")
            assert "SdMmcPciHcDxe" not in machine.wait_for("Shell> ")
