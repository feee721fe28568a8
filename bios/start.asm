; From real mode to C.
;
; Entered from loader.asm in real mode with DL = boot drive, SS = 0. Asks whether there is memory for what follows
; (error M), switches to 32-bit protected mode with flat segments, unpacks the program (stage2.c; error U), clears bss
; and calls bios_main(drive) in main.c on the stack below STACK_TOP. A20 is still as the BIOS left it (stage 2 lies
; below 1 MiB; main.c sees to it), interrupts are off, all vectors are the BIOS's.

%include "layout.inc"
%include "modes.inc"

        bits 16
        cpu 386
        section .text16

extern loader_fail, stage2_unpack, bios_main, bss_start, bss_end
global start, gdt_pointer

start:  push dx
        int 12h                     ; KiB of memory below the EBDA
        pop dx
        cmp ax, LOW_MEMORY_KIB
        mov al, 'M'
        jb loader_fail
        cli
        cld
        xor ax, ax
        mov ds, ax
        movzx ebx, dl
        enter_protected_mode
        mov esp, STACK_TOP
        call stage2_unpack          ; keeps EBX
        test al, al
        jz unpack_failed
        mov edi, bss_start
        mov ecx, bss_end
        sub ecx, edi
        shr ecx, 2
        xor eax, eax
        rep stosd
        xor ebp, ebp                ; the end of a debugger's backtrace
        mov eax, ebx                ; arguments in registers: bios.mk
        call bios_main              ; does not return

unpack_failed:
        leave_protected_mode
        mov sp, REAL_STACK_TOP
        sti
        mov al, 'U'
        jmp loader_fail

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
