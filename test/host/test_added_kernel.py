"""A kernel is one file and one row of core/kernel/kernels.def: a copy of the tree with one more is built and run."""
import os
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

import wide_model
from host import score, tell
from kernels import names
from places import ROOT

SECONDS = 300  # of the build at most
CONTEXT = 48
ROW = "KERNEL(added, added_kernel, cpu->fpu, -O1)\n"


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """The host program with the added kernel: a variant that host.py finds by its path."""
    tree = tmp_path_factory.mktemp("tree") / "bootllama"
    shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns("build", ".git", "__pycache__", "node_modules"))
    shutil.copy(Path(__file__).with_name("added_kernel.c"), tree / "core/kernel")
    with (tree / "core/kernel/kernels.def").open("a") as table:
        table.write(ROW)
    subprocess.run(["make", "-s", "build/host/bootllama"], cwd=tree, check=True, timeout=SECONDS,
                   env=os.environ | {"SETUP": "0", "MAKEFLAGS": "", "BUILD": "build"})
    return tree / "build/host"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return wide_model.write(tmp_path_factory.mktemp("wide"))


def output_of(program, *options):
    process = subprocess.run([program / "bootllama", *options], capture_output=True, text=True, timeout=60)
    assert process.returncode == 0, process.stderr
    return process.stdout + process.stderr


def test_it_is_listed(program):
    assert f"auto, {', '.join(names())} or added (default" in output_of(program, "--help")
    assert output_of(program, "--kernels").endswith("\nadded\tyes\n")


@pytest.mark.parametrize("processors", [1, 3])
def test_same_bits(program, model, tmp_path, processors):
    """Its hooks are called on every processor: without them it traps."""
    tokens = tmp_path / "tokens.i32"
    tokens.write_bytes(struct.pack(f"<{CONTEXT}i", *(3 + i * 7919 % 300 for i in range(CONTEXT))))
    added = score(model, tokens, CONTEXT, tmp_path, "--kernel", "added", "--processors", processors, variant=program)
    assert added == score(model, tokens, CONTEXT, tmp_path, "--kernel", "scalar")


def test_same_story(program, model):
    """Named, it computes; by itself it computes when it wins the race, which a test of a busy machine cannot tell."""
    options = ["--prompt", "aa be ci do fu " * 3, "--temperature", 0, "--steps", 100, "--kernel"]
    assert tell(model, *options, "added", variant=program) == tell(model, *options, "scalar")
    assert ", added]" in output_of(program, model, "--steps", "5", "--kernel", "added")
