; The boot image of CDs: loads stage 2 and starts it.
;
; Loaded by the BIOS to 0000:7C00 (or 07C0:0000) as the El Torito specification 1.0 says for an entry without emulation,
; 2,048 bytes, in real mode, with DL = drive (wrong on some machines). On the CD stage 2 follows this image; the image
; builder writes its LBA, in sectors of 512 bytes, to BOOT_STAGE2_LBA. The drive is read by EDD, in blocks of 2,048
; bytes, at most 32 KiB at once and so never across a 64 KiB line. A failed transfer is retried after a reset with half
; the blocks, six times; then error R. A wrong checksum is error S. The first sector of stage 2 (loader.asm) runs next,
; which finds all of it in memory, with DL = the drive and EDI = the LBA of that sector.

%include "boot.inc"

%define BLOCK_SHIFT 2               ; a block has 512 bytes << this
%define BLOCK_SECTORS (1 << BLOCK_SHIFT)
%define BLOCKS (STAGE2_SECTORS + BLOCK_SECTORS - 1) / BLOCK_SECTORS

%define limit   BOOT_VARIABLES      ; word: most blocks of a transfer
%define next    BOOT_VARIABLES + 2  ; byte: the next drive to try

        boot_sector 63, 255, BLOCK_SHIFT
        mov byte [next], 0FFh
        jmp short try_drive

        boot_fail

; Tries DL, then all others from FFh down to 80h: the first one on which a block at that LBA begins like stage 2.
next_drive:
        mov dl, [next]
        dec byte [next]
        test dl, dl
        mov al, 'R'
        jns fail
try_drive:
        mov cx, 1
        call read_stage2
        jc next_drive
        mov cx, 1
        mov bp, STAGE2_ADDRESS >> 4
        call checksum
        cmp ebx, LOADER_SUM
        jne next_drive

        mov cx, BLOCKS
        call read_stage2
        mov al, 'R'
        jc fail
        mov cx, STAGE2_SECTORS
        mov bp, STAGE2_ADDRESS >> 4
        call checksum
        cmp ebx, STAGE2_SUM
        mov al, 'S'
        jne fail
        push ds
        pop es
        mov edi, [BOOT_STAGE2_LBA]  ; with BOOT_BLOCK, which the loader subtracts
        mov ebx, LOADER_SUM
        mov cx, 1
        jmp STAGE2_ADDRESS

; Reads the first CX blocks of stage 2. CF = 1 on failure. Changes all registers but DL.
read_stage2:
        mov edi, [BOOT_STAGE2_LBA]
        and edi, 0FFFFFFh
        shr edi, BLOCK_SHIFT
        mov ax, STAGE2_ADDRESS >> 4
        mov es, ax
        mov word [limit], LOADER_SECTORS / BLOCK_SECTORS
.more:  mov bp, TRIES
.try:   movzx ebx, word [limit]
        cmp bx, cx
        jbe .packet
        mov bx, cx
.packet:
        push dword 0                ; the packet, made anew for every call: a BIOS writes to it
        push edi
        push es
        push word 0
        push bx
        push word 16
        mov si, sp
        mov ah, 42h
        call disk
        pop ax
        pop si                      ; blocks really read
        pop eax
        pop eax
        pop eax
        jc .failed
        cmp si, bx
        jne .failed
        add edi, ebx
        sub cx, bx
        shl bx, 5 + BLOCK_SHIFT     ; paragraphs
        mov ax, es
        add ax, bx
        mov es, ax
        test cx, cx                 ; CF = 0
        jnz .more
        ret
.failed:
        mov ah, 0                   ; reset
        call disk
        shr word [limit], 1
        adc word [limit], 0         ; 16, 8, 4, 2, 1, 1
        dec bp
        jnz .try
        stc
        ret

        boot_disk
        boot_services

%if $ - $$ > STAGE2_ADDRESS - BOOT_ADDRESS
%error the code for CDs reaches into stage 2
%endif
        times 2048 - ($ - $$) db 0
