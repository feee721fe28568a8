"""Machines without common parts: leaves of CPUID, timers, interrupt controllers. All tell the story."""
import re
import subprocess
import time

import pytest

import wide_model
from gguf_file import GgufFile
from gguf_writer import write_wide
from machine import MEDIA, QEMU, UEFI_SHELL
from places import built
from stories import DEFAULT_SEED, IMAGE, MODEL, SHIPPED_IMAGE, expected
from volume import Volume

SHORT = {"temperature": 0, "steps": 40}


@pytest.fixture(scope="module")
def wide(tmp_path_factory):
    return wide_model.write(tmp_path_factory.mktemp("wide"))


def kernel(machine):
    """What the banner says of the kernel."""
    return re.search(r"^Kernel: (.*)$", machine.text(), re.MULTILINE)[1]


LEAD = r"\d+\.\d x \w+ here"  # of the race's winner
AVX_OFF = "; AVX cannot be switched on here"


@pytest.mark.parametrize("firmware, cpu, options, said", [
    ("bios", "Haswell,level=4", [], f"sse2(emu)?, {LEAD}"),
    ("bios", "max,level=7", [], f"sse2(emu)?, {LEAD}{AVX_OFF}"),
    ("bios", "max", ["-machine", "pc-i440fx-2.0"], f"sse2(emu)?, {LEAD}{AVX_OFF}"),
    ("bios", "max,level=0xd", [], f"(sse2(emu)?|avx2), {LEAD}"),
    ("uefi", "Haswell,level=4", [], f"sse2(emu)?, {LEAD}"),
    ("uefi", "max,level=7", [], f"sse2(emu)?, {LEAD}{AVX_OFF}"),
])
def test_limited_cpuid(boot, firmware, cpu, options, said):
    """XSAVE is shown, leaf 0Dh, which says what of it there is, does not exist: old hypervisors, set-ups that limit
    CPUID."""
    with boot(IMAGE, firmware, cpu=cpu, options=["-smp", "2", *options]) as machine:
        machine.start()
        machine.tells(expected())
        assert re.fullmatch(said, kernel(machine))
        machine.enter("/info")
        assert ("avx2" in re.search("^Kernels: .*$", machine.wait_for("\n> "), re.MULTILINE)[0]) == ("avx2" in said)


def test_uefi_without_sse2(boot):
    """One line and the way back to the firmware, which starts its shell."""
    with boot(IMAGE, "uefi32", cpu="pentium3") as machine:
        machine.start()
        machine.wait_for("UEFI\nError: this processor has no SSE2, which bootllama needs under UEFI.\n",
                         error_allowed=True)
        machine.wait_for(UEFI_SHELL)


def test_refused_instructions():
    """The code that switches vector state on comes back from #UD and #GP; each bit is a thing that was right."""
    command = [QEMU, "-nodefaults", "-accel", "tcg", "-cpu", "max", "-display", "none", "-no-reboot",
               "-device", "isa-debug-exit,iobase=0xf4,iosize=1", "-kernel", built("test/refused_instructions")]
    assert subprocess.run(command, timeout=60).returncode == 0b11111 << 1 | 1


@pytest.mark.parametrize("options", ["xlevel=0", "xlevel=0x80000003"])
def test_processor_without_a_brand(boot, options):
    with boot(IMAGE, cpu=f"max,{options}") as machine:
        machine.start()
        machine.tells(expected())
        assert re.search("^CPU: (GenuineIntel|AuthenticAMD)$", machine.text(), re.MULTILINE)


TSC = "The timer chip does not work: time comes from the processor's counter."
RTC = "The timer chip does not work: time comes from the real-time clock, to a second."
WITHOUT_TIMER = [  # -cpu, options, the line about it
    ("max", ["-machine", "pc,pit=off"], TSC),
    ("max", ["-machine", "pc,pit=off,acpi=off"], TSC),
    ("486", ["-machine", "pc,pit=off"], RTC),
    ("max,-apic", ["-smp", "4"], TSC),  # the APIC, which CPUID hides from the BIOS, keeps the timer's interrupts
]


@pytest.mark.parametrize("cpu, options, line", WITHOUT_TIMER)
def test_bios_without_a_timer(boot, cpu, options, line):
    """The countdown of the shipped image ends, a rate is told, a key and a pause of a lone Escape are seen."""
    with boot(SHIPPED_IMAGE, cpu=cpu, options=options) as machine:
        machine.start()
        begun = time.monotonic()
        machine.wait_for(f"\n{line}\n")
        machine.tells(expected())
        assert b"1 s; any key stops it" in machine.raw  # the countdown has come to its end
        assert time.monotonic() - begun > 2
        if "486" not in cpu:
            assert float(re.search(r"(\d+\.\d) tokens/s", machine.text())[1]) > 1
        machine.type("abc\x1b")
        time.sleep(3)  # a lone Escape is told by the pause after it
        machine.type("/info\r")
        machine.wait_for("\nProcessors: 1\n")


@pytest.mark.parametrize("firmware", ["bios", "uefi"])
def test_processor_that_lacks_instructions(boot, volume, wide, firmware):
    """The second has no AVX2, which the first one's kernel needs: it is left out, and /info says so."""
    other = "max-x86_64-cpu,socket-id=1,core-id=0,thread-id=0,avx2=off"
    volume.put(wide, "/MODELS/WIDE.GGUF")
    volume.configure(model="WIDE.GGUF", processors=2, prompt="aa be", **SHORT)
    with boot(volume.path, firmware, options=["-smp", "1,sockets=2,maxcpus=2", "-device", other]) as machine:
        machine.start()
        machine.tells(expected("aa be", wide, **SHORT))
        machine.enter("/info")
        said = machine.wait_for("\n> ")
        assert "\nProcessors: 2, 1 left out: instructions missing\n" in said
        machine.enter("aa be")
        machine.tells(expected("aa be", wide, seed=DEFAULT_SEED + 1, **SHORT))


GONE = {
    "usb-xhci": r"/MODELS cannot be listed: EFI_NO_MEDIA from the disk with the models: is it still connected\?",
    "nvme": r"/MODELS cannot be listed: EFI_DEVICE_ERROR from the disk with the models: is it still connected\?",
}


def pull(machine, medium):
    """The stick is unplugged; the NVMe disk stays in its slot and answers every command with an error."""
    if medium == "usb-xhci":
        machine.ask("device_del", id="stick")
    else:
        machine.ask("human-monitor-command", **{"command-line": "drive_del disk"})


@pytest.fixture
def named_stick(monkeypatch):
    monkeypatch.setitem(MEDIA, "usb-xhci", ("q35", [
        "-device", "qemu-xhci,id=usb", "-device", "usb-storage,id=stick,bus=usb.0,drive=disk,bootindex=0"]))


def plug_in(machine, image):
    again = f"drive_add 0 if=none,id=again,format=raw,snapshot=on,file={image}"
    machine.ask("human-monitor-command", **{"command-line": again})
    machine.ask("device_add", driver="usb-storage", id="stick", bus="usb.0", drive="again")
    time.sleep(5)


@pytest.mark.parametrize("when", ["loading", "listing"])
def test_stick_pulled_while_it_is_read_on_uefi(boot, tmp_path, when, named_stick):
    """OVMF takes half a minute for the one read, and misses that the stick is gone: one error, no further model is
    tried, a model in memory keeps working, one that was given back is loaded again by Enter once the stick is back."""
    write_wide(tmp_path / "WIDE.GGUF", GgufFile(MODEL.read_bytes()), 49152)
    volume = Volume.of_size(tmp_path / "disk.img", 256, MODEL)
    for name in "STICK0.GGUF", "STICK1.GGUF", "STICK2.GGUF":
        volume.put(tmp_path / "WIDE.GGUF", "/MODELS/" + name)
    volume.configure(autostart="off", model=MODEL.name.upper())
    with boot(volume.path, "uefi", medium="usb-xhci", memory=512) as machine:
        machine.start()
        machine.wait_for("\n> ")
        machine.type("/models\r" if when == "listing" else "/model stick0\r")
        machine.wait_for(" 1 " if when == "listing" else re.compile(r"STICK0.*[1-9] %", re.DOTALL))
        machine.ask("device_del", id="stick")
        said = " ".join(machine.wait_for("\n> ", 120, error_allowed=True).split())
        why = r"the drive does not answer, EFI_[A-Z_]+ (reading byte \d+|opening the file|listing the directory)"
        assert said.count("Error: ") == 1 and said.count("Loading") <= 1, said
        lost = r" No model is loaded now; Enter looks for one again\." if when == "loading" else ""
        assert re.search(rf"Error: /MODELS\b.*: {why}{lost} >$", said), said
        if when == "loading":
            plug_in(machine, volume.path)
        machine.enter("")
        machine.tells(expected())
        if when == "listing":
            plug_in(machine, volume.path)
        machine.enter("/models")
        assert machine.wait_for("\n> ", 60).count("Q8_0") == 4
        machine.enter(f"/model {MODEL.name.lower()}")
        machine.wait_for("Model: ")
    volume.path.unlink()


@pytest.mark.parametrize("medium", GONE)
def test_disk_pulled_on_uefi(boot, medium, named_stick):
    """One line, within ten idle seconds; the loaded model keeps working; a stick plugged in again is found."""
    with boot(IMAGE, "uefi", medium=medium) as machine:
        machine.start()
        machine.tells(expected())
        pull(machine, medium)
        time.sleep(3)  # the firmware polls its hubs
        for seed in range(DEFAULT_SEED + 1, DEFAULT_SEED + 3):
            begun = machine.clock()
            machine.enter("/model 1")
            said = " ".join(machine.wait_for("\n> ", error_allowed=True).split())
            assert re.fullmatch(rf"Error: {GONE[medium]} >", said), said
            assert machine.clock() - begun < 10
            machine.enter("The cat")
            machine.tells(expected("The cat", seed=seed))
        if medium == "usb-xhci":
            plug_in(machine, IMAGE)
            machine.enter("/model 1")
            machine.wait_for("Model: ")
