; The boot sector of disks with sectors of 4,096 bytes, which only UEFI starts from: says so.
;
; Loaded by a BIOS to 0000:7C00 (or 07C0:0000) from LBA 0, in real mode: one that can read such a disk, or any BIOS if
; the image was written to another disk. Shows one line, waits for a key and boots again.
;
; Bytes 1B8h..1FDh hold the disk signature and the partition table, which the image builder fills.

%include "boot.inc"

        boot_sector 63, 255, 0
        mov si, text
        call print
        jmp short fail.key

        boot_fail
        boot_disk
        boot_services
text:   db ": this image needs UEFI and sectors of 4096 bytes, press a key", 0

        times 1FEh - ($ - $$) db 0
        dw 0AA55h
