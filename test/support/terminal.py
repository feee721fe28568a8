"""The host program on a pseudo-terminal, as a user sees it."""
import fcntl
import os
import re
import select
import struct
import subprocess
import termios
import time

from host import SECONDS
from places import built


def plain(raw):
    """The screen's contents from the bytes that a terminal received."""
    text = re.sub(r"\x1b\[[0-9;]*m|\r", "", raw.decode(errors="replace"))
    while re.search("[^\b\n]\b", text):
        text = re.sub("[^\b\n]\b", "", text)
    return text


def words(text):
    return " ".join(text.split())


class Terminal:
    """The program at a pseudo-terminal. To be used in a `with`: its end is the program's end."""

    def __init__(self, *arguments, columns=80, environment=()):
        self.ours, self.theirs = os.openpty()
        fcntl.ioctl(self.theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 25, columns, 0, 0))
        self.modes = termios.tcgetattr(self.theirs)
        self.raw, self.said = b"", 0
        self.process = subprocess.Popen([built("host/bootllama"), *map(str, arguments)], stdin=self.theirs,
                                        stdout=self.theirs, stderr=self.theirs, start_new_session=True,
                                        env=os.environ | dict(environment))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        os.close(self.ours)
        os.close(self.theirs)

    def type(self, keys):
        os.write(self.ours, keys.encode())

    def wait_for(self, text):
        """What has come since the last call, up to the end of `text`."""
        limit = time.monotonic() + SECONDS
        while text not in plain(self.raw)[self.said:]:
            left = limit - time.monotonic()
            assert left > 0 and select.select([self.ours], [], [], left)[0], plain(self.raw)[self.said:]
            self.raw += os.read(self.ours, 65536)
        start, self.said = self.said, plain(self.raw).index(text, self.said) + len(text)
        return plain(self.raw)[start:self.said]

    def ask(self, line):
        self.type(line + "\r")
        return self.wait_for("\n> ")

    def is_restored(self):
        return termios.tcgetattr(self.theirs)[:6] == self.modes[:6]
