"""make bench: its rows are chosen, measured against real programs, and shown in one form. No figure is judged."""
import json
import os
import re
import subprocess
import sys

import pytest

from host import model_file, start
from npm import node_modules
from places import BUILD, ROOT, stories260k

sys.path.append(str(ROOT / "test/bench"))

from bench import summary  # noqa: E402
from programs import Model, Ours  # noqa: E402
from rows import Row, Side, all_rows, chosen  # noqa: E402

SECONDS = 300
HEAD = re.compile(r"[^\n]+, \d+ processors, load \d+\.\d; medians of 2 rounds\n +first +second +ratio +spread\n")
ROW = r"{name} +(\d[\d,]*\.\d+) +(\d[\d,]*\.\d+)  {unit} +(\d+\.\d\d) +(\d+)%\n"
TAIL = re.compile(r"(?:\nSpread of the rounds: median \d+%, worst \d+% \([^\n]+\)(?:; the machine is noisy)?\n)?"
                  r"Load \d+\.\d at the start, \d+\.\d at the end\n\Z")
RUN_C = """
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
typedef struct { struct { int vocab_size; } config; int next; } Transformer;
static void build_transformer(Transformer *t, const char *path) { t->config.vocab_size = path == NULL ? 0 : 512; }
static void forward(Transformer *t, int token, int position) {
    if (position != t->next || token != position * 7 % 512) abort();
    t->next = (position + 1) % 256;
    for (volatile int i = 0; i < 10000; i++) {}
}
#ifndef TESTING
int main(void) { return 1; }
#endif
"""


def bench(folder, only, peers=None):
    """Status, output, errors and what the file says."""
    environment = os.environ | {"ONLY": only, "ROUNDS": "2", "PEERS": str(peers or "")}
    run = subprocess.run([ROOT / "test/bench/bench.py", folder / "bench.json", model_file("DEFAULT.GGUF")],
                         capture_output=True, text=True, timeout=SECONDS, env=environment)
    file = folder / "bench.json"
    return run.returncode, run.stdout, run.stderr, json.loads(file.read_text()) if file.exists() else None


def check_form(output, rows):
    """Its lines in this order; `rows`: name -> unit."""
    at = HEAD.match(output).end()
    for name, unit in rows.items():
        match = re.compile(ROW.format(name=re.escape(name), unit=unit)).match(output, at)
        assert match, output[at:]
        ours, other, ratio = (float(group.replace(",", "")) for group in match.groups()[:3])
        assert ours > 0 and other > 0 and ratio > 0
        at = match.end()
    return output[at:]


def test_own_rows_and_what_is_missing(tmp_path):
    status, output, errors, file = bench(tmp_path, "default scalar, 15M STORY llama.cpp")
    assert (status, errors) == (0, "")
    rows = {"DEFAULT scalar prompt over story": "tokens/s", "DEFAULT scalar story over reading weights": "GB/s"}
    rest = check_form(output, rows)
    reason = "PEERS names no folder with other programs"
    missing = f"\nNot measured, because {reason}:\n  15m story over llama.cpp\n"
    assert rest.startswith(missing) and TAIL.match(rest, len(missing))
    assert [row["row"] for row in file["rows"]] == list(rows) and file["rounds"] == 2
    assert file["not_measured"] == {reason: ["15m story over llama.cpp"]}


def test_llama_cpp(tmp_path):
    modules = node_modules(BUILD / "node", ROOT / "test/model/package.json", "llama.cpp")
    status, output, errors, _ = bench(tmp_path, "15m story llama.cpp", modules)
    assert (status, errors) == (0, "")
    assert TAIL.match(check_form(output, {"15m story over llama.cpp": "tokens/s"}))


def test_run_c(tmp_path):
    stories260k("models/STORIES260K.GGUF")
    (tmp_path / "llama2.c").mkdir()
    (tmp_path / "llama2.c/run.c").write_text(RUN_C)
    status, output, errors, _ = bench(tmp_path, "260k scalar", tmp_path)
    assert (status, errors) == (0, "")
    assert TAIL.match(check_form(output, {"260k scalar over run.c": "tokens/s"}))


def test_a_program_that_fails(tmp_path):
    stories260k("models/STORIES260K.GGUF")
    (tmp_path / "run.c").write_text(RUN_C.replace("position != t->next", "1"))
    status, output, _, _ = bench(tmp_path, "260k scalar", tmp_path)
    missing = "\nNot measured, because run_c ended with status -6:\n  260k scalar over run.c\n"
    assert status == 1 and TAIL.match(output, output.index(missing) + len(missing))


def test_nothing_chosen(tmp_path):
    status, output, errors, file = bench(tmp_path, "135m loading")
    assert (status, output, file) == (1, "", None)
    assert errors == "bench: no row has the words '135m loading'; without ONLY all are measured\n"


def test_names():
    """Of a row once each; a group wants all of its words, and one group is enough."""
    rows = list(all_rows([]))
    names = [row.name for row in rows]
    assert len(set(names)) == len(names) and chosen(rows, " , ") == rows
    assert [row.name for row in chosen(rows, "110m story q4_0, at 8192 135m")] == [
        "110m q4_0 story over q8_0", "110m q4_0 story over llama.cpp", "135m story at 8192 over llama.cpp"]


def test_summary():
    assert summary([[20, 10], [60, 20], [10, 10]]) == {"ours": 20, "other": 10, "ratio": 2, "spread": 1}


def test_same_process_for_both_sides():
    program = Ours(Model(shape="15m"))
    assert len({Side(program, "story 0 1").program, Side(program, "prompt 0 1").program}) == 1
    assert Row("a", Side(program, "x"), Side(program, "y")).clock == "cpu"


# ---- bootllama --bench ----


def serve(requests):
    process = start(model_file("DEFAULT.GGUF"), "--bench", "--processors", "2", "--kernel", "scalar",
                    stdout=subprocess.PIPE, text=True, stdin=subprocess.PIPE)
    output, errors = process.communicate(requests, timeout=SECONDS)
    first, *answers = [line.split("\t") for line in output.splitlines()]
    assert first[:2] == ["scalar", "2"] and int(first[2]) > 300000 and int(first[3]) > 0
    return process.returncode, [list(map(int, answer)) for answer in answers], errors


def test_answers():
    status, answers, errors = serve("prompt 0 40\nstory 40 3\nread 100000\n")
    assert (status, errors) == (0, "")
    assert [answer[0] for answer in answers[:2]] == [40, 3] and answers[2][0] >= 100000 // 256 * 256
    assert all(wall > 0 and cpu > 0 for _, wall, cpu in answers)


@pytest.mark.parametrize("request_line, message", [
    ("prompt 0 9999", r"the context holds \d+ positions"), ("story 9999 1", r"the context holds \d+ positions"),
    ("story 0 0", r"the context holds \d+ positions"), ("read 1", "cannot read 1 bytes"),
    ("story 0", 'what is "story 0"\\?'), ("sing 0 1", 'what is "sing 0 1"\\?'),
])
def test_requests_at_fault(request_line, message):
    status, answers, errors = serve(f"{request_line}\nstory 0 1\n")
    assert (status, answers) == (1, []) and re.fullmatch(f"bootllama: --bench: {message}\n", errors)
