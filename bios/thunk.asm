; A call from protected mode into real mode: void thunk_call(struct bios_regs *regs), for real_mode.c alone. The
; argument is in EAX (bios.mk).
;
; The frame (laid out as struct bios_regs) is copied to the top of the real-mode stack and popped into the registers.
; Its target is entered as by INT: flags and return address on the stack, interrupts off. When the target returns, by
; IRET or RETF 2, the registers are pushed into the same place and copied back. Interrupts must be off; GDT, IDT,
; segments, CR0 and the direction flag are preserved.

%include "layout.inc"
%include "modes.inc"

%define FRAME_BYTES 44
%define FRAME (REAL_STACK_TOP - FRAME_BYTES)
%define SAVED_EAX 28                ; on the stack after pushad
%define OWED_TICKS (FRAME + 42)     ; the frame's last word

        section .text16

extern gdt_pointer
global thunk_call, thunk_return, thunk_print, thunk_idle

        bits 32
        cpu 386
thunk_call:
        pushad
        mov esi, eax
        mov edi, FRAME
        mov ecx, FRAME_BYTES / 4
        cld
        rep movsd
        sidt [saved_idt]
        mov [saved_esp], esp
        mov eax, cr0
        mov [saved_cr0], eax
        lidt [real_idt]
        leave_protected_mode
        mov esp, FRAME
.ticks: cmp word [OWED_TICKS], 0    ; timer interrupts counted in protected mode: the BIOS gets them now
        je .enter
        dec word [OWED_TICKS]
        int 8
        cli
        jmp .ticks
.enter: pop ds
        pop es
        pop edi
        pop esi
        pop ebp
        pop ebx
        pop edx
        pop ecx
        pop eax
        retf                        ; to the target; the frame's return address is thunk_return

thunk_return:
        pushf                       ; the slots of the frame from its end
        cli
        cld
        sub sp, 8                   ; return address and target
        push eax
        push ecx
        push edx
        push ebx
        push ebp
        push esi
        push edi
        push es
        push ds
        xor ax, ax
        mov ds, ax
        enter_protected_mode
        mov esp, [saved_esp]
        mov eax, [saved_cr0]
        mov cr0, eax
        lidt [saved_idt]
        mov esi, FRAME
        mov edi, [esp + SAVED_EAX]
        mov ecx, FRAME_BYTES / 4
        rep movsd
        popad
        ret

; A target of thunk_call: writes CX characters at DS:SI to the screen, in one trip to real mode.
        bits 16
thunk_print:
        sti
.next:  lodsb
        pusha                       ; INT 10h is known to change BP and more
        push ds
        mov ah, 0Eh
        mov bx, 7
        int 10h
        pop ds
        popa
        loop .next
        iret

; A target of thunk_call, with DS = 0: halts until an interrupt; with CL = 3 or 4 also until one of the serial port on
; that IRQ, with CL = 0 not. That IRQ is unmasked only here and only ends the halt; the byte that it signals is read
; later. Its handler masks it again, because a line that stays active would interrupt forever.
%define PIC1 20h
%define PIC1_MASK 21h
%define END_OF_INTERRUPT 60h        ; OCW2: specific end of interrupt, + its number
%define VECTOR_IRQ0 (8 * 4)
thunk_idle:
        mov ah, 1
        shl ah, cl                  ; bit of the IRQ in the mask
        test cl, cl
        jnz .serial
        sti
        hlt
        iret

.serial:
        movzx bx, cl
        shl bx, 2
        push dword [bx + VECTOR_IRQ0]
        mov word [bx + VECTOR_IRQ0], .wake
        mov word [bx + VECTOR_IRQ0 + 2], 0
        in al, PIC1_MASK
        mov ch, al
        and ch, ah                  ; the bit as the BIOS left it
        not ah
        and al, ah
        not ah
        out PIC1_MASK, al
        sti
        hlt                         ; other handlers keep the registers
        cli
        in al, PIC1_MASK
        not ah
        and al, ah
        or al, ch
        out PIC1_MASK, al
        pop dword [bx + VECTOR_IRQ0]
        iret
.wake:  push ax
        in al, PIC1_MASK
        or al, ah
        out PIC1_MASK, al
        mov al, cl
        or al, END_OF_INTERRUPT
        out PIC1, al
        pop ax
        iret

        align 4
real_idt:
        dw 3FFh
        dd 0

        section .bss
saved_esp: resd 1
saved_cr0: resd 1
saved_idt: resb 6
