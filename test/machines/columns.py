"""What a machine of the matrix is made of: columns, their values without spaces, rules about what never goes together.

A row is a dictionary from column to value. A new medium is a line of MEDIA here and one of MEDIA in boot/machine.py.
"""
from collections import namedtuple

# ---- Firmware ----

# Names in the table; those in QEMU are firmware of boot/machine.py.
QEMU = {"SeaBIOS": "bios", "OVMF": "uefi", "OVMF-IA32": "uefi32", "OVMF-secboot": "secboot", "U-Boot": "u-boot",
        "U-Boot-IA32": "u-boot32"}
BIOS = {"SeaBIOS", "Bochs", "v86"}
OVMF = {"OVMF", "OVMF-IA32", "OVMF-secboot"}
SMM = {"OVMF-IA32", "OVMF-secboot"}  # need system management mode, in which all processors wait for each other
U_BOOT = {"U-Boot", "U-Boot-IA32"}
UEFI64 = {"OVMF", "OVMF-secboot", "U-Boot"}
FIRMWARE = [*QEMU, "Bochs", "v86"]

# ---- Media: names of boot/machine.py, and who starts from them ----

# Debian's U-Boot has no driver for xHCI, OHCI, UHCI and SCSI; on a q35 it waits minutes for IDE before it tries NVMe.
ANY, ON_QEMU, PC = set(FIRMWARE), set(QEMU), set(QEMU) - U_BOOT
MEDIA = {
    "ide": ANY,
    "isa": {"SeaBIOS"},  # an IDE disk on a machine without PCI
    "ide-q35": PC,
    "ahci": ON_QEMU,
    "usb-uhci": OVMF,  # on SeaBIOS a transfer hangs now and then: see boot/test_media.py
    "usb-ohci": {"SeaBIOS"},
    "usb-ehci": ON_QEMU,
    "usb-xhci": PC,
    "card-reader": PC,
    "nvme": PC,
    "virtio": ON_QEMU,
    "virtio-scsi": PC,
    "scsi-lsi": {"SeaBIOS"},  # Debian's OVMF has none of the drivers from here on
    "scsi-am53c974": {"SeaBIOS"},
    "scsi-mptsas": {"SeaBIOS"},
    "scsi-megasas": {"SeaBIOS"},
    "scsi-megasas2": {"SeaBIOS"},
    "scsi-vmware": {"SeaBIOS"},
    "sd-card": {"SeaBIOS"},
    "floppy": {"SeaBIOS"},  # 1.44 MB in a drive for 2.88
    "floppy-1.44": BIOS,
    "isa-floppy": {"SeaBIOS"},
    "cd": PC,
    "cd-ahci": PC,
    "cd-scsi": PC,
    "cd-usb": PC,
    "kernel": {"SeaBIOS"},  # QEMU's -kernel and -initrd; not in boot/machine.py
}
CDS = {"cd", "cd-ahci", "cd-scsi", "cd-usb"}
FLOPPIES = {"floppy", "floppy-1.44", "isa-floppy"}
ISA = {"isa", "isa-floppy"}
Q35 = {"ahci", "ide-q35", "usb-xhci", "card-reader", "nvme", "virtio", "virtio-scsi", "scsi-megasas2", "sd-card",
       "cd-ahci", "cd-usb"}

# ---- Processors ----

# qemu: its -cpu. bochs: its cpu: model. None: that emulator has no such processor. bits: 64 with long mode.
# apic: whether its local APIC can be asked where it is, as several processors need.
Cpu = namedtuple("Cpu", "qemu bochs bits sse2 apic")
CPUS = {
    "486": Cpu("486", None, 32, False, False),
    "486-level-0": Cpu("486,level=0", None, 32, False, False),  # CPUID has leaf 0 alone; no emulator here lacks it
    "Pentium": Cpu("pentium", "pentium", 32, False, False),
    "Pentium-MMX": Cpu(None, "pentium_mmx", 32, False, False),
    "K6-2": Cpu(None, "amd_k6_2_chomper", 32, False, False),
    "Pentium-II": Cpu("pentium2", "p2_klamath", 32, False, True),
    "Pentium-III": Cpu("pentium3", "p3_katmai", 32, False, True),
    "Athlon": Cpu("athlon", None, 32, True, True),  # QEMU's has SSE2, AMD's has not
    "Pentium-4": Cpu(None, "p4_willamette", 32, True, True),
    "Core-Duo": Cpu("coreduo", "core_duo_t2400_yonah", 32, True, True),
    "Atom": Cpu("n270", "atom_n270", 32, True, True),
    "qemu32": Cpu("qemu32", None, 32, True, True),
    "qemu64": Cpu("qemu64", None, 64, True, True),
    "Athlon-64": Cpu("Opteron_G1", "athlon64_clawhammer", 64, True, True),
    "Phenom": Cpu("phenom", "phenom_8650_toliman", 64, True, True),
    "Core-2": Cpu("core2duo", "core2_penryn_t9600", 64, True, True),
    "Nehalem": Cpu("Nehalem", "corei5_lynnfield_750", 64, True, True),
    "Sandy-Bridge": Cpu("SandyBridge", "corei7_sandy_bridge_2600k", 64, True, True),
    "Bulldozer": Cpu("Opteron_G4", "zambezi", 64, True, True),
    "Haswell": Cpu("Haswell", "corei7_haswell_4770", 64, True, True),
    "Denverton": Cpu("Denverton", None, 64, True, True),
    "Zen": Cpu("EPYC", "ryzen", 64, True, True),
    "Skylake-X": Cpu("Skylake-Server", "corei7_skylake_x", 64, True, True),
    "Ice-Lake": Cpu("Icelake-Server", "corei7_icelake_u", 64, True, True),
    "Tiger-Lake": Cpu(None, "tigerlake", 64, True, True),
    "newest": Cpu("max", None, 64, True, True),
    "no-XSAVE": Cpu("max,-xsave", None, 64, True, True),
    "no-AVX2": Cpu("max,-avx2", None, 64, True, True),
    "no-SSE2": Cpu("max,-sse2,-avx,-avx2", None, 32, False, True),
    "no-APIC": Cpu("max,-apic", None, 64, True, False),
    "no-TSC": Cpu("max,-tsc", None, 64, True, True),
    "CPUID-to-4": Cpu("Haswell,level=4", None, 64, True, True),
    "v86": Cpu(None, None, 32, True, True),  # its own
}

X2APIC = {"Haswell", "Skylake-X", "Ice-Lake", "Tiger-Lake"}  # of Bochs

# ---- Memory: MiB, and what of it is below 4 GiB, the rest being above a hole; None: as the chipset has it ----

BELOW_Q35, BELOW_PC = 2048, 3072  # of 3584 MiB and more
Memory = namedtuple("Memory", "mib below")
MEMORY = {
    "1": Memory(1, None),
    "2": Memory(2, None),
    "4": Memory(4, None),
    "5": Memory(5, None),
    "16": Memory(16, None),
    "67": Memory(67, None),
    "128": Memory(128, None),
    "256": Memory(256, None),
    "1024": Memory(1024, None),
    "3584": Memory(3584, None),  # more than a q35 has below its hole
    "4096": Memory(4096, None),
    "8192": Memory(8192, None),
    "32+224": Memory(256, 32),
    "256+1792": Memory(2048, 256),
}

# ---- Number of processors: QEMU's -smp, and how many there are ----

# QEMU's emulator knows x2APIC mode since 9.0 alone; in Bochs a ROM switches it on, as firmware does.

Processors = namedtuple("Processors", "smp number")
PROCESSORS = {
    "1": Processors("1", 1),
    "2": Processors("2", 2),
    "3": Processors("3", 3),
    "4-sockets": Processors("4,sockets=4", 4),
    "8-threads": Processors("8,sockets=2,cores=2,threads=2", 8),
    "16": Processors("16", 16),
    "2-x2APIC": Processors(None, 2),
    "2-of-24": Processors("2,sockets=4,cores=3,threads=2,maxcpus=24", 2),  # sockets without one, APIC IDs with gaps
}

# ---- Display adapter ----

DISPLAYS = {
    "VGA": ["-vga", "std"],
    "Cirrus": ["-vga", "cirrus"],
    "VMware": ["-vga", "vmware"],
    "QXL": ["-vga", "qxl"],
    "virtio-vga": ["-vga", "virtio"],
    "frame-buffer": ["-vga", "none", "-device", "bochs-display"],  # PCI without VGA's registers and text memory
    "ramfb": ["-vga", "none", "-device", "ramfb"],  # one that only the firmware knows
    "none": ["-vga", "none"],
}
WITHOUT_TEXT_MEMORY = {"frame-buffer", "ramfb"}
ON_ISA = {"VGA", "Cirrus", "none"}
BOCHS_DISPLAYS = {"VGA": "vbe", "Cirrus": "cirrus"}  # its vga: extension

COLUMNS = {
    "firmware": FIRMWARE,
    "medium": list(MEDIA),
    "cpu": list(CPUS),
    "memory": list(MEMORY),
    "processors": list(PROCESSORS),
    "display": list(DISPLAYS),
    "serial": ["COM1", "none"],
}

# ---- Rules: columns, what never goes together, and why ----

Rule = namedtuple("Rule", "columns forbids why")


def emulates(firmware, cpu):
    """Whether the emulator that has this firmware has this processor."""
    if firmware == "Bochs":
        return CPUS[cpu].bochs is not None
    if firmware == "v86":
        return cpu == "v86"
    return CPUS[cpu].qemu is not None


def least_memory(firmware):
    """MiB with which the firmware itself starts a program and leaves it some: OVMF takes 64, and more with SMM."""
    return {"SeaBIOS": 1, "Bochs": 4, "v86": 4}.get(firmware, 128 if firmware in SMM else 67)


RULES = [
    Rule("firmware medium", lambda firmware, medium: firmware not in MEDIA[medium],
         "the firmware has no driver for the medium, or the emulator no such hardware"),
    Rule("firmware medium", lambda firmware, medium: firmware in SMM and medium not in Q35,
         "EDK II has system management mode on q35 alone"),
    Rule("firmware cpu", lambda firmware, cpu: not emulates(firmware, cpu), "the emulator has no such processor"),
    Rule("firmware cpu", lambda firmware, cpu: firmware in UEFI64 and CPUS[cpu].bits == 32,
         "UEFI for x86-64 starts in long mode"),
    Rule("firmware cpu", lambda firmware, cpu: firmware in OVMF | U_BOOT and not CPUS[cpu].apic,
         "this UEFI firmware needs a local APIC"),
    Rule("firmware cpu", lambda firmware, cpu: firmware == "OVMF-IA32" and cpu == "Pentium-II",
         "this UEFI firmware needs SSE"),
    Rule("firmware cpu processors", lambda firmware, cpu, processors: firmware == "U-Boot-IA32" and
         not CPUS[cpu].sse2 and PROCESSORS[processors].number == 1,
         "alone, the processor comes to an mfence of U-Boot, which is an instruction of SSE2"),
    Rule("firmware memory", lambda firmware, memory: MEMORY[memory].mib < least_memory(firmware),
         "the firmware does not start with less, or leaves too little"),
    Rule("firmware memory", lambda firmware, memory: firmware not in {"SeaBIOS"} and MEMORY[memory].below == 32,
         "the firmware needs more below its hole"),
    Rule("firmware memory", lambda firmware, memory: firmware in {"Bochs", "v86"} and
         (MEMORY[memory].below or MEMORY[memory].mib > 1024), "the emulator has no holes and no more memory"),
    Rule("firmware processors", lambda firmware, processors: firmware == "v86" and processors != "1",
         "v86 has one processor"),
    Rule("firmware processors", lambda firmware, processors: firmware == "Bochs" and processors not in
         {"1", "2", "4-sockets", "2-x2APIC"}, "Bochs is slow with many, and has no sockets without one"),
    Rule("firmware processors", lambda firmware, processors: firmware != "Bochs" and processors == "2-x2APIC",
         "no other emulator here has the mode"),
    Rule("cpu processors", lambda cpu, processors: processors == "2-x2APIC" and cpu not in X2APIC,
         "Bochs has no such mode in this processor"),
    Rule("firmware processors", lambda firmware, processors: firmware in SMM and PROCESSORS[processors].number > 2,
         "each further processor takes half a minute"),
    Rule("firmware display", lambda firmware, display: firmware == "v86" and display != "VGA", "v86 has a VGA"),
    Rule("firmware display", lambda firmware, display: firmware == "Bochs" and display not in BOCHS_DISPLAYS,
         "Bochs has these two"),
    Rule("firmware serial", lambda firmware, serial: firmware in U_BOOT | {"v86"} and serial == "none",
         "U-Boot takes what a port that is not there says for a key; v86 always has COM1"),
    Rule("firmware display", lambda firmware, display: firmware in U_BOOT and display in {"ramfb"},
         "U-Boot has no driver for it"),
    Rule("firmware medium display", lambda firmware, medium, display: firmware in U_BOOT and medium == "virtio" and
         display in {"frame-buffer", "none"},
         "without a VGA the disk is in slot 1, and U-Boot takes what is there for the south bridge of an i440FX"),
    Rule("display serial", lambda display, serial: display == serial == "none", "nothing shows the text"),
    Rule("medium memory", lambda medium, memory: medium == "kernel" and MEMORY[memory].mib < 4,
         "QEMU's loader needs room for the files"),
    Rule("medium memory", lambda medium, memory: memory == "1" and medium not in {"ide", "ide-q35", "isa", "scsi-lsi"},
         "SeaBIOS has no memory for the other drivers"),
    Rule("memory display", lambda memory, display: display in WITHOUT_TEXT_MEMORY and MEMORY[memory].mib < 16,
         "SeaBIOS has no memory for the picture"),
    Rule("medium processors", lambda medium, processors: medium in ISA and processors != "1",
         "a machine with an ISA bus alone has one processor"),
    Rule("medium cpu processors", lambda medium, cpu, processors: medium in FLOPPIES and not CPUS[cpu].apic and
         PROCESSORS[processors].number > 1,
         "QEMU gives several processors without a local APIC no interrupt, which SeaBIOS waits for at a floppy drive"),
    Rule("medium display", lambda medium, display: medium in ISA and display not in ON_ISA, "it needs PCI"),
    Rule("medium memory", lambda medium, memory: medium in ISA and
         (MEMORY[memory].below or MEMORY[memory].mib > 1024), "a machine with an ISA bus alone has no 64-bit memory"),
    Rule("medium memory", lambda medium, memory: medium in ISA and memory == "2",
         "without tables for PCI there is just room for a context of 64: the story's beginning"),
]

# ---- What a machine says ----

Refusal = namedtuple("Refusal", "columns happens line")
REFUSALS = [
    Refusal("memory", lambda memory: memory == "1", "Error: the BIOS reports no memory above 1 MiB."),
    Refusal("memory", lambda memory: memory == "2", "Error: {model}: the model needs 1 MiB of memory even with a "
            "context of 64, 0 MiB are free; choose a smaller model"),
    Refusal("firmware cpu", lambda firmware, cpu: firmware in OVMF | U_BOOT and not CPUS[cpu].sse2,
            "Error: this processor has no SSE2, which bootllama needs under UEFI."),
]


def holds(rule, row, test):
    """Whether the rule's test is true of the row, which may lack columns: then it is not."""
    columns = rule.columns.split()
    return all(column in row for column in columns) and test(*(row[column] for column in columns))


def allowed(row):
    """False for a row, or part of one, that breaks a rule."""
    return not any(holds(rule, row, rule.forbids) for rule in RULES)


def quick(row):
    """False for a row, or part of one, that is left to the whole matrix."""
    return row.get("firmware") not in SMM or row.get("processors", "1") == "1"


def refusal(row):
    """The line with which the program refuses this machine, None where it tells its story; also of a part of a row."""
    return next((rule.line for rule in REFUSALS if holds(rule, row, rule.happens)), None)


def processors(row):
    """The number that the program finds. One where there is no way to find others: no local APIC, no services."""
    alone = row["firmware"] in U_BOOT or not CPUS[row["cpu"]].apic
    return 1 if alone else PROCESSORS[row["processors"]].number


def free_memory(row):
    """The least and the most MiB of which the program finds one piece free: all on one side of the hole, without what
    the firmware takes. Only 64-bit code uses what is above the hole; U-Boot keeps it to itself."""
    memory = MEMORY[row["memory"]]
    chipset = memory.mib if memory.mib < 3584 else BELOW_Q35 if row["medium"] in Q35 else BELOW_PC
    below = memory.below or chipset
    most = max(below, memory.mib - below) if row["firmware"] in UEFI64 - U_BOOT else below
    return most - (8 if row["firmware"] in BIOS else 128), most
