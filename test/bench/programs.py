"""The programs that the bench compares, each as a process that answers as bootllama --bench does (host/bench.h)."""
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from places import BUILD
from shapes import CONTEXT, SHAPES, model_file

HERE = Path(__file__).parent
FOLDER = BUILD / "bench"  # of what only the bench needs
SAMPLE_US = 100000  # of processor time, for a sample at least


class Missing(Exception):
    """Why a program cannot run here."""


class Failed(Missing):
    """Why a program has ended too early."""


def peers():
    """Every folder in that of PEERS, links followed, with the names of its files."""
    folder = os.environ.get("PEERS")
    if not folder:
        raise Missing("PEERS names no folder with other programs")
    for path, _, names in sorted(os.walk(folder, followlinks=True)):
        yield Path(path), names


def llama_cpp():
    for path, names in peers():
        if "libggml-base.so" in names and any(name.startswith("libllama.") for name in names):
            return path
    raise Missing("PEERS has no libllama.*.so with libggml-base.so beside it")


def run_c():
    """run.c, compiled as its own makefile's runfast with -march=native."""
    source = next((path / "run.c" for path, names in peers() if "run.c" in names), None)
    if source is None:
        raise Missing("PEERS has no run.c")
    FOLDER.mkdir(parents=True, exist_ok=True)
    program = FOLDER / "run_c"
    subprocess.run(["gcc", "-Ofast", "-march=native", "-w", f'-DRUN_C="{source.resolve()}"', HERE / "run_c.c", "-o",
                    program, "-lm"], check=True)
    return program


@dataclass(frozen=True)
class Model:
    """A file, or a shape of shapes.py with a quantization: that file is made where it is missing."""
    path: Path = None
    shape: str = None
    quantization: str = "q8_0"

    def file(self):
        path = self.path or model_file(FOLDER, self.shape, self.quantization)
        if not path.exists():
            raise Missing(f"{path} is not here: make fetch-model, or BOOTLLAMA_MODELS=FOLDER")
        return path


@dataclass(frozen=True)
class Ours:
    model: Model
    kernel: str = "auto"
    processors: str = "1"

    def command(self):
        return [BUILD / "host/bootllama", self.model.file(), "--bench", "--kernel", self.kernel, "--processors",
                self.processors]


@dataclass(frozen=True)
class LlamaCpp:
    model: Model

    def command(self):
        return [HERE / "llama_cpp.py", llama_cpp(), self.model.file(), str(CONTEXT)]


@dataclass(frozen=True)
class RunC:
    """With the checkpoint of stories260K."""

    def command(self):
        return [run_c(), Model(BUILD / "cache/models/stories260K.bin").file()]


@dataclass(frozen=True)
class PlainRead:
    model: Model

    def command(self):
        return [HERE / "plain_read.py", self.model.file()]


class Process:
    """A program at work. `first`: the fields of its first line."""

    def __init__(self, program):
        self._command = program.command()
        self._process = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.first = self._answer()
        self.weights, self.load_us = int(self.first[2]), int(self.first[3])

    def _answer(self):
        line = self._process.stdout.readline()
        if not line:
            raise Failed(f"{Path(self._command[0]).name} ended with status {self._process.wait()}")
        return line.split("\t")

    def ask(self, request):
        """Amount, microseconds by the clock and of the processor."""
        self._process.stdin.write(request + "\n")
        self._process.stdin.flush()
        return [int(field) for field in self._answer()]

    def rate(self, request, clock):
        """Amount in a second, "wall" or "cpu", of as many answers as make up a sample."""
        amount = wall = cpu = 0
        while cpu < SAMPLE_US:
            answer = self.ask(request)
            amount, wall, cpu = amount + answer[0], wall + answer[1], cpu + answer[2]
        return amount * 1e6 / (wall if clock == "wall" else cpu)

    def close(self):
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()
