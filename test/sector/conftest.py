"""Fixtures of the tests of bios/sector/. Machines come from test/boot."""
import functools
import re
import sys
from pathlib import Path

import pytest

TEST = Path(__file__).resolve().parents[1]
sys.path += [str(TEST / folder) for folder in ("host", "boot")]

import machine  # noqa: E402


@pytest.fixture
def boot(request):
    """Machine() with 4 MiB, named after the test: boot(image, cpu=..., medium=...)."""
    return functools.partial(machine.Machine, re.sub(r"\W+", "-", request.node.name).strip("-"), memory=4)
