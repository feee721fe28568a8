"""What the bench compares: a row for each comparison."""
import subprocess
from dataclasses import dataclass

from places import BUILD, STORIES260K
from programs import LlamaCpp, Model, Ours, PlainRead, RunC

LENGTHS = {"15m": (256, 256), "110m": (64, 256), "135m": (64, 256), "1.1b": (16, 128)}  # tokens: of a story, a prompt
STORY_260K = 256
FAR, FAR_TOKENS = (2048, 8192), {"135m": 32, "1.1b": 8}


@dataclass(frozen=True)
class Side:
    """`request`: see host/bench.h; "load" is to load the file. `before`: a request that is not measured."""
    program: object
    request: str
    before: str = None


@dataclass(frozen=True)
class Row:
    """`unit`: of both figures. With GB/s, a token counts as the weights that it reads. `clock`: "cpu" where one thread
    computes, because other programs take the processor; "wall" where several do."""
    name: str
    ours: Side
    other: Side
    unit: str = "tokens/s"
    clock: str = "cpu"


def kernels():
    """Those that this processor has."""
    output = subprocess.run([BUILD / "host/bootllama", "--kernels"], check=True, capture_output=True, text=True).stdout
    return [name for name, usable in (line.split("\t") for line in output.splitlines()) if usable == "yes"]


def _story(shape):
    return f"story 0 {LENGTHS[shape][0]}"


def _prompt(shape):
    return f"prompt 0 {LENGTHS[shape][1]}"


def _over_run_c():
    for kernel in kernels():
        model = Model(BUILD / "models" / STORIES260K)
        yield Row(f"260k {kernel} over run.c", Side(Ours(model, kernel), f"story 0 {STORY_260K}"),
                  Side(RunC(), f"story 0 {STORY_260K}"))


def _over_llama_cpp():
    for shape in LENGTHS:
        model = Model(shape=shape)
        for name, request in ("story", _story(shape)), ("prompt", _prompt(shape)):
            yield Row(f"{shape} {name} over llama.cpp", Side(Ours(model), request), Side(LlamaCpp(model), request))


def _four_bits():
    for shape in "110m", "1.1b":
        for quantization in "q4_0", "q4_k_m":
            ours, q8_0 = (Ours(Model(shape=shape, quantization=kind)) for kind in (quantization, "q8_0"))
            for name, request in ("story", _story(shape)), ("prompt", _prompt(shape)):
                yield Row(f"{shape} {quantization} {name} over q8_0", Side(ours, request), Side(q8_0, request))
                yield Row(f"{shape} {quantization} {name} over llama.cpp", Side(ours, request),
                          Side(LlamaCpp(ours.model), request))


def _far():
    for shape, tokens in FAR_TOKENS.items():
        for position in FAR:
            model, request, before = Model(shape=shape), f"story {position} {tokens}", f"prompt 0 {position}"
            yield Row(f"{shape} story at {position} over llama.cpp", Side(Ours(model), request, before),
                      Side(LlamaCpp(model), request, before))


def _own(name, model, tokens):
    """Of each kernel: blocks of a prompt over single tokens, and those over what reading alone would take."""
    for kernel in kernels():
        program = Ours(model, kernel)
        yield Row(f"{name} {kernel} prompt over story", Side(program, f"prompt 0 {tokens}"),
                  Side(program, f"story 0 {tokens}"))
        yield Row(f"{name} {kernel} story over reading weights", Side(program, f"story 0 {tokens}"),
                  Side(program, "read"), unit="GB/s")


def _processors():
    for shape in "15m", "110m", "1.1b":
        model = Model(shape=shape)
        for name, request in ("story", _story(shape)), ("prompt", _prompt(shape)):
            one = Side(Ours(model), request)
            for processors in "2", "auto":
                yield Row(f"{shape} {name} on {processors} over 1 processor",
                          Side(Ours(model, processors=processors), request), one, clock="wall")


def _loading():
    for shape, quantization in ("1.1b", "q8_0"), ("110m", "f16"), ("1.1b", "q4_k_m"):
        model = Model(shape=shape, quantization=quantization)
        yield Row(f"{shape} {quantization} loading over reading", Side(Ours(model), "load"),
                  Side(PlainRead(model), "read"), unit="GB/s")


def all_rows(files):
    """`files`: models of the user's."""
    yield from _over_run_c()
    yield from _over_llama_cpp()
    yield from _four_bits()
    yield from _far()
    for file in files:
        yield from _own(file.stem, Model(file), STORY_260K)
    yield from _own("15m", Model(shape="15m"), LENGTHS["15m"][0])
    yield from _processors()
    yield from _loading()


def chosen(rows, words):
    """Rows whose names have all words of one of the groups, with commas between groups; all where there are none."""
    groups = [group.lower().split() for group in words.split(",") if group.strip()]
    return [row for row in rows if not groups or any(set(group) <= set(row.name.lower().split()) for group in groups)]
