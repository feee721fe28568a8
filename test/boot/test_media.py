"""The disk on every kind of controller that firmware starts from."""
import pytest

from stories import IMAGE, expected

MEDIA = {
    "bios": ["ide", "ahci", "usb-ehci", "usb-xhci", "virtio"],
    "uefi": ["ahci", "usb-xhci", "nvme", "virtio", "sd-card"],
}


@pytest.mark.parametrize("firmware, medium", [(firmware, medium) for firmware, media in MEDIA.items() for medium in media])
def test_medium(boot, firmware, medium):
    with boot(IMAGE, firmware, medium=medium) as machine:
        machine.start()
        assert machine.story().text == expected()
