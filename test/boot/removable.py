"""A medium that is taken out of its drive while a machine runs, and another one that is put in."""
import re
import time

from machine import SECONDS
from stories import DEFAULT_SEED, MODEL, expected
from volume import models

PROMPT = re.compile(r"\n> $")


def command(machine, typed, seconds=SECONDS):
    machine.type(typed + "\r")
    return " ".join(machine.wait_for(PROMPT, seconds, error_allowed=True).split())


def change_medium(machine, second, why, seconds=SECONDS):
    """Without a medium each command is one line, "why" as a pattern, and the model in memory keeps working; then the
    models of `second`, a copy of the other model under the name SECOND.GGUF, are listed and loaded."""
    machine.start()
    machine.wait_for(PROMPT)
    assert f" 1 {MODEL.name.upper()} " in command(machine, "/models", seconds)
    machine.ask("eject", device="disk", force=True)
    time.sleep(1.5)
    for typed in "/models", "/model 1":
        said = command(machine, typed, seconds)
        assert re.fullmatch(f"{typed} Error: /MODELS cannot be listed: {why} >", said), said
    machine.enter("")
    machine.tells(expected())
    machine.ask("blockdev-change-medium", device="disk", filename=str(second), format="raw")
    time.sleep(1.5)
    assert re.search(r"/models 1 SECOND\.GGUF \d+ KiB Q8_0 fits >", command(machine, "/models", seconds))
    assert "Loading /MODELS/SECOND.GGUF" in command(machine, "/model second", seconds)
    machine.enter("")
    machine.tells(expected(model=models()[-1], seed=DEFAULT_SEED + 1))
