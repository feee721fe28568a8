; The start and the parking place of the other processors.
;
; Entered by each of them, through the far jump at TRAMPOLINE, after a start-up message of the first processor: real
; mode, CS = 0, interrupts off, all else undefined, caches possibly off. Switches to flat 32-bit protected mode with
; the first one's descriptor tables, takes a number and the stack of that number, and calls processors_enter(number) in
; processors.c. A processor that returns from there, or is too late for a number, halts with interrupts off until it is
; reset again. Below 1 MiB it touches only stage 2 itself, because the first processor may be in the BIOS at the time.

%include "layout.inc"
%include "modes.inc"

        bits 16
        cpu 486
        section .text16

extern gdt_pointer, processors_arrived, processors_limit, processors_stacks, processors_vectors, processors_enter
global processors_entry

%define CACHES_ON 9FFFFFFFh         ; CR0.CD and NW off

processors_entry:
        cli
        cld
        xor ax, ax
        mov ds, ax
        enter_protected_mode
        mov eax, cr0
        and eax, CACHES_ON
        mov cr0, eax
        mov esp, parked
        lidt [processors_vectors]
        mov eax, 1
        lock xadd [processors_arrived], eax
        inc eax                     ; numbers from 1 on
        cmp eax, [processors_limit]
        ja park
        imul ecx, eax, PROCESSOR_STACK
        add ecx, [processors_stacks]
        mov esp, ecx
        xor ebp, ebp                ; the end of a debugger's backtrace
        call processors_enter       ; number in EAX: bios.mk
park:   mov esp, parked             ; for an NMI: a stack with no other use
        cli
.halt:  hlt
        jmp .halt

        section .bss
        resb 256
parked:
