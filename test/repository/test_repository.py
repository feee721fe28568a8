"""The repository's own rules: shell scripts, lengths, and texts that must stay true."""
import os
import re
import subprocess
from pathlib import Path

import pytest

from places import ROOT

NOT_OURS = {".git", "build", "node_modules", "__pycache__", ".pytest_cache"}
CODE = {".c", ".h", ".asm", ".py", ".sh", ".mk", ".mjs", ".ld", ""}
FUNCTION_LINES, FILE_LINES, LINE_COLUMNS = 60, 600, 120


def files():
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in NOT_OURS]
        yield from (Path(folder) / name for name in names)


def relative(path):
    return str(path.relative_to(ROOT))


SOURCES = sorted(path for path in files() if path.suffix in CODE and b"\0" not in path.read_bytes())
SHELL = [path for path in SOURCES if re.match(rb"#!.*\b(ba)?sh\b", path.read_bytes())]
TEXTS = sorted(path for path in files() if path.suffix == ".md")


@pytest.mark.parametrize("path", SHELL, ids=relative)
def test_shellcheck(path):
    result = subprocess.run(["shellcheck", "-x", path], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stdout
    assert "set -euo pipefail" in path.read_text()


def test_shell_scripts_are_found():
    found = set(map(relative, SHELL))
    assert {"setup.sh", "image/qemu.sh", "image/usb.sh", "image/make-image.sh", ".ci/run"} <= found


def test_files_are_short():
    lengths = {relative(path): path.read_bytes().count(b"\n") for path in SOURCES if path.name != "LICENSE"}
    assert len(lengths) > 50
    assert {name: lines for name, lines in lengths.items() if lines > FILE_LINES} == {}


def test_lines_are_short():
    long = [f"{relative(path)}:{number}" for path in SOURCES if path.name != "LICENSE" and "corpus" not in path.parts
            for number, line in enumerate(path.read_text().splitlines(), 1) if len(line) > LINE_COLUMNS]
    assert long == []


def tagged_functions():
    """(file, name) -> lines of each function in C and Python, by ctags."""
    sources = [path for path in SOURCES if path.suffix in (".c", ".h", ".py")]
    command = ["ctags", "--languages=C,Python", "--kinds-C=f", "--kinds-Python=fm", "--fields=+ne", "-f", "-", *sources]
    tags = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.splitlines()
    for tag in tags:
        place = re.search(r"\tline:(\d+).*\tend:(\d+)", tag)
        if place:
            name, file = tag.split("\t")[:2]
            yield (relative(Path(file)), name), int(place[2]) - int(place[1]) + 1


def shell_functions():
    """The same of shell scripts: from a name and "()" at a line's start to the "}" at one."""
    for path in SHELL:
        start, name = 0, None
        for number, line in enumerate(path.read_text().splitlines(), 1):
            found = re.match(r"(\w+)\(\)", line)
            if found:
                start, name = number, found[1]
            if name and re.match(r"}", line):
                yield (relative(path), name), number - start + 1
                name = None


def test_functions_are_short():
    lengths = dict([*tagged_functions(), *shell_functions()])
    assert len(lengths) > 300 and ("setup.sh", "main") in lengths
    assert {name: lines for name, lines in lengths.items() if lines > FUNCTION_LINES} == {}


def verbs():
    result = subprocess.run(["make", "-s", "help"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    return {line.split()[0] for line in result.stdout.splitlines()}


def code_spans(text):
    return re.findall(r"`([^`\n]+)`", text) + re.findall(r"^    (\S.*)$", text, re.MULTILINE)


def test_texts_name_verbs_that_exist():
    known = verbs()
    assert {"all", "run", "run-bios", "run-uefi", "run-uefi32", "test", "test-boot", "bench", "size", "debug-bios",
            "debug-uefi", "usb", "clean", "help", "setup"} <= known
    named = {(relative(path), verb) for path in TEXTS for span in code_spans(path.read_text())
             for verb in re.findall(r"\bmake ((?!-)[a-z][a-z0-9-]*)\b(?!\.)", span)}
    assert any(name == "README.md" for name, _ in named)
    assert {(name, verb) for name, verb in named if verb not in known} == set()


def is_path(word):
    """A word of a code span that claims to be a file or folder of the repository."""
    top = {path.name for path in ROOT.iterdir()} - NOT_OURS
    return re.fullmatch(r"[\w.-]+(/[\w.-]+)*/?", word) and "/" in word and word.split("/")[0] in top


def test_texts_name_paths_that_exist():
    missing = set()
    for path in TEXTS:
        text = path.read_text()
        for link in re.findall(r"\]\(([^)#\s]+)\)", text):
            if not link.startswith(("http:", "https:")) and not (path.parent / link).exists():
                missing.add((relative(path), link))
        for word in (word for span in code_spans(text) for word in span.split()):
            if is_path(word) and not (ROOT / word).exists() and not (path.parent / word).exists():
                missing.add((relative(path), word))
    assert missing == set()
