; build/bootllama.krn: what a loader of Linux kernels starts, with a model as its initrd and settings as command line.
;
; The file is linux_setup.bin (see linux_setup.asm for the protocol) and what the loader puts at LINUX_ADDRESS: the code
; here, linux_setup.bin again, because a loader that starts in protected mode leaves it out, and stage 2. Only such a
; loader (GRUB's "linux") enters here: flat segments, interrupts off, paging off, ESI = its parameters, with the header
; from byte 1F1h on. linux_setup.asm runs next, in real mode. If the parameters say UEFI, there is no BIOS to go on
; with: one line on COM1, some ten seconds, and the machine starts again.

%include "layout.inc"

%define UEFI_SIGNATURE 1C0h         ; in the parameters: 0 from a BIOS
%define HEADER 1F1h
%define HEADER_END 22Ch             ; up to the command line's pointer

        cpu 386
        section .setup start=0
        incbin "linux_setup.bin"

        section .head follows=.setup vstart=LINUX_ADDRESS
        bits 32
        cld
        mov ebx, esi
        cmp dword [ebx + UEFI_SIGNATURE], 0
        jne no_bios
        mov esi, setup
        mov edi, BOOT_ADDRESS
        mov ecx, 1024 / 4
        rep movsd
        lea esi, [ebx + HEADER]
        mov edi, BOOT_ADDRESS + HEADER
        mov ecx, HEADER_END - HEADER
        rep movsb
        mov eax, LINUX_SETUP_FLAT
        jmp eax

%define COM1 3F8h
%define LINE_STATUS COM1 + 5
%define CAN_SEND 20h
%define DELAY_PORT 80h              ; about a microsecond by each read
%define RESET_PORT 0CF9h
%define RESET_FULL 6
%define KBC_COMMAND 64h
%define KBC_RESET 0FEh

no_bios:
        mov esi, needs_bios
.next:  mov ecx, 100000
        mov dx, LINE_STATUS
.busy:  in al, dx
        test al, CAN_SEND
        loopz .busy
        mov dx, COM1
        lodsb
        out dx, al
        test al, al
        jnz .next
        mov ecx, 10000000
.read:  in al, DELAY_PORT
        loop .read
        mov al, RESET_FULL
        mov dx, RESET_PORT
        out dx, al
        mov al, KBC_RESET
        out KBC_COMMAND, al
.halt:  hlt
        jmp .halt

needs_bios:
        db 13, 10, "bootllama.krn needs a BIOS. Under UEFI start BOOTX64.EFI instead.", 13, 10, 0

        times 512 - ($ - $$) db 0
setup:  incbin "linux_setup.bin"
        incbin "stage2.bin"
