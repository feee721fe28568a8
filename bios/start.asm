; From real mode to C.
;
; Entered from loader.asm in real mode with DL = boot drive, EDI = LBA of the boot sector, SS = 0, and all of stage 2
; loaded. Switches to 32-bit protected mode with flat segments, clears bss and calls bios_main(drive, origin) in main.c
; on the stack below STACK_TOP. A20 is still as the BIOS left it (stage 2 lies below 1 MiB; main.c switches A20 on),
; interrupts are off, all vectors are the BIOS's.

%include "layout.inc"
%include "modes.inc"

        bits 16
        cpu 386
        section .text16

extern bios_main, bss_start, bss_end
global start, start_given, gdt_pointer

start:  xor esi, esi                ; nothing is given
start_given:
        cli
        cld
        xor ax, ax
        mov ds, ax
        movzx ebx, dl
        enter_protected_mode
        mov esp, STACK_TOP
        mov edx, edi
        mov edi, bss_start
        mov ecx, bss_end
        sub ecx, edi
        shr ecx, 2
        xor eax, eax
        rep stosd
        xor ebp, ebp                ; the end of a debugger's backtrace
        mov eax, ebx                ; arguments in registers: bios.mk
        mov ecx, esi
        call bios_main              ; does not return

; The "accessed" bits are set, so that the processor never writes to this page, which holds code.
        align 8
gdt:    dq 0
        dq 00CF9B000000FFFFh        ; code, 32 bit, 4 GiB
        dq 00CF93000000FFFFh        ; data, 32 bit, 4 GiB
        dq 00009B000000FFFFh        ; code, 16 bit, 64 KiB, for the way back to real mode
        dq 000093000000FFFFh        ; data, 16 bit, 64 KiB
gdt_pointer:
        dw $ - gdt - 1
        dd gdt
