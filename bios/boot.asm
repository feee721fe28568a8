; The boot sector: finds the drive that it came from, loads the first sector of stage 2 and starts it.
;
; Loaded by the BIOS to 0000:7C00 (or 07C0:0000) from LBA 0, in real mode, with DL = drive (on some machines a lie).
; It reads LBA 1 to STAGE2_ADDRESS, checks its checksum and jumps to 0000:8000 (loader.asm) with DL = the drive,
; CX = STAGE2_SECTORS, EBX = STAGE2_SUM, DS = ES = SS = 0. The loader comes back for two services: BOOT_FAIL and
; BOOT_SUM. STAGE2_SECTORS, STAGE2_SUM and LOADER_SUM come from the build.
;
; Bytes 3..59h are left to a BPB, since some BIOSes write there; 1B8h..1FDh hold the disk signature and the partition
; table, which the image builder fills. What goes wrong ends in a letter (README.md), a key press and a new boot.

%include "layout.inc"

%define TRIES 6                     ; each through CHS and through EDD, with a reset after it

; Variables, addressed through BP (so through SS, which is 0).
%define drive  bp + 0               ; byte: DL for INT 13h
%define tries  bp + 1               ; byte: left for this sector

        bits 16
        cpu 8086
        org BOOT_ADDRESS

        jmp short start
        nop
        times 18h - ($ - $$) db 0
        dw 63, 255                  ; sectors a track, heads: some BIOSes guess floppy or hard disk from them
        times 5Ah - ($ - $$) db 0

start:  jmp short main
        times BOOT_FAIL - BOOT_ADDRESS - ($ - $$) nop
        jmp near fail
        times BOOT_SUM - BOOT_ADDRESS - ($ - $$) nop
        jmp near checksum

main:   cli
        xor ax, ax
        mov ss, ax
        mov sp, REAL_STACK_TOP
        mov ds, ax
        mov es, ax
        jmp 0:.here
.here:  push dx
        mov si, greeting
        call print
        pop dx

        ; Flags 12..15 written as 7h read back as Fh on an 8086, as 0h on a 286, as 7h from the 386 on.
        mov ax, 7000h
        push ax
        popf
        pushf
        pop ax
        push ds
        popf                        ; all flags 0: no trace of the test, DF = 0
        sti
        and ah, 0F0h
        cmp ah, 70h
        mov al, 'P'
        jne fail
        cpu 386

        ; DL as given if it can be true, else 80h, else 0: the first whose sector 0 is this sector.
        mov bp, BOOT_VARIABLES
        push word 0
        push word 80h
        push dx
.drive: pop dx
        test dl, 70h                ; 00h..0Fh, 80h..8Fh
        jnz .next
        mov [drive], dl
        xor di, di
        call read_sector
        jc .next
        mov si, BOOT_ADDRESS + 5Ah  ; not the BPB: the BIOS may have changed it in memory
        mov di, STAGE2_ADDRESS + 5Ah
        mov cx, (1BCh - 5Ah) / 2    ; code and disk signature
        repe cmpsw
        je .load
.next:  cmp sp, REAL_STACK_TOP
        jne .drive
        mov al, 'D'
        jmp fail

.load:  mov sp, REAL_STACK_TOP
        mov di, STAGE2_LBA
        call read_sector
        mov al, 'R'
        jc fail
        mov cx, 1
        mov dx, STAGE2_ADDRESS >> 4
        call checksum
        cmp ebx, LOADER_SUM
        mov al, 'S'
        jne fail
        mov ebx, STAGE2_SUM
        mov cx, STAGE2_SECTORS
        mov dl, [drive]
        jmp STAGE2_ADDRESS

; Reads sector DI, 0 or 1 (so that it is on the first track of any disk), to STAGE2_ADDRESS. CF = 1 if it cannot be
; read. Changes AX, BX, CX, SI.
read_sector:
        mov byte [tries], TRIES
        mov bx, STAGE2_ADDRESS
.try:   lea cx, [di + 1]            ; cylinder 0, head 0, sectors count from 1
        mov dh, 0
        mov ax, 0201h
        call disk
        jnc .done
        push dword 0                ; the packet, made anew for every call: a BIOS writes to it
        push word 0
        push di
        push es
        push bx
        push word 1
        push word 16
        mov si, sp
        mov ah, 42h
        call disk
        pop ax
        pop ax                      ; blocks really read
        pop ecx
        pop ecx
        pop ecx
        jc .failed
        dec ax
        jz .done
.failed:
        mov ah, 0                   ; reset
        call disk
        dec byte [tries]
        jnz .try
        stc
.done:  ret

; INT 13h on the drive; returns CF and keeps all registers, whatever the BIOS does to them.
disk:   pusha
        push ds
        push es
        mov dl, [drive]
        int 13h
        pop es
        pop ds
        popa
        ret

; EBX = sum of CX sectors at DX:0, sum = sum * 31 + next for each dword: a bad read shows, and so do parts of different
; builds. Changes EAX, CX, DX, SI.
checksum:
        push ds
        xor ebx, ebx
.sector:
        push cx
        mov ds, dx
        xor si, si
        mov cx, 512 / 4
.next:  lodsd
        imul ebx, ebx, 31
        add ebx, eax
        loop .next
        add dx, 512 / 16
        pop cx
        loop .sector
        pop ds
        ret

; Shows the letter AL and boots again at the next key press. DS = 0. 8086 code, as is `print`.
        cpu 8086
fail:   mov [letter], al
        mov si, error
        call print
        xor ax, ax
        int 16h                     ; wait for a key
        int 19h                     ; boot
        jmp 0FFFFh:0                ; or reset, should that return

; Writes text at DS:SI up to a 0. Changes AX, BX, SI.
print:  lodsb
        cmp al, 0
        je .done
        push si
        mov ah, 0Eh
        mov bx, 7
        int 10h
        pop si
        jmp print
.done:  ret

error:  db ": error "
letter: db "?, press a key", 0      ; written to only when nothing is compared any more
greeting:
        db "bootllama", 0

%if $ - $$ > 1B8h
%error the boot sector is too long
%endif
        times 1FEh - ($ - $$) db 0
        dw 0AA55h
