"""Machines that lack what nearly all have: leaves of CPUID, timers, interrupt controllers. All tell the story."""
import re

import pytest

from stories import IMAGE, expected


def kernel(machine):
    """What the banner says of the kernel."""
    return re.search(r"^Kernel: (.*)$", machine.text(), re.MULTILINE)[1]


WIDEST, AVX_OFF = "the widest that this CPU has", "AVX cannot be switched on here"


@pytest.mark.parametrize("firmware, cpu, options, said", [
    ("bios", "Haswell,level=4", [], f"sse2, {WIDEST}"),
    ("bios", "max,level=7", [], f"sse2, {AVX_OFF}"),
    ("bios", "max", ["-machine", "pc-i440fx-2.0"], f"sse2, {AVX_OFF}"),
    ("bios", "max,level=0xd", [], f"avx2, {WIDEST}"),
    ("uefi", "Haswell,level=4", [], f"sse2, {WIDEST}"),
    ("uefi", "max,level=7", [], f"sse2, {AVX_OFF}"),
])
def test_limited_cpuid(boot, firmware, cpu, options, said):
    """XSAVE is shown, leaf 0Dh, which says what of it there is, does not exist: old hypervisors, set-ups that limit
    CPUID."""
    with boot(IMAGE, firmware, cpu=cpu, options=["-smp", "2", *options]) as machine:
        machine.start()
        machine.tells(expected())
        assert kernel(machine) == said


@pytest.mark.parametrize("options", ["xlevel=0", "xlevel=0x80000003"])
def test_processor_without_a_brand(boot, options):
    with boot(IMAGE, cpu=f"max,{options}") as machine:
        machine.start()
        machine.tells(expected())
        assert re.search("^CPU: (GenuineIntel|AuthenticAMD)$", machine.text(), re.MULTILINE)
