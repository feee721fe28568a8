"""Fixtures of the boot tests. Places come from test/model/places.py, expected texts from test/golden/host.py."""
import functools
import re
import sys
from pathlib import Path

import pytest

TEST = Path(__file__).resolve().parents[1]
sys.path += [str(TEST / "model"), str(TEST / "golden")]

from machine import Machine  # noqa: E402
from volume import Volume  # noqa: E402


@pytest.fixture
def boot(request):
    """Machine(), named after the test: boot(image, firmware, ...)."""
    return functools.partial(Machine, re.sub(r"\W+", "-", request.node.name).strip("-"))


@pytest.fixture
def volume(tmp_path):
    """A copy of the image, to be changed."""
    copy = Volume.copy_of_image(tmp_path / "disk.img")
    yield copy
    copy.path.unlink()
