"""ROMs whose code the BIOS calls before it boots: less memory, drives that fail, APICs in another mode."""
import subprocess


def option_rom(path, code):
    """QEMU's options for a ROM of one block with this code, which returns far."""
    rom = bytearray((b"\x55\xaa\x01" + code).ljust(512, b"\0"))
    rom[-1] = -sum(rom) % 256
    path.write_bytes(rom)
    return ["-option-rom", path]


def assembled(folder, source, **names):
    """The code that NASM makes of a source with these names defined."""
    text, binary = folder / "rom.asm", folder / "rom.bin"
    text.write_text(source)
    definitions = [f"-D{name}={value}" for name, value in names.items()]
    subprocess.run(["nasm", "-f", "bin", *definitions, "-o", binary, text], check=True)
    return binary.read_bytes()


TAKE_MEMORY = bytes.fromhex("1e 6a40 1f c7061300 ff01 1f cb")  # 0040:0013 = 511, what INT 12h returns; far return


def takes_int_13h(hook, setup=""):
    """Code for NASM that puts INT 13h's old vector to INT 60h and sets its own to `hook`. setup runs with DS = 0."""
    return f"""
        bits 16
        cpu 386
        org 3
        pushad
        push ds
        push word 0
        pop ds
        mov eax, [13h * 4]
        mov [60h * 4], eax
        mov word [13h * 4], hook
        mov [13h * 4 + 2], cs
{setup}        pop ds
        popad
        retf
hook:{hook}"""


# Reads of drive 0 by CHS that include one sector fail COUNT times; 0040:00F0, where no BIOS keeps anything, counts
# them.
FAILING_FLOPPY = takes_int_13h(setup="        mov byte [4F0h], COUNT\n", hook="""
        push ds
        push word 0
        pop ds
        push bx
        mov bh, cl
        add bh, al
        cmp ah, 2
        jne .pass
        cmp dl, 0
        jne .pass
        cmp ch, CYLINDER
        jne .pass
        cmp dh, HEAD
        jne .pass
        cmp cl, SECTOR
        ja .pass
        cmp bh, SECTOR
        jbe .pass
        cmp byte [4F0h], 0
        je .pass
%if COUNT != 0FFh
        dec byte [4F0h]
%endif
        pop bx
        pop ds
        mov ah, STATUS
        sti
        stc
        retf 2
.pass:  pop bx
        pop ds
        int 60h
        sti
        retf 2
""")
ALWAYS = 255


def failing_floppy(folder, lba, count=ALWAYS, status=0x10):
    """QEMU's options for a floppy drive for 1.44 MB that fails to read a sector so often, with this status of
    INT 13h."""
    track, number = divmod(lba, 18)
    code = assembled(folder, FAILING_FLOPPY, CYLINDER=track // 2, HEAD=track % 2, SECTOR=number + 1, COUNT=count,
                     STATUS=status)
    return option_rom(folder / "rom", code)


# Puts the first processor's APIC into x2APIC mode, as firmware does on large servers; halts where there is no such
# mode. Source: Intel SDM vol. 3 ch. 11.12.1 (MSR 1Bh).
X2APIC = """
        bits 16
        cpu 686
        org 3
        pushad
        mov ecx, 1Bh
        rdmsr
        or ah, 4
        wrmsr
        rdmsr
        test ah, 4
        jz $
        popad
        retf
"""
