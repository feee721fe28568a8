#!/usr/bin/python3
"""Keeps the book's numbers true: they are the output of the commands beside them.

A block of a chapter that begins with ```console holds commands, which begin with "$ ", and what they print. A command
that ends in a backslash goes on in the next line, after "> ". They run in the root of the tree, in order. A line of
only "..." stands for lines left out.

book.py                      compares every block with what its commands print; exit status 1 if one differs
book.py --renew [CHAPTER...] writes what they print into the chapters (default: all), and draws the figures anew; lines
                             left out stay left out as far as the lines around them are still there
"""
import difflib
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
os.environ.setdefault("BUILD", "build")
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PROMPT, MORE = "$ ", "> "
LEFT_OUT = "..."
SECONDS = 120


def chapters():
    return sorted([*DOCS.glob("*.md"), *DOCS.glob("book/*.md")])


def needs_stories260k(chapter):
    """Whether a command of the chapter reads it: not everyone has it."""
    return any("stories260k" in command.lower() for block in BLOCK.findall(chapter.read_text())
               for command, _ in commands(block))


def commands(block):
    """Pairs of a command and the lines that the book has of its output."""
    pairs = []
    for line in block.splitlines():
        if line.startswith(PROMPT):
            pairs.append((line[len(PROMPT):], []))
        elif line.startswith(MORE) and pairs[-1][0].endswith("\\"):
            pairs[-1] = (pairs[-1][0] + "\n" + line[len(MORE):], [])
        else:
            pairs[-1][1].append(line)
    return pairs


def output_of(command):
    """The lines that a command prints, run in the root of the tree. build/ is the folder of this build."""
    folder = os.environ["BUILD"] + "/"
    environment = os.environ | {"LC_ALL": "C.UTF-8", "PATH": os.environ["PATH"] + ":/usr/sbin:/sbin"}
    result = subprocess.run(["bash", "-euo", "pipefail", "-c", command.replace("build/", folder)], cwd=ROOT,
                            env=environment, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                            timeout=SECONDS)
    if result.returncode != 0:
        raise SystemExit(f"{command}: exit status {result.returncode}\n{result.stdout}")
    return [line.rstrip().replace(folder, "build/") for line in result.stdout.splitlines()]


def runs_between(lines):
    """The runs of lines between those left out, and whether lines are left out before the first."""
    runs = [[]]
    for line in lines:
        if line == LEFT_OUT:
            runs.append([])
        else:
            runs[-1].append(line)
    return runs


def is_printed(shown, printed):
    """Whether the lines shown, with their gaps, are the lines printed."""
    runs = runs_between(shown)
    first, last = runs[0], runs[-1]
    if printed[:len(first)] != first or printed[len(printed) - len(last):] != last:
        return False
    if len(runs) == 1:
        return printed == first
    at = len(first)
    for run in runs[1:]:
        while printed[at:at + len(run)] != run:
            at += 1
            if at > len(printed):
                return False
        at += len(run)
    return True


def renewed(shown, printed):
    """The lines to show: as many as before of each run, from where the run's first line now is."""
    runs = runs_between(shown)
    if len(runs) == 1:
        return printed
    lines, at = printed[:len(runs[0])], len(runs[0])
    for index, run in enumerate(runs[1:], 1):
        if index == len(runs) - 1:
            at = max(at, len(printed) - len(run))
        elif run:
            matches = difflib.get_close_matches(run[0], printed[at:], 1, 0)
            at += printed[at:].index(matches[0]) if matches else 0
        lines += [LEFT_OUT, *printed[at:at + len(run)]]
        at += len(run)
    return lines


def check(chapter):
    """What differs, as text; empty if nothing does."""
    complaints = []
    for block in BLOCK.findall(chapter.read_text()):
        for command, shown in commands(block):
            printed = output_of(command)
            if not is_printed(shown, printed):
                complaints += [f"{chapter.name}: $ {command}", *difflib.unified_diff(shown, printed, "book", "program",
                                                                                     lineterm="")]
    return "\n".join(complaints)


def renew(chapter):
    def rewrite(match):
        lines = []
        for command, shown in commands(match[1]):
            lines += [PROMPT + command.replace("\n", "\n" + MORE), *renewed(shown, output_of(command))]
        return "```console\n" + "\n".join(lines) + "\n```"
    chapter.write_text(BLOCK.sub(rewrite, chapter.read_text()))


def main():
    if len(sys.argv) > 1:
        if sys.argv[1] != "--renew":
            raise SystemExit(__doc__)
        for chapter in [Path(name) for name in sys.argv[2:]] or chapters():
            if needs_stories260k(chapter) and not (ROOT / os.environ["BUILD"] / "models/STORIES260K.GGUF").exists():
                print(f"{chapter.name}: left as it is, because stories260K is not here")
            else:
                renew(chapter)
        subprocess.run([DOCS / "figures.py", DOCS / "book"], check=True)
        return
    complaints = [text for text in map(check, chapters()) if text]
    if complaints:
        raise SystemExit("\n".join(complaints))


if __name__ == "__main__":
    main()
