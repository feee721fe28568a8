"""The kernels as the host program lists them, and which program runs one on this processor."""
import functools
import re

from host import run
from places import unavailable

VARIANTS = ["host", "host32-x87", "host32-sse2"]  # 64-bit, 32-bit x87 at 24-bit precision, 32-bit SSE2


@functools.cache
def names():
    """The definition first."""
    errors = run("none.gguf", "--kernel", "?")[2]
    listed = re.search(r"--kernel takes auto, (.*)\n", errors)[1].replace(" or ", ", ").split(", ")
    assert listed[0] == "scalar" and len(listed) >= 5
    return listed


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
