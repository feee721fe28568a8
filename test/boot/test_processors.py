"""Several processors: they are found, compute together, rest in between, and give the same text as one."""
import os
import re
import time

import pytest

import wide_model
from stories import IMAGE, expected

FIRMWARES = ["bios", "uefi"]
TICK = os.sysconf("SC_CLK_TCK")
OSXSAVE = 1 << 18  # in CR4: switched on for AVX, off in firmware that knows nothing of it
REST_SECONDS = 0.5
SHORT = {"temperature": 0, "steps": 40}  # for the sake of processors that share one of the host's


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
