"""The book: its numbers are what the programs print, and what it names exists."""
import functools
import re
import subprocess
import sys

import pytest

from places import ROOT, stories260k

sys.path.append(str(ROOT / "docs"))

import book  # pylint: disable=wrong-import-position

CHAPTERS = book.chapters()
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`([^`\n]+)`")
NUMBER = re.compile(r"(?<![\w.])\d[\d,]*(?:\.\d+)?(?![\w.]*\.(?:c|h|md|asm))")


def prose(chapter):
    return FENCE.sub("", chapter.read_text())


@functools.cache
def sources():
    """Names of files and their texts."""
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True,
                           text=True).stdout.split("\0")
    return {name: (ROOT / name).read_text(errors="replace") for name in names
            if re.search(r"\.(c|h|asm|inc|ld|py|mjs|mk|md|def|sh)$|Makefile", name)}


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_numbers_are_what_is_printed(chapter):
    text = chapter.read_text()
    if "STORIES260K" in text.upper():
        stories260k("models/STORIES260K.GGUF")
    assert book.check(chapter) == ""


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_numbers_of_the_prose_have_a_source(chapter):
    """Numbers of three digits or with a point stand in a block of the chapter or in a file that it names."""
    text = prose(chapter)
    named = [name for name in CODE.findall(text) if name in sources()]
    known = set(NUMBER.findall("\n".join([*book.BLOCK.findall(chapter.read_text()),
                                          *(sources()[name] for name in named)])))
    known |= {number.replace(",", "") for number in known}
    numbers = {number for number in NUMBER.findall(CODE.sub("", re.sub(r"\]\([^)]*\)", "]", text)))
               if len(number.replace(",", "")) >= 3}
    assert {number for number in numbers if number.replace(",", "") not in known} == set()


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_files_and_functions_exist(chapter):
    for name in CODE.findall(prose(chapter)):
        if re.fullmatch(r"[a-z0-9_./-]+/[A-Za-z0-9_.-]*", name) and not name.startswith(("build/", "/")):
            assert (ROOT / name).exists(), name
        elif match := re.fullmatch(r"(\w+)\(\)", name):
            assert any(re.search(rf"\b{match[1]}\s*\(|^{match[1]}:", text, re.MULTILINE)
                       for text in sources().values()), name


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_links_lead_somewhere(chapter):
    for target in re.findall(r"\]\(([^)#]*)(?:#[^)]*)?\)", prose(chapter)):
        if target and not target.startswith("https://"):
            assert (chapter.parent / target).exists(), target


def test_figures_are_what_the_script_draws(tmp_path):
    stories260k("models/STORIES260K.GGUF")
    subprocess.run([ROOT / "docs/figures.py", tmp_path], cwd=ROOT, check=True)
    drawn = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert drawn == {path.name: path.read_text() for path in (ROOT / "docs").glob("*.svg")} and drawn


@pytest.mark.parametrize("shown, printed, same", [
    (["a", "b"], ["a", "b"], True), (["a"], ["a", "b"], False), (["a", "..."], ["a", "b"], True),
    (["...", "b"], ["a", "b"], True), (["...", "a"], ["a", "b"], False), (["a", "...", "c"], ["a", "b", "c"], True),
    (["a", "...", "x", "...", "c"], ["a", "b", "c"], False), (["a", "...", "b", "...", "c"], ["a", "b", "c"], True),
])
def test_lines_left_out(shown, printed, same):
    assert book.is_printed(shown, printed) is same
