"""support/quiet.py: the clock of a process stands while it waits for a processor, and only then."""
import os
import subprocess
import sys
import time

import quiet


def passed(process, seconds):
    """How much of these seconds passes on the process's clock."""
    begun, clock = time.monotonic(), quiet.clock(process.pid)
    time.sleep(seconds)
    return (quiet.clock(process.pid) - clock) / (time.monotonic() - begun)


def test_a_process_that_sleeps():
    with subprocess.Popen(["sleep", "60"]) as process:
        time.sleep(0.5)
        share = passed(process, 1)
        process.kill()
    assert 0.9 < share < 1.01


def test_processes_that_share_a_processor():
    """Eight on one: an eighth each, less under load."""
    processor = min(os.sched_getaffinity(0))
    together = [subprocess.Popen([sys.executable, "-c", "while True: pass"],
                                 preexec_fn=lambda: os.sched_setaffinity(0, {processor})) for _ in range(8)]
    try:
        time.sleep(1)
        assert 0 <= passed(together[0], 4) < 0.5
    finally:
        for process in together:
            process.kill()
            process.wait()
