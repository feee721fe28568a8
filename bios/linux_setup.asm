; The real-mode part of bootllama.krn: puts stage 2 where the boot sector and the loader would.
;
; Loaded by a loader of Linux kernels, by the Linux/x86 boot protocol 2.06 (Documentation/arch/x86/boot.rst in Linux's
; sources): two sectors, anywhere below 1 MiB, entered in real mode at byte 200h with CS - 20h = the segment of byte 0,
; interrupts off. The rest of the file, linux.asm, lies at LINUX_ADDRESS. A loader that starts in protected mode enters
; that; it copies these sectors to BOOT_ADDRESS and enters LINUX_SETUP_FLAT. Either way the loader has filled the
; header: address and size of the initrd, command line.
;
; Both ways go on at BOOT_ADDRESS. The initrd's place and the command line go to LINUX_BOOT, stage 2 to STAGE2_ADDRESS:
; the BIOS copies it (INT 15h, function 87h), whatever A20 is. If its checksum is right, start_given (start.asm) runs,
; with DL = 80h, EDI = 0, ESI = LINUX_BOOT, SS = 0. Sector 0 is boot.bin but for the header: the error letters and the
; checksum are its services. STAGE2_SECTORS, STAGE2_SUM, START_GIVEN and VERSION come from the build.

%include "layout.inc"
%include "modes.inc"

%define COMMAND_LINE_LIMIT 0A0000h  ; it lies below
%define MOVE_BYTES 8000h            ; by one call of the BIOS

        bits 16
        cpu 386
        org BOOT_ADDRESS

        incbin "boot.bin", 0, 1B8h
        times 1F1h - ($ - $$) db 0
        db 1                        ; setup_sects: without the first one
        dw 0
        dd (LINUX_HEAD_BYTES + STAGE2_SECTORS * 512) / 16 ; syssize: the rest of the file
        times 1FEh - ($ - $$) db 0
        dw 0AA55h
        jmp short from_real
        db "HdrS"
        dw 0206h                    ; version
        dd 0                        ; realmode_swtch
        dw 0
        dw version - $$ - 200h      ; kernel_version
        db 0                        ; type_of_loader
        db 1                        ; loadflags: the rest at 1 MiB
        dw 0
        dd LINUX_ADDRESS            ; code32_start
initrd: dd 0, 0                     ; ramdisk_image, ramdisk_size
        dd 0
        dw 0, 0                     ; heap_end_ptr, none needed
command_line:
        dd 0                        ; cmd_line_ptr
        dd 0FFFEFFFFh               ; initrd_addr_max: at the end of memory it splits none of it
        dd LINUX_ADDRESS            ; kernel_alignment
        dd 0                        ; relocatable_kernel
        dd COMMAND_LINE_BYTES - 1   ; cmdline_size

from_real:
        cld
        mov ax, cs
        sub ax, 20h
        mov ds, ax
        xor ax, ax
        mov es, ax
        xor si, si
        mov di, BOOT_ADDRESS
        mov cx, 1024 / 2
        rep movsw
        jmp 0:gather

        times LINUX_SETUP_FLAT - BOOT_ADDRESS - ($ - $$) nop
        bits 32
        lgdt [gdt_16_pointer]
        lidt [real_idt]
        leave_protected_mode

gather: xor ax, ax
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov sp, REAL_STACK_TOP
        sti
        mov si, initrd
        mov di, LINUX_BOOT
        movsd
        movsd
        mov ebx, [command_line]
        lea eax, [ebx - 1]          ; a pointer of 0 is none
        cmp eax, COMMAND_LINE_LIMIT - 1
        mov al, 0
        jae .end
        mov si, bx
        and si, 15
        shr ebx, 4
        mov ds, bx
        mov cx, COMMAND_LINE_BYTES - 1
.copy:  lodsb
        stosb
        test al, al
        loopnz .copy
        mov al, 0
.end:   stosb
        xor ax, ax
        mov ds, ax

        mov si, version
        mov cx, 9                   ; "bootllama"
.print: lodsb
        push si
        push cx
        mov ah, 0Eh
        mov bx, 7
        int 10h
        pop cx
        pop si
        loop .print
        int 12h                     ; KiB of memory below the EBDA
        cmp ax, LOW_MEMORY_KIB
        mov al, 'M'
        jb .fail

        mov edi, STAGE2_ADDRESS
.move:  pushad
        push dword 0                ; the BIOS's descriptors, from the last one down
        push dword 0
        push dword 0
        push dword 0
        call push_descriptor
        add edi, LINUX_ADDRESS + LINUX_HEAD_BYTES - STAGE2_ADDRESS
        call push_descriptor
        push dword 0
        push dword 0
        push dword 0
        push dword 0
        mov si, sp
        mov cx, MOVE_BYTES / 2
        mov ah, 87h
        int 15h
        lea sp, [esp + 48]
        popad
        mov al, 'R'
        jc .fail
        add edi, MOVE_BYTES
        cmp edi, STAGE2_ADDRESS + STAGE2_SECTORS * 512
        jb .move

        mov cx, STAGE2_SECTORS
        mov bp, STAGE2_ADDRESS >> 4
        mov ax, BOOT_SUM
        call ax
        cmp ebx, STAGE2_SUM
        mov al, 'S'
        jne .fail
        mov dl, 80h
        xor edi, edi
        mov esi, LINUX_BOOT
        mov ax, START_GIVEN
        jmp ax

.fail:  mov cx, BOOT_FAIL
        jmp cx

; Pushes the descriptor of writable data at EDI, below 16 MiB. Changes AX, EBX, EDX.
push_descriptor:
        pop ax
        mov ebx, edi
        shr ebx, 16
        mov bh, 93h
        push ebx
        mov edx, edi
        shl edx, 16
        dec dx                      ; a limit of FFFFh
        push edx
        jmp ax

        align 4
gdt_16: dq 0
        dq 0
        dq 0
        dq 00009B000000FFFFh        ; SELECTOR_CODE16
        dq 000093000000FFFFh        ; SELECTOR_DATA16
gdt_16_pointer:
        dw $ - gdt_16 - 1
        dd gdt_16
real_idt:
        dw 3FFh
        dd 0
version:
        db "bootllama ", VERSION, 0

        times 1024 - ($ - $$) db 0
