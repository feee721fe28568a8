"""core/ stands alone: in every variant that was built, its objects need nothing but each other."""
import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("BUILD", "build")
VARIANTS = ["host", "host32-x87", "host32-sse2", "bios", "uefi"]
FROM_LINKER = {"_GLOBAL_OFFSET_TABLE_"}  # what position-independent code finds its data by
# 64-bit division on a 32-bit machine comes from GCC itself.
FROM_COMPILER_32 = {"__udivdi3", "__umoddi3", "__divdi3", "__moddi3", "__udivmoddi4", "__divmoddi4"}


def symbols(objects, *options):
    output = subprocess.run(["nm", "--format=posix", *options, *objects], check=True, capture_output=True, text=True)
    return {line.split()[0] for line in output.stdout.splitlines() if line and not line.endswith(":")}


@pytest.mark.parametrize("variant", VARIANTS)
def test_no_symbol_from_outside(variant):
    sources = {file.relative_to(ROOT).with_suffix(".o") for file in (ROOT / "core").rglob("*.c")}
    objects = [BUILD / variant / name for name in sorted(sources)]
    assert [file for file in objects if not file.exists()] == []
    is_32_bit = b"elf32" in subprocess.run(["objdump", "-f", objects[0]], check=True, capture_output=True).stdout
    missing = symbols(objects, "--undefined-only") - symbols(objects, "--defined-only", "--extern-only")
    assert missing - FROM_LINKER - (FROM_COMPILER_32 if is_32_bit else set()) == set()


def test_core_includes_no_other_header():
    """Own headers by name, and of the compiler's only those that a freestanding build has."""
    freestanding = {"<stdarg.h>", "<stdbool.h>", "<stddef.h>", "<stdint.h>", "<immintrin.h>", "<emmintrin.h>"}
    own = {f'"{file.relative_to(ROOT / "core")}"' for file in (ROOT / "core").rglob("*.h")}
    for file in sorted((ROOT / "core").rglob("*.[ch]")):
        for line in file.read_text().splitlines():
            if line.lstrip().startswith("#include"):
                assert line.split()[1] in freestanding | own, f"{file.name}: {line}"
