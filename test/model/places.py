"""What the tests of model files share: where things are, and what happens when something cannot be had."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("BUILD", "build")


def unavailable(reason):
    """Ends a test whose means are missing here: skipped on a user's machine, failed where CI must have them."""
    if os.environ.get("CI"):
        pytest.fail(f"must run in CI: {reason}", pytrace=False)
    pytest.skip(reason)


def built(name):
    path = BUILD / name
    assert path.exists(), f"{path} is missing: run make first"
    return path


def stories260k(name):
    """A file of stories260K in build/: "models/STORIES260K.GGUF", "cache/models/tok512.bin"."""
    path = BUILD / name
    if not path.exists():
        unavailable("stories260K is not here: make fetch-model, or BOOTLLAMA_MODELS=FOLDER")
    return path
