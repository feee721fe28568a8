"""Shared by the Python tests: paths of built files, and the handling of tests that lack a requirement."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("BUILD", "build")
STORIES260K = "STORIES260K.GGUF"


def unavailable(reason):
    """Ends a test that lacks a requirement: skipped on a user's machine, failed in CI."""
    if os.environ.get("CI"):
        pytest.fail(f"must run in CI: {reason}", pytrace=False)
    pytest.skip(reason)


def built(name):
    path = BUILD / name
    assert path.exists(), f"{path} is missing: run make first"
    return path


def wants_stories260k():
    """False where this run is the one without stories260K: a user's machine that could not fetch it, or a run with
    WITHOUT_STORIES260K set, as CI makes one."""
    return not os.environ.get("WITHOUT_STORIES260K") and (
        bool(os.environ.get("CI")) or (BUILD / "models" / STORIES260K).exists())


def stories260k(name):
    """A file of stories260K in build/: "models/STORIES260K.GGUF", "cache/models/tok512.bin"."""
    path = BUILD / name
    if not wants_stories260k():
        assert not path.exists(), f"{path} is there, and this run is the one without it"
        pytest.skip("stories260K is not here: make fetch-model, or BOOTLLAMA_MODELS=FOLDER")
    if not path.exists():
        unavailable("stories260K is not here: make fetch-model, or BOOTLLAMA_MODELS=FOLDER")
    return path


def models():
    """The models that tests of any model run with; a test that names stories260K itself is about that one alone."""
    return ["DEFAULT.GGUF", *([STORIES260K] if wants_stories260k() else [])]
