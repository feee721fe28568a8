"""Several processors: they are found, compute together, rest in between, and give the same text as one."""
import contextlib
import ctypes
import os
import re
import signal
import time

import pytest

import wide_model
from machine import Failure
from stories import IMAGE, expected

FIRMWARES = ["bios", "uefi"]
TICK = os.sysconf("SC_CLK_TCK")
OSXSAVE = 1 << 18  # in CR4: switched on for AVX, off in firmware that knows nothing of it
REST_SECONDS = 0.5
SHORT = {"temperature": 0, "steps": 40}  # for the sake of processors that share one of the host's
LONG = {"temperature": 0, "steps": 240}
BEGINNING = re.compile(r"(\b[a-z]{2} ){10}")  # of a story of the wide model
LEFT_OUT = "1 left out: no answer"

PTRACE_CONT, PTRACE_DETACH, PTRACE_SEIZE, PTRACE_INTERRUPT = 7, 17, 0x4206, 0x4207  # of sys/ptrace.h
WAIT_FOR_THREADS = 0x40000000  # __WALL of sys/wait.h


def processors(machine):
    """The number that the banner states."""
    return int(re.search(r"^Processors: (\d+)\b", machine.text(), re.MULTILINE)[1])


def seconds_of_others(machine):
    """The time that each processor but the first has run so far. A halted one takes none of the host's."""
    times = []
    for processor in machine.ask("query-cpus-fast"):
        stat = open(f"/proc/{machine.process.pid}/task/{processor['thread-id']}/stat").read()
        user, system = stat.rpartition(")")[2].split()[11:13]
        times.append((int(user) + int(system)) / TICK)
    return times[1:]


def check_parked(machine):
    """At the prompt only the first processor runs."""
    before = seconds_of_others(machine)
    time.sleep(REST_SECONDS)
    for start, end in zip(before, seconds_of_others(machine)):
        assert end - start < REST_SECONDS / 10


def control_registers(machine):
    """CR4 of all processors."""
    said = machine.ask("human-monitor-command", **{"command-line": "info registers -a"})
    return [int(value, 16) for value in re.findall(r"CR4=([0-9a-f]+)", said)]


def trace(request, thread, data=0):
    arguments = (ctypes.c_long(value) for value in (request, thread, 0, data))
    assert ctypes.CDLL(None, use_errno=True).ptrace(*arguments) == 0, os.strerror(ctypes.get_errno())


def is_in_guest(process, thread):
    """Whether a stopped thread of QEMU is in translated code, where it holds none of QEMU's locks."""
    call, *place = open(f"/proc/{process}/task/{thread}/syscall").read().split()
    if call != "-1":  # in a call of the system, or "running": still on its way to a stop
        return False
    for line in open(f"/proc/{process}/maps"):
        area, access, *_, inode = line.split()[:5]
        start, end = (int(address, 16) for address in area.split("-"))
        if start <= int(place[1], 16) < end:
            return "x" in access and inode == "0"
    return False


def stop_in_guest(process, thread):
    """Stops a traced thread in translated code; returns the signal that it has yet to get, or 0."""
    for _ in range(10000):
        trace(PTRACE_INTERRUPT, thread)
        _, status = os.waitpid(thread, WAIT_FOR_THREADS)
        due = os.WSTOPSIG(status)
        due = 0 if due == signal.SIGTRAP else due  # a signal that came first
        if is_in_guest(process, thread):
            return due
        trace(PTRACE_CONT, thread, due)
        time.sleep(0.001)
    trace(PTRACE_INTERRUPT, thread)
    os.waitpid(thread, WAIT_FOR_THREADS)
    raise Failure("the processor is never in translated code")


@contextlib.contextmanager
def taken_away(machine, number):
    """Stops a processor, as a busy hypervisor does. A stop signal would stop all of QEMU."""
    thread, due = machine.ask("query-cpus-fast")[number]["thread-id"], 0
    trace(PTRACE_SEIZE, thread)
    try:  # a thread that stays traced would keep QEMU from its end
        due = stop_in_guest(machine.process.pid, thread)
        yield
    finally:
        trace(PTRACE_DETACH, thread, due)


@pytest.fixture(scope="module")
def wide(tmp_path_factory):
    return wide_model.write(tmp_path_factory.mktemp("wide"))


def check_default_story(machine, number):
    machine.start()
    machine.tells(expected())
    assert processors(machine) == number
    check_parked(machine)


@pytest.mark.parametrize("number", [2, 4])  # one is what all other tests have
@pytest.mark.parametrize("firmware", FIRMWARES)
def test_number(boot, firmware, number):
    with boot(IMAGE, firmware, options=["-smp", str(number)]) as machine:
        check_default_story(machine, number)


@pytest.mark.parametrize("cpu, options, number", [
    ("max", ["-smp", "2", "-machine", "acpi=off"], 1),
    ("max", ["-smp", "2,maxcpus=8"], 2),   # sockets without a processor
    ("pentium", ["-smp", "2"], 1),         # a local APIC, but none that can be asked where it is
    ("pentium3", ["-smp", "2"], 2),
    ("qemu64", ["-smp", "3"], 3),
    ("max", ["-smp", "2", "-acpitable", "sig=APIC,data=/dev/null"], 2),  # a second MADT, without entries
])
def test_bios_machines(boot, cpu, options, number):
    with boot(IMAGE, "bios", cpu=cpu, options=options) as machine:
        check_default_story(machine, number)


def test_isa_machine(boot):
    with boot(IMAGE, "bios", medium="isa") as machine:
        check_default_story(machine, 1)


@pytest.mark.parametrize("firmware, cpu, number", [
    ("bios", "max", 2), ("bios", "qemu64", 4), ("bios", "pentium3", 2),
    ("uefi", "max", 2), ("uefi", "qemu64", 4), ("uefi32", "max", 2),
])
def test_shared_story(boot, volume, wide, firmware, cpu, number):
    """All of them compute, whether or not that is faster on the machine that runs the test."""
    volume.put(wide, "/MODELS/WIDE.GGUF")
    volume.configure(model="WIDE.GGUF", processors=number, prompt="aa be", **SHORT)
    with boot(volume.path, firmware, cpu=cpu, options=["-smp", str(number)]) as machine:
        machine.start()
        machine.tells(expected("aa be", wide, **SHORT))
        assert processors(machine) == number
        check_parked(machine)
        before = seconds_of_others(machine)
        machine.enter("co di")
        machine.tells(expected("co di", wide, **SHORT))
        assert all(end > start for start, end in zip(before, seconds_of_others(machine)))
        check_parked(machine)
        if firmware != "bios":  # the firmware has them back as they were
            assert all(register & OSXSAVE == 0 for register in control_registers(machine)[1:])


def wait_for_beginning(machine):
    """Of a story, which tells() takes later."""
    before = machine.said
    machine.wait_for(BEGINNING)
    machine.said = before


@contextlib.contextmanager
def in_a_story(boot, volume, wide, firmware):
    """A machine of three processors in the middle of its first story, "aa be" with the settings LONG."""
    volume.put(wide, "/MODELS/WIDE.GGUF")
    volume.configure(model="WIDE.GGUF", processors=3, prompt="aa be", **LONG)
    with boot(volume.path, firmware, options=["-smp", "3"]) as machine:
        machine.start()
        wait_for_beginning(machine)
        yield machine


@pytest.mark.parametrize("firmware", FIRMWARES)
def test_processor_that_is_slow(boot, volume, wide, firmware):
    """Each is taken away once, for shorter than what counts as hanging."""
    with in_a_story(boot, volume, wide, firmware) as machine:
        for number in 1, 2:
            with taken_away(machine, number):
                time.sleep(0.1)
        machine.tells(expected("aa be", wide, **LONG))
        machine.enter("/info")
        assert LEFT_OUT not in machine.rest()


@pytest.mark.parametrize("firmware", FIRMWARES)
def test_processor_that_is_taken_away(boot, volume, wide, firmware):
    """The story goes on without it, and its return changes nothing."""
    with in_a_story(boot, volume, wide, firmware) as machine:
        with taken_away(machine, 2):
            machine.tells(expected("aa be", wide, **LONG))
            machine.enter("/info")
            machine.wait_for(LEFT_OUT)
            machine.enter("co di")
            wait_for_beginning(machine)
        machine.tells(expected("co di", wide, **LONG))


@pytest.mark.parametrize("firmware", FIRMWARES)
def test_restart_after_sharing(boot, volume, wide, firmware):
    """Parked processors do not keep the firmware from restarting."""
    volume.put(wide, "/MODELS/WIDE.GGUF")
    volume.configure(model="WIDE.GGUF", processors=2, prompt="aa be", **SHORT)
    with boot(volume.path, firmware, options=["-smp", "2"]) as machine:
        machine.start()
        machine.story()
        machine.type("/reboot\r")
        machine.start()
        machine.tells(expected("aa be", wide, **SHORT))
        machine.type("/off\r")
        assert machine.process.wait(60) == 0
