"""Debian's Chromium, driven through puppeteer-core by browser.mjs."""
import json
import os
import select
import subprocess
import time
from pathlib import Path

CHROMIUM = Path("/usr/bin/chromium")
HERE = Path(__file__).parent
SECONDS = 90  # a limit for the busiest machine
PERIOD_SECONDS = 0.3


class Browser:
    """Each method of browser.mjs's commands is one here: browser.click("#start")."""

    def __init__(self, node_modules, profile):
        command = ["node", HERE / "browser.mjs", CHROMIUM, profile]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0,
                                        env=os.environ | {"NODE_MODULES": str(node_modules.resolve())})

    def __getattr__(self, name):
        def ask(*parameters):
            self.process.stdin.write(json.dumps([name, *parameters]).encode() + b"\n")
            assert select.select([self.process.stdout], [], [], SECONDS)[0], f"{name}: no answer in {SECONDS} s"
            answer = json.loads(self.process.stdout.readline())
            assert "error" not in answer, f"{name} {parameters}: {answer['error']}"
            return answer["value"]
        return ask

    def wait(self, what, expression, found):
        """The value of a JavaScript expression as soon as found(value)."""
        limit = time.monotonic() + SECONDS
        while not found(value := self.evaluate(expression)):
            assert time.monotonic() < limit, f"no {what} in {SECONDS} s: {value}"
            time.sleep(PERIOD_SECONDS)
        return value

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
