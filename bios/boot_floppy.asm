; The boot sector of floppies: loads the first sector of stage 2 and starts it.
;
; Loaded by the BIOS to 0000:7C00 from the floppy's first sector, in real mode, with DL = drive. The rest is as in
; boot.asm, but stage 2 is a file at the start of the data area, which no program for DOS moves: the image builder
; writes its LBA to BOOT_STAGE2_LBA. The image may also have been written to a stick, which the BIOS may take for a
; hard disk: then DL is 80h or more, and it is read by EDD.
;
; Bytes 3..3Dh hold the BPB of the FAT12 volume, which the image builder fills.

%include "boot.inc"

; On a floppy, by the geometry in the BPB.
%macro read_chs 0
        test dl, dl
        js .edd
        push dx
        mov ax, di
        xor dx, dx
        div word [BOOT_TRACK]
        mov cx, dx
        inc cx                      ; sectors count from 1
        xor dx, dx
        div word [BOOT_TRACK + 2]
        mov ch, al                  ; cylinder
        pop ax
        mov dh, dl                  ; head
        mov dl, al
        mov ax, 0201h
        call disk
%endmacro

        boot_sector 18, 2, 0

        xor edi, edi
        mov bl, 0
        jmp short load

        boot_fail
        boot_load
        boot_services

        times 1FEh - ($ - $$) db 0
        dw 0AA55h
