; The entry points of interrupts in protected mode: 32 vectors for fault.c's table.
;
; Entered by the processor through the IDT, interrupts off. The interrupt controllers keep the BIOS's vectors, so
; vector 8 is both the timer's interrupt and the double fault, and 0Fh a spurious interrupt. Exceptions go to
; fault_show(struct fault_frame *), which does not return. Nothing here touches the x87 or SSE state.

        bits 32
        cpu 386
        section .text

extern fault_show, clock_owed_ticks
global vector_table

%define PIC1 20h
%define READ_IN_SERVICE 0Bh         ; OCW3: the next read gives the interrupts being served
%define END_OF_TIMER 60h            ; OCW2: specific end of interrupt 0

; %1 = vector. The processor pushes an error code for some; the others get a 0 in its place.
%macro exception 1
vector_%1:
    %if !(%1 = 8 || (%1 >= 10 && %1 <= 14) || %1 = 17 || %1 = 21 || %1 = 29 || %1 = 30)
        push dword 0
    %endif
        push dword %1
        jmp fault
%endmacro

%assign vector 0
%rep 32
    %if vector <> 8 && vector <> 15
        exception vector
    %endif
    %assign vector vector + 1
%endrep

vector_8:
        push eax
        mov al, READ_IN_SERVICE
        out PIC1, al
        in al, PIC1
        test al, 1
        jz .double_fault
        inc dword [clock_owed_ticks]
        mov al, END_OF_TIMER
        out PIC1, al
        pop eax
        iretd
.double_fault:
        pop eax
        push dword 8
        jmp fault

vector_15:
        iretd

; Stack: vector, error code, EIP, CS, EFLAGS.
fault:  pushad
        cld
        mov eax, esp
        and esp, -16
        call fault_show             ; argument in EAX: bios.mk

        section .rodata
        align 4
vector_table:
%assign vector 0
%rep 32
    %assign number vector
        dd vector_ %+ number
    %assign vector vector + 1
%endrep
