"""The objects of the build: core/ stands alone, and no two objects of a program need each other."""
import re
import subprocess
from pathlib import Path

import pytest

from places import BUILD, ROOT

VARIANTS = ["host", "host32-x87", "host32-sse2", "bios", "uefi", "uefi32"]
FROM_LINKER = {"_GLOBAL_OFFSET_TABLE_"}  # what position-independent code finds its data by
# 64-bit division on a 32-bit machine comes from GCC itself.
FROM_COMPILER_32 = {"__udivdi3", "__umoddi3", "__divdi3", "__moddi3", "__udivmoddi4", "__divmoddi4"}


def symbols(files, *options):
    """file -> the names that it has or wants, by nm."""
    output = subprocess.run(["nm", "--print-file-name", "--format=posix", *options, *files], check=True,
                            capture_output=True, text=True).stdout
    found = {file: set() for file in files}
    for line in output.splitlines():
        file, _, rest = line.partition(": ")
        found[Path(file)].add(rest.split()[0])
    return found


def union(sets):
    return set().union(*sets.values())


def objects(variant, folder):
    """What the C sources of a folder were compiled to in a variant."""
    made = []
    for source in sorted((ROOT / folder).rglob("*.c")):
        name, inner = source.relative_to(ROOT), source.relative_to(ROOT / folder)
        places = [BUILD / variant / path for path in (name.with_suffix(".o"), f"{name}.o", inner.with_suffix(".o"))]
        places.append(BUILD / f"{name}.o")
        made.append(next((path for path in places if path.exists()), places[0]))
    if folder == "core":
        made.append(BUILD / variant / "core/text/unicode_table.o")  # its source is made
    return made


@pytest.mark.parametrize("variant", VARIANTS)
def test_no_symbol_from_outside(variant):
    core = objects(variant, "core")
    assert [file for file in core if not file.exists()] == []
    is_32_bit = b"elf32" in subprocess.run(["objdump", "-f", core[0]], check=True, capture_output=True).stdout
    missing = union(symbols(core, "--undefined-only")) - union(symbols(core, "--defined-only", "--extern-only"))
    assert missing - FROM_LINKER - (FROM_COMPILER_32 if is_32_bit else set()) == set()


def test_no_x87_on_ia32_uefi():
    """Firmware may leave x87 in any state. Only what saves and restores it for the firmware touches it."""
    code = subprocess.run(["objdump", "-d", "--no-show-raw-insn", BUILD / "uefi32/bootllama.so"], check=True,
                          capture_output=True, text=True).stdout
    assert len(re.findall(r"^ +[0-9a-f]+:\t\w*mulss\b", code, re.MULTILINE)) > 20
    assert set(re.findall(r"^ +[0-9a-f]+:\t(f\w+)", code, re.MULTILINE)) == {"fxsave", "fninit", "fxrstor"}


@pytest.mark.parametrize("variant, register", [("uefi", "rsp"), ("uefi32", "esp")])
@pytest.mark.parametrize("entry", ["uefi_entry", "enter"])
def test_firmware_may_call_with_any_stack(variant, register, entry):
    """The two functions that firmware calls align the stack before anything else needs it."""
    code = subprocess.run(["objdump", "-d", "--no-show-raw-insn", f"--disassemble={entry}",
                           BUILD / variant / "bootllama.so"], check=True, capture_output=True, text=True).stdout
    before_calls = code.partition("call ")[0]
    assert re.search(rf"\tand +\$0xf+0,%{register}$", before_calls, re.MULTILINE), code


@pytest.mark.parametrize("application", ["uefi/BOOTX64.EFI", "uefi32/BOOTIA32.EFI"])
def test_sbat(application, tmp_path):
    """What Secure Boot's shim reads: exact to the byte, without a NUL at its end."""
    section = tmp_path / "sbat"
    subprocess.run(["objcopy", "-O", "binary", "-j", ".sbat", BUILD / application, section], check=True)
    version = re.search(r"^VERSION := (\S+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[1]
    assert section.read_bytes().rstrip(b"\0").decode() == (
        "sbat,1,SBAT Version,sbat,1,https://github.com/rhboot/shim/blob/main/SBAT.md\n"
        f"bootllama,1,bootllama,bootllama,{version},README.TXT\n")
    headers = subprocess.run(["objdump", "-h", BUILD / application], check=True, capture_output=True, text=True).stdout
    size = int(re.search(r" \.sbat +([0-9a-f]+)", headers)[1], 16)
    assert size == len(section.read_bytes().rstrip(b"\0"))


def test_each_place_in_stage_2_is_taken():
    """A name in bios/stage2.ld that no file or function has any more would place nothing, and nobody would notice."""
    link_map = (BUILD / "bios/stage2.map").read_text()
    named = link_map.partition("code16_end = .\n")[2].partition("\n *(.text .text.*)\n")[0]
    _, *places = re.split(r"^ (\*\S*\(.*\))\n", named, flags=re.MULTILINE)
    taken = {pattern: set(re.findall(r"^ (\.text\S*)", content, re.MULTILINE))
             for pattern, content in zip(places[::2], places[1::2])}
    assert len(taken) > 10
    functions = {pattern: set(re.findall(r"\.text\.\w+(?=[ )])", pattern)) for pattern in taken}
    assert {pattern for pattern in taken if not taken[pattern] or functions[pattern] - taken[pattern]} == set()


FOLDERS = {"host": ["core", "pc", "host"], "bios": ["core", "pc", "bios"], "uefi": ["core", "pc", "uefi"]}


@pytest.mark.parametrize("variant", FOLDERS)
def test_no_two_files_need_each_other(variant):
    """Of two objects, at most one calls the other. (Assembler is excluded: C calls its entries, and they call C.)"""
    files = [path for folder in FOLDERS[variant] for path in objects(variant, folder) if path.exists()]
    assert len(files) > 40
    defined = {symbol: path for path, names in symbols(files, "--defined-only", "--extern-only").items()
               for symbol in names}
    needs = {path: {defined[symbol] for symbol in names if symbol in defined} - {path}
             for path, names in symbols(files, "--undefined-only").items()}
    pairs = {tuple(sorted(file.name.split(".")[0] for file in (one, other)))
             for one in files for other in needs[one] if one in needs[other]}
    assert pairs == set()


@pytest.mark.parametrize("variant", VARIANTS)
def test_compiled_anew_with_other_flags(variant):
    """A change of a file that holds flags leaves no object of before, or a build would depend on its history."""
    made = [str(file.relative_to(ROOT)) for folder in ("core", "pc") for file in objects(variant, folder)
            if file.exists()]
    command = ["make", "-n", "--what-if=core/core.mk", "SETUP=0", f"BUILD={BUILD.relative_to(ROOT)}", *made]
    planned = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=120).stdout
    assert len(made) > 70
    assert set(made) - set(re.findall(r" -c -o (\S+)", planned)) == set()
