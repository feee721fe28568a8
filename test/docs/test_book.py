"""The book: its numbers are what the programs print, and what it names exists."""
import functools
import re
import subprocess
import sys

import pytest

from places import ROOT, stories260k, wants_stories260k

sys.path.append(str(ROOT / "docs"))

import book  # pylint: disable=wrong-import-position

CHAPTERS = book.chapters()
FENCE = re.compile(r"^```.*?^```$|^    .*$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`([^`\n]+)`")
WORD = re.compile(r"(?<![\w.])\d[\w,.]*")
NO_NUMBER = re.compile(r"\b(?:19|20)\d\d(?:s\b|\b)|\b(?:80|[234])86\b")  # years, processors


def prose(chapter):
    return FENCE.sub("", chapter.read_text())


@functools.cache
def sources():
    """Names of files and their texts."""
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True,
                           text=True).stdout.split("\0")
    return {name: (ROOT / name).read_text(errors="replace") for name in names
            if re.search(r"\.(c|h|asm|inc|ld|py|mjs|mk|md|def|sh)$|Makefile", name)}


def numbers(text):
    """The numbers of a text by value: decimal, hexadecimal as 0x1F and as 1Fh."""
    for word in WORD.findall(text):
        word = word.rstrip(",.").replace(",", "")
        for base, digits in ((10, word), (16, word[2:] if word.startswith("0x") else word.removesuffix("h"))):
            if re.fullmatch(r"\d+\.\d+", digits) and base == 10:
                yield float(digits)
            elif re.fullmatch(r"\d+" if base == 10 else r"[\da-fA-F]+", digits) and (base == 10 or digits != word):
                yield int(digits, base)


def test_numbers_of_a_text():
    assert list(numbers("A 12, a 1,024. 0x1F and 7C00h; 0.5 bits, x86, 0.5.")) == [12, 1024, 31, 0x7C00, 0.5, 0.5]


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_blocks_are_what_is_printed(chapter):
    if book.needs_stories260k(chapter):
        stories260k("models/STORIES260K.GGUF")
    assert book.check(chapter) == ""


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_numbers_of_the_prose_have_a_source(chapter):
    """Those of 100 and more, and fractions, stand in a block of the chapter or in a file that it names; but for years
    and names of processors."""
    text = prose(chapter)
    named = [sources()[name] for name in CODE.findall(text) if name in sources()]
    known = set(numbers("\n".join([*book.BLOCK.findall(chapter.read_text()), *named])))
    plain = NO_NUMBER.sub("", CODE.sub("", re.sub(r"\]\([^)]*\)", "]", text)))
    assert {number for number in numbers(plain) if number >= 100 or number % 1 != 0} - known == set()


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_names_exist(chapter):
    """Files, functions, and words with an underscore, which are names of the sources."""
    everything = "\n".join(text for name, text in sources().items() if not name.endswith(".md"))
    for name in CODE.findall(prose(chapter)):
        if re.fullmatch(r"[a-z0-9_./-]+/[A-Za-z0-9_.-]*", name) and not name.startswith(("build/", "/")):
            assert (ROOT / name).exists(), name
        elif match := re.fullmatch(r"(\w+)\(\)", name):
            assert re.search(rf"\b{match[1]}\s*\(|^{match[1]}:", everything, re.MULTILINE), name
        elif re.fullmatch(r"\w+_\w+", name):
            assert re.search(rf"\b{name}\b", everything), name


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_links_lead_somewhere(chapter):
    for target in re.findall(r"\]\(([^)#]*)(?:#[^)]*)?\)", prose(chapter)):
        if target and not target.startswith("https://"):
            assert (chapter.parent / target).exists(), target


def test_contents_list_every_chapter():
    contents = (ROOT / "docs/README.md").read_text()
    assert re.findall(r"\]\((book/[^)]*\.md)\)", contents) == [f"book/{path.name}" for path in CHAPTERS
                                                               if path.parent.name == "book"]


def test_figures_are_what_the_script_draws(tmp_path):
    subprocess.run([ROOT / "docs/figures.py", tmp_path], cwd=ROOT, check=True)
    drawn = {path.name: path.read_text() for path in tmp_path.iterdir()}
    kept = {path.name: path.read_text() for path in (ROOT / "docs/book").glob("*.svg")}
    assert {name: kept.get(name) for name in drawn} == drawn
    assert len(drawn) == len(kept) if wants_stories260k() else drawn


@pytest.mark.parametrize("shown, printed, same", [
    (["a", "b"], ["a", "b"], True), (["a"], ["a", "b"], False), (["a", "..."], ["a", "b"], True),
    (["...", "b"], ["a", "b"], True), (["...", "a"], ["a", "b"], False), (["a", "...", "c"], ["a", "b", "c"], True),
    (["a", "...", "x", "...", "c"], ["a", "b", "c"], False), (["a", "...", "b", "...", "c"], ["a", "b", "c"], True),
])
def test_lines_left_out(shown, printed, same):
    assert book.is_printed(shown, printed) is same
