; What the BIOS alone takes to read a model, for reading.py: for each byte that COM1 receives, reads COUNT requests of
; SECTORS sectors from FIRST on, which reading.py writes here, by INT 13h. Sends "@" whenever it is ready, "!" if it
; cannot read. The BIOS loads it, sector 0 of the disk, to 7C00h in real mode, with the drive in DL; it never returns.

%define COM1 3F8h
%define LINE_STATUS (COM1 + 5)
%define BUFFER 1000h                ; segment

        bits 16
        cpu 386
        org 7C00h
        jmp start

        align 4
first:  dd 0
count:  dd 0                        ; of requests
sectors: dw 0                       ; of one, at most 127

start:  cli
        xor ax, ax
        mov ds, ax
        mov ss, ax
        mov sp, 7000h
        sti
        cld
        mov [drive], dl
        mov al, '@'
.answer:
        mov dx, COM1
        out dx, al
.wait:  mov dx, LINE_STATUS
        in al, dx
        test al, 1
        jz .wait
        mov dx, COM1
        in al, dx
        mov eax, [first]
        mov [lba], eax
        mov ebp, [count]
.read:  mov ax, [sectors]
        mov [packet.count], ax
        mov ah, 42h
        mov dl, [drive]
        mov si, packet
        push ebp
        int 13h
        pop ebp
        mov al, '!'
        jc .answer
        movzx eax, word [sectors]
        add [lba], eax
        dec ebp
        jnz .read
        mov al, '@'
        jmp .answer

drive:  db 0
        align 4
packet: dw 16
.count: dw 0
        dw 0, BUFFER
lba:    dq 0

        times 510 - ($ - $$) db 0
        dw 0AA55h
