"""The kernels as the host program lists them, and which program runs one on this processor."""
import functools
import re
from pathlib import Path

from host import run
from places import ROOT, unavailable

VARIANTS = ["host", "host32-x87", "host32-sse2"]  # 64-bit, 32-bit x87 at 24-bit precision, 32-bit SSE2


@functools.cache
def names():
    """The definition first."""
    status, output, _ = run("--kernels")
    listed = [line.split()[0] for line in output.splitlines()]
    assert status == 0 and listed[0] == "scalar" and len(listed) >= 5
    return listed


def missing_features(kernel):
    """Features that core/kernel/kernels.def has the kernel compiled for and that Linux does not show of this CPU."""
    table = (ROOT / "core/kernel/kernels.def").read_text()
    needed = re.search(rf"^KERNEL\({kernel}, \w+, .*, (.*)\)$", table, re.MULTILINE)[1]
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    flags = next((line.split() for line in lines if line.startswith("flags")), [])
    return set(re.findall(r"-m(\w+)", needed)) - {flag.replace("_", "") for flag in flags}


def any_cpu(variant):
    """The same objects on the processor that a test asks for (test/any_cpu)."""
    return f"test/{variant}-any-cpu"


@functools.cache
def is_refused(kernel, variant="host"):
    """Whether the program says that this processor cannot run the kernel."""
    return f"cannot run the kernel {kernel}" in run("none.gguf", "--kernel", kernel, variant=variant)[2]


def program(kernel, variant="host"):
    """The variant of the host program that runs a kernel here: itself, or the same objects linked with a handler that
    computes AVX-VNNI's one instruction."""
    for name in (variant, any_cpu(variant)):
        if not is_refused(kernel, name):
            return name
    return unavailable(f"this processor cannot run the kernel {kernel}")
