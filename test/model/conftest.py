"""Fixtures of the tests of model files."""

import subprocess

import pytest

from places import built


@pytest.fixture(scope="session")
def convert():
    """The converter, called with its arguments."""
    program = built("host/llama2c-to-gguf")

    def run(*arguments, **options):
        return subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, timeout=60, **options)

    return run
