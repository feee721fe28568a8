"""pack/unpack.c against pack/pack.py, which is liblzma: what one packs the other unpacks, and damage is noticed."""
import ctypes
import os
import random
import struct
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("BUILD", "build")
sys.path.append(str(ROOT / "pack"))

from pack import pack  # noqa: E402: found only now

MODEL_BYTES = 8192  # more than struct lzma_model
GUARD = b"\xA5" * 64


def unpack(packed, size):
    """What unpack() writes to a buffer of `size` bytes, or None where it refuses. Nothing beyond it may change."""
    library = ctypes.CDLL(str(BUILD / "test/libunpack.so"))
    library.unpack.restype = ctypes.c_bool
    out = ctypes.create_string_buffer(b"\0" * size + GUARD, size + len(GUARD))
    scratch = ctypes.create_string_buffer(os.urandom(MODEL_BYTES), MODEL_BYTES)
    accepted = library.unpack(out, packed, scratch)
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


@pytest.mark.parametrize("path", ["bios/program.bin", "uefi/bootllama.efi"])
def test_programs_that_ship(path):
    program = (BUILD / path).read_bytes()
    assert unpack(pack(program), len(program)) == program


@pytest.mark.parametrize("seed", range(50))
def test_every_damage_is_noticed(seed):
    rng, program = random.Random(seed), words(99)
    packed = bytearray(pack(program))
    packed[rng.randrange(12, len(packed) - 8)] ^= 1 << rng.randrange(8)  # the last bytes are the end marker
    assert unpack(bytes(packed), len(program)) is None


def test_cut_off_streams_are_refused():
    program = words(99)
    packed = pack(program)
    stream = len(packed) - 12
    for length in [0, 1, 4, 5, 6, stream // 2, stream - 20]:
        short = packed[:4] + struct.pack("<I", length) + packed[8:12 + length]
        assert unpack(short, len(program)) is None


def test_wrong_checksum_is_refused():
    program = words(7)
    packed = bytearray(pack(program))
    packed[8] ^= 1
    assert unpack(bytes(packed), len(program)) is None
