"""fetch-model: where it takes stories260K from, what it says where it cannot, and when it tries again.

curl, wget and timeout are stood in for by scripts that note how they were called: no test uses the network.
"""

import os
import shutil
import subprocess
import time

import pytest

from places import ROOT, stories260k

FILES = ["stories260K.bin", "tok512.bin"]
HOME = "https://huggingface.co/karpathy/tinyllamas/resolve/main/stories260K"
GOING_ON = "going on without stories260K (next attempt in an hour, or by 'make fetch-model')"
TOOLS = ["bash", "chmod", "cp", "cat", "find", "mkdir", "mktemp", "mv", "rm", "sha256sum", "sleep", "touch"]


@pytest.fixture
def machine(tmp_path):
    """A machine whose PATH holds little more than what a test installs."""
    class Machine:
        programs, cache, log = tmp_path / "bin", tmp_path / "cache", tmp_path / "log"

        def install(self, name, *lines):
            path = self.programs / name
            path.write_text("\n".join(["#!/bin/bash", f'echo {name} "$@" >>{self.log}', *lines]) + "\n")
            path.chmod(0o755)

        def calls(self):
            return self.log.read_text().splitlines() if self.log.exists() else []

        def fetch(self, *options, models=None):
            environment = {"PATH": str(self.programs)} | ({"BOOTLLAMA_MODELS": str(models)} if models else {})
            return subprocess.run([ROOT / "model/fetch-model", *options, self.cache], env=environment, text=True,
                                  capture_output=True, timeout=20)

        def kept(self):
            return sorted(path.name for path in self.cache.iterdir()) if self.cache.exists() else []

    machine = Machine()
    machine.programs.mkdir()
    for tool in TOOLS:
        (machine.programs / tool).symlink_to(shutil.which(tool))
    machine.install("timeout", 'shift; exec "$@"')
    return machine


@pytest.fixture
def models(tmp_path):
    """A folder with the two right files."""
    folder = tmp_path / "models"
    folder.mkdir()
    for name in FILES:
        shutil.copy(stories260k(f"cache/models/{name}"), folder)
    return folder


def serve(folder, option):
    """Lines of a program that writes FOLDER's file of the URL's name to where the option says; the URL is last."""
    return ["url=${@: -1}", f"words=\"$* \"; out=${{words#*{option}}}", f'cp "{folder}/${{url##*/}}" "${{out%% *}}"']


def check_failed(result, code, message):
    assert (result.returncode, result.stdout, result.stderr) == (code, "", f"fetch-model: {message}\n")


def test_from_a_folder(machine, models):
    result = machine.fetch(models=models)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert machine.kept() == FILES and machine.calls() == []
    assert all((machine.cache / name).read_bytes() == (models / name).read_bytes() for name in FILES)


def test_nothing_to_do(machine, models):
    machine.fetch(models=models)
    times = [(machine.cache / name).stat().st_mtime_ns for name in FILES]
    assert machine.fetch().returncode == 0
    assert machine.calls() == []
    assert [(machine.cache / name).stat().st_mtime_ns for name in FILES] == times


def test_damaged_cache_is_mended(machine, models):
    machine.fetch(models=models)
    (machine.cache / FILES[1]).write_bytes(b"damaged")
    assert machine.fetch(models=models).returncode == 0
    assert (machine.cache / FILES[1]).read_bytes() == (models / FILES[1]).read_bytes()


@pytest.mark.parametrize("name", FILES)
def test_folder_with_a_wrong_file(machine, models, name):
    with open(models / name, "r+b") as file:
        file.write(b"\1")
    check_failed(machine.fetch(models=models), 1, f"BOOTLLAMA_MODELS: {models}/{name}: is not the file wanted here: "
                 "its SHA-256 differs")
    assert name not in machine.kept() and machine.calls() == []


def test_folder_without_the_files(machine, tmp_path):
    check_failed(machine.fetch(models=tmp_path), 1,
                 f"BOOTLLAMA_MODELS: cp: cannot stat '{tmp_path}/stories260K.bin': No such file or directory")
    assert machine.kept() == [] and machine.calls() == []


def test_download(machine, models):
    machine.install("curl", *serve(models, "--output "))
    result = machine.fetch()
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert machine.kept() == FILES
    curl = [call.split() for call in machine.calls() if call.startswith("curl")]
    assert [call[-1] for call in curl] == [f"{HOME}/{name}" for name in FILES]
    assert all(call[call.index("--connect-timeout") + 1] == "5" for call in curl)


def test_download_by_wget(machine, models):
    machine.install("wget", *serve(models, "--output-document="))
    assert machine.fetch().returncode == 0
    assert machine.kept() == FILES


def test_failed_download_is_tried_again_after_an_hour(machine):
    machine.install("curl", 'echo "curl: (6) Could not resolve host" >&2', "exit 6")
    problem = f"{HOME}/stories260K.bin: curl: (6) Could not resolve host"
    check_failed(machine.fetch(), 3, f"{problem}; {GOING_ON}")
    attempts = len(machine.calls())
    assert attempts == 2  # timeout and curl for the first file; the second is not asked for

    silent = machine.fetch()
    assert (silent.returncode, silent.stdout, silent.stderr) == (3, "", "")
    assert len(machine.calls()) == attempts

    check_failed(machine.fetch("--now"), 3, problem)
    assert len(machine.calls()) == 2 * attempts

    past = time.time() - 61 * 60
    os.utime(machine.cache / "failed", (past, past))
    check_failed(machine.fetch(), 3, f"{problem}; {GOING_ON}")
    assert len(machine.calls()) == 3 * attempts
    assert machine.kept() == ["failed"]


def test_folder_helps_after_a_failed_download(machine, models):
    machine.install("curl", "exit 6")
    assert machine.fetch().returncode == 3
    assert machine.fetch(models=models).returncode == 0
    assert machine.kept() == FILES


def test_download_is_bounded(machine):
    machine.install("curl", "sleep 600")
    machine.install("timeout", "exit 124")
    check_failed(machine.fetch(), 3, f"{HOME}/stories260K.bin: not loaded within 60 seconds; {GOING_ON}")
    assert machine.calls()[0].startswith("timeout 60 curl --fail ")


def test_download_of_another_file(machine):
    machine.install("curl", 'for word; do [[ $previous == --output ]] && echo "<html>" >"$word"; previous=$word; done')
    check_failed(machine.fetch(), 3, f"{HOME}/stories260K.bin: is not the file wanted here: its SHA-256 differs; "
                 f"{GOING_ON}")
    assert machine.kept() == ["failed"]


def test_no_program_to_download(machine):
    check_failed(machine.fetch(), 3, f"{HOME}/stories260K.bin: neither curl nor wget is installed; {GOING_ON}")


@pytest.mark.parametrize("arguments", [[], ["--later", "x"], ["x", "y"]])
def test_wrong_usage(arguments):
    result = subprocess.run([ROOT / "model/fetch-model", *arguments], capture_output=True, text=True, timeout=20)
    check_failed(result, 2, "usage: fetch-model [--now] FOLDER")
