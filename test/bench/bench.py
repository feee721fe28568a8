#!/usr/bin/python3
"""Speed of the host program, as ratios: over other programs, over itself with other weights, tokens or processors.

bench.py RESULT.json MODEL.gguf...

PEERS=FOLDER    holds run.c of llama2.c and llama.cpp's libraries, as the npm package @node-llama-cpp/linux-x64 has them
ONLY="WORDS"    measures only the rows that have all of these words; "110m story, loading" are two groups of words
ROUNDS=N        (5)

Both sides of a row are measured in turn, ROUNDS times. A figure is the median of its side, a ratio the median of those
of the rounds, and the spread how far these lie apart: largest less smallest, over the median. Nothing is sampled or
printed, on either side, and one thread computes but where the row says otherwise. Shapes have random weights; their
files (3 GB) are made in build/bench.
"""
import json
import os
import statistics
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parents[0] / "support"))

from programs import Failed, Missing, Process
from rows import all_rows, chosen

UNITS = {"tokens/s": 1, "GB/s": 1e9}
ROUNDS = 5
NAME_COLUMNS = 50
NOISY = 0.1  # a spread that is worth a word


def processor():
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), "unknown processor")


def load():
    return f"{os.getloadavg()[0]:.1f}"


class Figures:
    """Takes the figures of a row. The same process serves both sides where the same program does."""

    def __init__(self, row):
        self.row, self.processes = row, {}
        try:
            for side in row.ours, row.other:
                if side.program not in self.processes:
                    self.processes[side.program] = Process(side.program)
                if side.before:
                    self.processes[side.program].ask(side.before)
        except BaseException:
            self.close()
            raise

    def close(self):
        for process in self.processes.values():
            process.close()

    def _loading(self, side):
        process = Process(side.program)
        process.close()
        return side.program.model.file().stat().st_size * 1e6 / process.load_us

    def _one(self, side):
        process = self.processes[side.program]
        if side.request == "load":
            return self._loading(side)
        if side.request == "read" and process.weights:
            return process.rate(f"read {process.weights}", self.row.clock)
        rate = process.rate(side.request, self.row.clock)
        return rate * process.weights if self.row.unit == "GB/s" and process.weights else rate

    def take(self, rounds):
        """[ours, other] of each round, in turn; every other round begins with the other."""
        taken = []
        for number in range(rounds):
            sides = [self.row.ours, self.row.other]
            order = sides if number % 2 == 0 else sides[::-1]
            figures = {side: self._one(side) for side in order}
            taken.append([figures[side] for side in sides])
        return taken


def summary(taken):
    """Medians of both sides, ratio and spread."""
    ratios = [ours / other for ours, other in taken]
    ratio = statistics.median(ratios)
    ours, other = map(statistics.median, zip(*taken))
    return {"ours": ours, "other": other, "ratio": ratio, "spread": (max(ratios) - min(ratios)) / ratio}


def show(row, result):
    """One line of the table."""
    ours, other = (result[side] / UNITS[row.unit] for side in ("ours", "other"))
    digits = 1 if row.unit == "tokens/s" else 2
    print(f"{row.name:<{NAME_COLUMNS}}{ours:>12,.{digits}f}{other:>12,.{digits}f}  {row.unit:<9}{result['ratio']:>7.2f}"
          f"{result['spread']:>8.0%}", flush=True)


def measure(row, rounds):
    figures = Figures(row)
    try:
        return summary(figures.take(rounds))
    finally:
        figures.close()


def measure_all(rows, rounds):
    """Shows each row. Returns results; reason -> names of rows that are missing; whether a program failed."""
    results, missing, failed = [], {}, False
    for row in rows:
        try:
            result = measure(row, rounds)
        except Missing as reason:
            missing.setdefault(str(reason), []).append(row.name)
            failed = failed or isinstance(reason, Failed)
            continue
        show(row, result)
        results.append({"row": row.name, "unit": row.unit, **result})
    return results, missing, failed


def tell_missing(missing):
    """`missing`: reason -> names of rows."""
    for reason, names in missing.items():
        print(f"\nNot measured, because {reason}:")
        for name in names:
            print(f"  {name}")


def tell_noise(results):
    spreads = [result["spread"] for result in results]
    if spreads:
        worst = max(results, key=lambda result: result["spread"])
        print(f"\nSpread of the rounds: median {statistics.median(spreads):.0%}, worst {worst['spread']:.0%} "
              f"({worst['row']})" + ("; the machine is noisy" if statistics.median(spreads) > NOISY else ""))


def main():
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    rounds, before = int(os.environ.get("ROUNDS") or ROUNDS), load()
    rows = chosen(all_rows([Path(name) for name in sys.argv[2:]]), os.environ.get("ONLY", ""))
    if not rows:
        raise SystemExit(f"bench: no row has the words {os.environ['ONLY']!r}; without ONLY all are measured")
    print(f"{processor()}, {os.cpu_count()} processors, load {before}; medians of {rounds} rounds")
    print(f"{'':<{NAME_COLUMNS}}{'first':>12}{'second':>12}  {'':<9}{'ratio':>7}{'spread':>8}")
    results, missing, failed = measure_all(rows, rounds)
    tell_missing(missing)
    tell_noise(results)
    print(f"Load {before} at the start, {load()} at the end")
    Path(sys.argv[1]).write_text(json.dumps({"processor": processor(), "rounds": rounds, "rows": results,
                                             "not_measured": missing}, indent=1) + "\n")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
