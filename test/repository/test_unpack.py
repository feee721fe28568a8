"""pack/unpack.c against pack/packer/pack.c: what one packs the other unpacks, and damage is noticed."""
import ctypes
import os
import random
import struct
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("BUILD", "build")

HEADER = struct.Struct("<4I")  # struct packed: bytes, bytes of code, bytes of the stream, CRC
SCRATCH_BYTES = 1 << 19  # more than struct codec
GUARD = b"\xA5" * 64


def pack(program, code=0):
    """The program packed; its first `code` bytes are taken for machine code."""
    with TemporaryDirectory() as folder:
        source, target = Path(folder, "program"), Path(folder, "packed")
        source.write_bytes(program)
        subprocess.run([BUILD / "host/pack/pack", source, target, str(code)], check=True)
        return target.read_bytes()


def unpack(packed, size):
    """What unpack() writes to a buffer of `size` bytes, or None where it refuses. Nothing beyond it may change."""
    library = ctypes.CDLL(str(BUILD / "test/libunpack.so"))
    library.unpack.restype = ctypes.c_bool
    out = ctypes.create_string_buffer(b"\0" * size + GUARD, size + len(GUARD))
    scratch = ctypes.create_string_buffer(os.urandom(SCRATCH_BYTES), SCRATCH_BYTES)
    accepted = library.unpack(out, size, packed, scratch)
    assert out.raw[size:] == GUARD
    return out.raw[:size] if accepted else None


def words(seed):
    """Text with repetitions near and far, and noise between them."""
    rng = random.Random(seed)
    pieces = [rng.randbytes(rng.randrange(1, 300)) for _ in range(40)]
    return b"".join(rng.choice(pieces) if rng.random() < 0.9 else rng.randbytes(rng.randrange(20)) for _ in range(400))


PROGRAMS = {
    "one byte": b"x",
    "zeros": bytes(1 << 20),
    "noise": random.Random(1).randbytes(50000),
    "all bytes": bytes(range(256)) * 300,
    "far repetition": (noise := random.Random(2).randbytes(300000)) + noise,
    **{f"words {seed}": words(seed) for seed in range(20)},
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_round_trip(name):
    assert unpack(pack(PROGRAMS[name]), len(PROGRAMS[name])) == PROGRAMS[name]


@pytest.mark.parametrize("share", [0, 0.5, 1, 2])
@pytest.mark.parametrize("path", ["bios/program.bin", "uefi/bootllama.efi"])
def test_programs_that_ship(path, share):
    """However much of them is taken for code, and were it more than there is."""
    program = (BUILD / path).read_bytes()
    assert unpack(pack(program, int(len(program) * share)), len(program)) == program


@pytest.mark.parametrize("seed", range(20))
def test_noise_as_code(seed):
    """Every opcode and every field, the last instruction cut off anywhere."""
    program = random.Random(seed).randbytes(3000 + seed)
    assert unpack(pack(program, len(program)), len(program)) == program


def test_calls_of_one_place_pack_well():
    """The same call from everywhere, between instructions that are noise: its address costs next to nothing."""
    def program(target_of):
        rng, code = random.Random(5), b""
        for _ in range(500):
            code += b"\xB8" + rng.randbytes(4)  # mov eax, noise
            code += b"\xE8" + struct.pack("<i", target_of(rng) - len(code) - 5)
        return code
    same, different = (len(pack(code, len(code))) for code in
                       (program(lambda rng: 77), program(lambda rng: rng.randrange(1 << 24))))
    assert same < different - 500 * 2.5


@pytest.mark.parametrize("seed", range(50))
def test_every_damage_is_noticed(seed):
    rng, program = random.Random(seed), words(99)
    packed = bytearray(pack(program))
    packed[rng.randrange(HEADER.size, len(packed) - 1)] ^= 1 << rng.randrange(8)
    assert unpack(bytes(packed), len(program)) is None


def test_cut_off_streams_are_refused():
    program = words(99)
    packed = pack(program)
    size, code, stream, crc = HEADER.unpack_from(packed)
    for length in [0, 1, 3, 4, 5, stream // 2, stream - 20, stream - 1]:
        short = HEADER.pack(size, code, length, crc) + packed[HEADER.size:][:length]
        assert unpack(short, len(program)) is None


def test_wrong_headers_are_refused():
    program = words(7)
    packed = pack(program)
    size, code, stream, crc = HEADER.unpack_from(packed)
    for header in [(size + 1, code, stream, crc), (size, code, stream, crc ^ 1), (size, size + 1, stream, crc),
                   (size, 0xFFFFFFFF, stream, crc)]:
        assert unpack(HEADER.pack(*header) + packed[HEADER.size:], len(program)) is None
