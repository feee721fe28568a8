"""Includes between folders go one way, and nothing outside is included.

session > infer > text, gguf, kernel > base; text reads its vocabulary through gguf. A platform (bios/, uefi/, host/)
sees of core/ what ROOMS says, and nothing else sees a platform.
"""
import re
from collections import defaultdict

import pytest

from places import ROOT

BASE = {"core/base"}
PLATFORM = {"core/platform.h", "core/kernel/cpu.h", "pc"} | BASE
ROOMS = {  # folder -> the folders and headers beside its own that it may include
    "core": set(),  # platform.h
    "core/base": {"core/platform.h"},
    "core/gguf": {"core/platform.h"} | BASE,
    "core/text": {"core/platform.h", "core/gguf"} | BASE,
    "core/kernel": {"core/platform.h"} | BASE,
    "core/infer": {"core/platform.h", "core/text", "core/gguf", "core/kernel"} | BASE,
    "core/session": {"core/platform.h", "core/infer", "core/text", "core/gguf", "core/kernel"} | BASE,
    "pc": PLATFORM,
    "bios": PLATFORM,
    "bios/sector": {"model"},  # its C files are tools of the build machine
    "uefi": PLATFORM,
    "host": PLATFORM,
    "model": {"core/gguf", "core/text", "bios/sector/shape.def"} | BASE,
    "docs": {"core/kernel", "model"} | BASE,  # programs of the build machine, which show what a chapter is about
}
PROGRAM = {  # what the host program sees beside the platform; --explain shows tokens and their texts
    "core/infer", "core/kernel", "core/text/encode.h", "core/text/decoder.h", "core/session/config.h",
    "core/session/models.h", "core/session/settings.h"}
HOST_PLATFORM = {"host_platform", "processors"}

FREESTANDING = {"stdarg.h", "stdbool.h", "stddef.h", "stdint.h", "emmintrin.h", "immintrin.h"}
# Folder -> a pattern of others; host/, model/, docs/ and bios/sector/ are programs of Linux.
SYSTEM_HEADERS = {
    "bios": r"cpuid\.h", "uefi": r"cpuid\.h|efi/\w+\.h", "host": ".*", "model": ".*", "docs": ".*",
    "bios/sector": ".*"}

EACH_OTHER = set()  # pairs of modules that may include each other; there are none


def room(path):
    """The folder of a source by its name in ROOMS."""
    parts = path.relative_to(ROOT).parts
    return "/".join(parts[:2]) if len(parts) > 2 and "/".join(parts[:2]) in ROOMS else parts[0]


def sources():
    folders = {name.split("/")[0] for name in ROOMS}
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.[ch]"))


def includes(path):
    """("own" or "system", name) of each include."""
    found = re.findall(r'^[ \t]*#[ \t]*include[ \t]*(["<])([^">]+)[">]', path.read_text(), re.MULTILINE)
    return [({'"': "own", "<": "system"}[mark], name) for mark, name in found]


def resolve(path, name):
    """The file that an include names: beside it, in core/, by its way from the top, or for a tool in model/."""
    for folder in (path.parent, ROOT / "core", ROOT, *([ROOT / "model"] if "model" in ROOMS[room(path)] else [])):
        if (folder / name).is_file():
            return (folder / name).resolve()
    raise AssertionError(f"{path.relative_to(ROOT)} includes {name}, which is nowhere")


def may_include(path, target):
    here, there = room(path), room(target)
    allowed = ROOMS[here] | (PROGRAM if here == "host" and path.stem not in HOST_PLATFORM else set())
    return here == there or there in allowed or str(target.relative_to(ROOT)) in allowed


@pytest.mark.parametrize("folder", ROOMS)
def test_includes_go_one_way(folder):
    of_folder = [path for path in sources() if room(path) == folder]
    assert of_folder
    wrong = {f"{path.relative_to(ROOT)} includes {name}" for path in of_folder for kind, name in includes(path)
             if kind == "own" and not may_include(path, resolve(path, name))}
    assert wrong == set()


def test_core_includes_carry_the_folder():
    """All but platform.h, which lies in none."""
    wrong = {f"{path.relative_to(ROOT)}: {name}" for path in sources() if path.is_relative_to(ROOT / "core")
             for kind, name in includes(path) if kind == "own" and name != "platform.h" and "/" not in name}
    assert wrong == set()


def test_no_headers_of_a_system():
    """Only those that a compiler brings without a libc."""
    wrong = {f"{path.relative_to(ROOT)}: <{name}>" for path in sources() for kind, name in includes(path)
             if kind == "system" and name not in FREESTANDING
             and not re.fullmatch(SYSTEM_HEADERS.get(room(path), ""), name)}
    assert wrong == set()


def module(path):
    """A .c file and its header are one."""
    return str(path.relative_to(ROOT).with_suffix(""))


def test_no_two_modules_include_each_other():
    arrows = defaultdict(set)
    for path in sources():
        arrows[module(path)] |= {module(resolve(path, name)) for kind, name in includes(path) if kind == "own"}
    pairs = {tuple(sorted((one, other))) for one, others in list(arrows.items()) for other in others
             if one != other and one in arrows[other]}
    assert pairs - EACH_OTHER == set()
    assert EACH_OTHER - pairs == set()


def test_core_asks_for_no_firmware():
    """No line that is compiled for one firmware alone, nor a name of one in a condition."""
    condition = re.compile(r"^\s*#\s*(?:if|elif|ifdef|ifndef)\b.*(?:UEFI|BIOS|EFI_|GNU_EFI|__linux)", re.MULTILINE)
    assert [str(path.relative_to(ROOT)) for path in sources()
            if path.is_relative_to(ROOT / "core") and condition.search(path.read_text())] == []


def test_every_folder_of_sources_has_its_arrows():
    """Add a new folder of C sources to ROOMS."""
    folders = {path.relative_to(ROOT).parts[0] for path in ROOT.rglob("*.c")
               if not {"build", "test", "node_modules"} & set(path.relative_to(ROOT).parts)}
    assert folders == {name.split("/")[0] for name in ROOMS}
    rooms = {f"core/{path.name}" for path in (ROOT / "core").iterdir() if path.is_dir()}
    assert rooms == {name for name in ROOMS if name.startswith("core/")}
