"""Fixtures of the boot tests."""
import functools
import re

import pytest

from machine import Machine
from volume import Volume


@pytest.fixture
def boot(request):
    """Machine(), named after the test: boot(image, firmware, ...)."""
    return functools.partial(Machine, re.sub(r"\W+", "-", request.node.name).strip("-"))


@pytest.fixture
def volume(tmp_path):
    """A copy of the image for changes."""
    copy = Volume.copy_of_image(tmp_path / "disk.img")
    yield copy
    copy.path.unlink()
