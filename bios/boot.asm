; The boot sector of disks: finds the drive that it came from, loads the first sector of stage 2 and starts it.
;
; Loaded by the BIOS to 0000:7C00 (or 07C0:0000) from LBA 0, in real mode, with DL = drive (wrong on some machines).
; The image may also have been written into a partition: then a master boot record loads the partition's first sector,
; this one, and all LBAs count from there. It reads the first sector of stage 2, whose LBA is at BOOT_STAGE2_LBA (the
; sector after this one unless the image builder changes it), to STAGE2_ADDRESS, checks its checksum and jumps to
; 0000:8000 (loader.asm) with DL = the drive, EDI = the LBA of that sector, CX = STAGE2_SECTORS, EBX = STAGE2_SUM,
; DS = ES = SS = 0. The loader comes back for two services: BOOT_FAIL and BOOT_SUM. STAGE2_SECTORS, STAGE2_SUM and
; LOADER_SUM come from the build.
;
; Bytes 1B8h..1FDh hold the disk signature and the partition table, which the image builder fills. An error shows a
; letter (README.md), waits for a key and boots again.

%include "boot.inc"

%define END 0FFh                    ; of the list of drives

; Only sectors 0 and 1, which are on the first track of any disk.
%macro read_chs 0
        cmp edi, 1
        ja .edd
        lea cx, [di + 1]            ; cylinder 0, sectors count from 1
        mov dh, 0                   ; head
        mov ax, 0201h
        call disk
%endmacro

        boot_sector 63, 255, 0

        ; Tries DL if plausible, then others: the first drive whose sector 0 is this sector, or that has a
        ; partition that begins with it (the image was written there).
        mov si, drives
main:   push si
        test dl, 70h                ; 00h..0Fh, 80h..8Fh
        jnz .next
        xor edi, edi
        mov bx, STAGE2_ADDRESS
        call is_this
        je load
        mov si, STAGE2_ADDRESS + 1BEh + 8 ; the LBA in the first entry of the partition table
        mov bh, STAGE2_ADDRESS + 512 >> 8
        mov cx, 4
.partition:
        mov edi, [si]
        call is_this
        je load
        add si, 16
        loop .partition
.next:  pop si
        lodsb
        mov dl, al
        cmp al, END
        jne main
        mov al, 'D'

        boot_fail

        boot_load

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

        boot_services
drives: db 80h, 81h, 82h, 83h, 0, 1, END

%if $ - $$ > 1B8h
%error the boot sector is too long
%endif
        times 1FEh - ($ - $$) db 0
        dw 0AA55h
