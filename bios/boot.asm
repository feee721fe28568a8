; The boot sector: finds the drive that it came from, loads the first sector of stage 2 and starts it.
;
; Loaded by the BIOS to 0000:7C00 (or 07C0:0000) from LBA 0, in real mode, with DL = drive (wrong on some machines).
; The image may also have been written into a partition: then a master boot record loads the partition's first sector,
; this one, and all LBAs count from there. It reads the sector after this one to STAGE2_ADDRESS, checks its checksum
; and jumps to 0000:8000 (loader.asm) with DL = the drive, EDI = the LBA of that sector, CX = STAGE2_SECTORS,
; EBX = STAGE2_SUM, DS = ES = SS = 0. The loader comes back for two services: BOOT_FAIL and BOOT_SUM. STAGE2_SECTORS,
; STAGE2_SUM and LOADER_SUM come from the build.
;
; Bytes 3..59h are left for a BPB, because some BIOSes write there; 1B8h..1FDh hold the disk signature and the partition
; table, which the image builder fills. An error shows a letter (README.md), waits for a key and boots again.

%include "layout.inc"

%define TRIES 6                     ; each through CHS and through EDD, with a reset after it

%define END 0FFh                    ; of the list of drives

        bits 16
        cpu 8086
        org BOOT_ADDRESS

        jmp short start
        nop
        times 18h - ($ - $$) db 0
        dw 63, 255                  ; sectors a track, heads: some BIOSes guess floppy or hard disk from them
        times 5Ah - ($ - $$) db 0

start:  jmp short main
.fail:  times BOOT_FAIL - BOOT_ADDRESS - ($ - $$) nop
        jmp near fail
        times BOOT_SUM - BOOT_ADDRESS - ($ - $$) nop
        jmp near checksum

main:   xor ax, ax
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
        popf                        ; all flags 0: undoes the test, DF = 0
        sti
        cmp ah, 70h
        mov al, 'P'
        jne start.fail
        cpu 386

        ; Tries DL if plausible, then others: the first drive whose sector 0 is this sector, or that has a
        ; partition that begins with it (the image was written there).
        mov si, drives
.drive: push si
        test dl, 70h                ; 00h..0Fh, 80h..8Fh
        jnz .next
        xor edi, edi
        mov bx, STAGE2_ADDRESS
        call is_this
        je .load
        mov si, STAGE2_ADDRESS + 1BEh + 8 ; the LBA in the first entry of the partition table
        mov bh, STAGE2_ADDRESS + 512 >> 8
        mov cx, 4
.partition:
        mov edi, [si]
        call is_this
        je .load
        add si, 16
        loop .partition
.next:  pop si
        lodsb
        mov dl, al
        cmp al, END
        jne .drive
        mov al, 'D'
.fail:  jmp short start.fail

.load:  inc edi
        mov bh, STAGE2_ADDRESS >> 8
        call read_sector
        mov al, 'R'
        jc .fail
        cmp word [bx], 'EF'         ; the header of a GPT, "EFI PART"
        mov al, 'G'
        je .fail
        mov cx, 1
        mov bp, STAGE2_ADDRESS >> 4
        call checksum
        cmp ebx, LOADER_SUM
        mov al, 'S'
        jne .fail
        mov ebx, STAGE2_SUM
        mov cx, STAGE2_SECTORS
        jmp STAGE2_ADDRESS

; ZF = 1 if sector EDI is this one. Reads it to BX; keeps all registers.
is_this:
        pusha
        call read_sector
        jc .done
        mov si, BOOT_ADDRESS + 5Ah  ; not the BPB: the BIOS may have changed it in memory
        lea di, [bx + 5Ah]
        mov cx, (1BCh - 5Ah) / 2    ; code and disk signature
        repe cmpsw
.done:  popa
        ret

; Reads sector EDI to BX; CF = 1, ZF = 0 if it cannot be read. By CHS only sectors 0 and 1, which are on the first track
; of any disk. Changes AX, CX, BP, SI.
read_sector:
        mov bp, TRIES
.try:   cmp edi, 1
        ja .edd
        lea cx, [di + 1]            ; cylinder 0, head 0, sectors count from 1
        mov ax, 0201h
        call disk
        jnc .done
.edd:   push dword 0                ; the packet, rebuilt for every call: a BIOS writes to it
        push edi
        push es
        push bx
        push word 1
        push word 16
        mov si, sp
        mov ah, 42h
        call disk
        pop ax
        pop ax                      ; blocks actually read
        sbb ax, 1                   ; 0 if it was one, and no error
        add sp, 12
        test ax, ax
        jz .done
        mov ah, 0                   ; reset
        call disk
        dec bp
        jnz .try
        cmp sp, byte -1             ; below it
.done:  ret

; INT 13h on drive DL; returns CF and keeps all registers, whatever the BIOS does to them.
disk:   pusha
        push ds
        push es
        mov dh, 0                   ; head
        int 13h
        pop es
        pop ds
        popa
        ret

; EBX = sum of CX sectors at BP:0, sum = sum * 31 + next for each dword: detects bad reads and a mix of different
; builds. Changes EAX, CX, BP, SI.
checksum:
        push ds
        xor ebx, ebx
.sector:
        push cx
        mov ds, bp
        xor si, si
        mov cx, 512 / 4
.next:  lodsd
        imul ebx, ebx, 31
        add ebx, eax
        loop .next
        add bp, 512 / 16
        pop cx
        loop .sector
        pop ds
        ret

; Shows the letter AL and boots again at the next key press. DS = 0. 8086 code, as is `print`.
        cpu 8086
fail:   mov [letter], al
        mov si, error
        call print
.key:   xor ax, ax
        int 16h                     ; wait for a key
        int 19h                     ; boot
        jmp .key                    ; nothing to boot

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
letter: db "?, press a key", 0      ; written to only after the last comparison
greeting:
        db "bootllama", 0
drives: db 80h, 81h, 82h, 83h, 0, 1, END

%if $ - $$ > 1B8h
%error the boot sector is too long
%endif
        times 1FEh - ($ - $$) db 0
        dw 0AA55h
