"""The headers of both UEFI applications as firmware reads them: no page is writable and executable."""
import re
import struct

import pytest

from places import ROOT, built

PAGE = 4096
EXECUTE, READ, WRITE = 0x20000000, 0x40000000, 0x80000000
NX_COMPAT = 0x0100
APPLICATIONS = ["uefi/BOOTX64.EFI", "uefi32/BOOTIA32.EFI"]


def sections(content):
    """Name, address, size in memory and access of each (Microsoft's PE format)."""
    coff = struct.unpack_from("<I", content, 0x3C)[0] + 4
    count, optional_bytes = struct.unpack_from("<2xH12xH", content, coff)
    for at in range(coff + 20 + optional_bytes, coff + 20 + optional_bytes + 40 * count, 40):
        name, size, address, flags = struct.unpack_from("<8sII20xI", content, at)
        yield name.rstrip(b"\0").decode(), address, size, flags & (EXECUTE | READ | WRITE)


@pytest.mark.parametrize("application", APPLICATIONS)
def test_sections(application):
    found = {name: access for name, _, _, access in sections(built(application).read_bytes())}
    assert found == {".text": READ | EXECUTE, ".rodata": READ, ".dynrel": READ, ".reloc": READ, ".sbat": READ,
                     ".data": READ | WRITE, ".dynamic": READ | WRITE}


@pytest.mark.parametrize("application", APPLICATIONS)
def test_no_page_belongs_to_two_sections(application):
    end = PAGE  # of the headers
    for name, address, size, _ in sections(built(application).read_bytes()):
        assert address % PAGE == 0 and address >= end and size > 0, name
        end = address + size


@pytest.mark.parametrize("application", APPLICATIONS)
def test_promises_to_firmware(application):
    content = built(application).read_bytes()
    optional = struct.unpack_from("<I", content, 0x3C)[0] + 24
    alignment, = struct.unpack_from("<I", content, optional + 32)
    characteristics, = struct.unpack_from("<H", content, optional + 70)
    assert alignment == PAGE
    assert characteristics & NX_COMPAT


def test_no_memory_for_code_and_no_other_program():
    """Memory is asked for as data, and the firmware is not asked to load or start anything: under Secure Boot, all that
    runs has been verified."""
    sources = sorted((ROOT / "uefi").glob("*.c"))
    assert len(sources) > 10
    forbidden = re.compile(r"->(LoadImage|StartImage)\b|\b(EfiLoaderCode|EfiBootServicesCode|EfiRuntimeServicesCode)\b")
    assert [source.name for source in sources if forbidden.search(source.read_text())] == []
    assert any("EfiLoaderData" in source.read_text() for source in sources)
