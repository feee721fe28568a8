"""Time as it passes on a machine that does nothing else: limits in it are short, and hold under load."""
import time
from pathlib import Path


def clock(process):
    """Seconds since some moment, without those for which a thread of the process with this number had to wait for a
    processor. All seconds where the system does not tell them."""
    waits = []
    for thread in Path(f"/proc/{process}/task").glob("*/schedstat"):
        try:
            waits.append(int(thread.read_text().split()[1]))  # nanoseconds on run queues
        except (OSError, IndexError):  # the thread has ended
            pass
    return time.monotonic() - max(waits, default=0) / 1e9
