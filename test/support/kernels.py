"""The kernels of core/kernel/kernels.def, and which program runs one on this processor."""
import functools
import re
from pathlib import Path

from host import run
from places import ROOT, unavailable

VARIANTS = ["host", "host32-x87", "host32-sse2"]  # 64-bit, 32-bit x87 at 24-bit precision, 32-bit SSE2


@functools.cache
def kernels():
    """Slowest first: name -> features that the kernel is compiled for."""
    rows = re.findall(r"^KERNEL\((\w+), \w+, .*, (.*)\)$", (ROOT / "core/kernel/kernels.def").read_text(), re.MULTILINE)
    assert len(rows) >= 5
    return {name: re.findall(r"-m(\w+)", flags) for name, flags in rows}


def names():
    """The definition first."""
    return list(kernels())


def missing_features(kernel):
    """Features that the kernel needs and that Linux does not show of this processor."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    flags = next((line.split() for line in lines if line.startswith("flags")), [])
    return set(kernels()[kernel]) - {flag.replace("_", "") for flag in flags}


def any_cpu(variant):
    """The same objects on the processor that a test asks for (test/any_cpu)."""
    return f"test/{variant}-any-cpu"


@functools.cache
def runs(kernel, variant):
    """Whether a variant of the program says that it runs the kernel here."""
    status, output, errors = run("--kernels", variant=variant)
    assert status == 0, errors
    return f"{kernel}\tyes\n" in output


def program(kernel, variant="host"):
    """The variant of the host program that runs a kernel here: itself, or the same objects linked with a handler that
    computes AVX-VNNI's one instruction."""
    for name in (variant, any_cpu(variant)):
        if runs(kernel, name):
            return name
    return unavailable(f"this processor cannot run the kernel {kernel}")
