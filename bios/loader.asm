; The first sector of stage 2: reads the rest of it.
;
; Loaded by a boot sector to STAGE2_ADDRESS and entered there in real mode with DL = boot drive, EDI = LBA of this
; sector, CX = sectors of stage 2 that belong together from here on (1 if all of it is in memory), EBX = their checksum,
; DS = ES = SS = 0.
; Checks that there is memory for stage 2 and its data (error M). Reads the rest of stage 2, at most LOADER_SECTORS at
; once and never across a 64 KiB line, through EDD if the drive has it and through CHS otherwise. Then start.asm runs,
; with DL as above and EDI = the LBA of the boot sector. A failed transfer is retried after a reset with half the
; sectors, six times; then through CHS; then error R. A wrong checksum is error S. A floppy is read by tracks, each of
; which shows a dot.

%include "layout.inc"

%define TRIES 6
%define CYLINDERS_MAX 1024          ; of CHS
%define FLOPPY_TRACK_MAX 36         ; sectors

; Variables, outside stage 2 so that its checksum does not change.
%define sum     BOOT_VARIABLES      ; dword
%define sectors BOOT_VARIABLES + 4  ; word
%define spt     BOOT_VARIABLES + 6  ; word: sectors a track, 0 if unknown; then
%define heads   BOOT_VARIABLES + 8  ; word
%define count   BOOT_VARIABLES + 10 ; word: sectors of the current transfer
%define limit   BOOT_VARIABLES + 12 ; word: most sectors of a transfer
%define drive   BOOT_VARIABLES + 14 ; byte
%define edd     BOOT_VARIABLES + 15 ; byte: 1 while the drive is read through EDD
%define tries   BOOT_VARIABLES + 16 ; byte
%define lba     BOOT_VARIABLES + 20 ; dword: of this sector

%define TABLE_VECTOR 1Eh * 4        ; where the BIOS finds the parameters of floppy drives, 11 bytes;
%define TABLE_SECTORS 4             ; the one that says how many sectors a track has

        bits 16
        cpu 386
        section .loader

extern start

global loader
loader: mov [drive], dl
        mov [sectors], cx
        mov [sum], ebx
        mov [lba], edi
        call dot                    ; "bootllama." on the screen: sector 0 is done
        int 12h                     ; KiB of memory below the EBDA
        cmp ax, LOW_MEMORY_KIB
        mov al, 'M'
        jb fail
        mov word [limit], LOADER_SECTORS
        call set_table
        call find_edd
        call find_geometry

        mov cx, [sectors]
        dec cx
        mov edi, [lba]
        inc edi
        mov ax, (STAGE2_ADDRESS + 512) >> 4
        mov es, ax
        call read.more
        mov al, 'R'
        jc fail

        mov cx, [sectors]
        mov bp, STAGE2_ADDRESS >> 4
        mov ax, BOOT_SUM
        call ax
        mov dl, [drive]
        mov edi, [lba]
        sub edi, [BOOT_STAGE2_LBA]
        cmp ebx, [sum]
        je start
        mov al, 'S'

; Ends in letter AL. DS = SS = 0.
fail:   push ax
        mov ah, 3                   ; the message goes over the dots: where is the cursor?
        mov bh, 0
        int 10h
        mov dl, 9                   ; behind "bootllama"
        mov ah, 2
        int 10h
        pop ax
        mov cx, BOOT_FAIL
        jmp cx

dot:    mov ax, 0E00h + '.'
        mov bx, 7
        int 10h
        ret

; Has the drive's parameters say that a track may have 36 sectors, the most that there are: with those of some BIOSes,
; no read goes further than to sector 8 or 9.
set_table:
        push ds
        mov di, FLOPPY_TABLE
        lds si, [TABLE_VECTOR]
        mov cx, 11
        rep movsb
        pop ds
        mov byte [FLOPPY_TABLE + TABLE_SECTORS], FLOPPY_TRACK_MAX
        mov dword [TABLE_VECTOR], FLOPPY_TABLE
        ret

; [edd] = 1 if the drive answers to extended reads (EDD 1.1, function 41h: signature and bit 0 of CX).
find_edd:
        mov byte [edd], 0
        mov ah, 41h
        mov bx, 55AAh
        mov dl, [drive]
        push es
        int 13h
        pop es
        jc .done
        cmp bx, 0AA55h
        jne .done
        and cl, 1
        mov [edd], cl
.done:  ret

; [spt] and [heads], for CHS: a floppy's own, from the BPB of its boot sector, because its drive may take others as
; well; else the drive's, [spt] = 0 if the BIOS does not say.
find_geometry:
        mov eax, [BOOT_TRACK]
        mov dl, [drive]
        test dl, dl
        js .ask
        cmp al, FLOPPY_TRACK_MAX    ; more: a disk that the BIOS takes for a floppy
        jbe .set
.ask:   mov ah, 8
        xor di, di                  ; ES:DI = 0 keeps some BIOSes from writing to memory
        push es
        int 13h
        pop es
        jnc .known
        xor cx, cx
.known: movzx eax, dh
        inc ax
        shl eax, 16
        and cx, 3Fh
        mov ax, cx
.set:   mov [spt], eax              ; and [heads]
        ret

; Reads CX sectors from LBA EDI on to ES:0. CF = 1 on failure. Changes AX, BX, CX, EDI, ES.
read:   mov byte [tries], TRIES
.retry: mov ax, es                  ; the least of: room up to a 64 KiB line, what is left, the limit
        shr ax, 5
        not ax
        and ax, 127
        inc ax
        cmp ax, cx
        jb .left
        mov ax, cx
.left:  cmp ax, [limit]
        jb .allowed
        mov ax, [limit]
.allowed:
        mov [count], ax
        pushad
        push es
        call transfer
        jc .done
        test byte [drive], 80h      ; CF = 0
        jnz .done
        call dot
.done:  pop es
        popad
        jc .failed
        movzx eax, word [count]
        add edi, eax
        sub cx, ax
        shl ax, 5
        mov bx, es
        add bx, ax
        mov es, bx
.more:  test cx, cx
        jnz read
        ret

.failed:
        pushad
        push es
        mov ah, 0                   ; reset
        mov dl, [drive]
        int 13h
        pop es
        popad
        shr word [limit], 1
        adc word [limit], 0         ; 64, 32, .. 2, 1, 1
        dec byte [tries]
        jnz .retry
        cmp byte [edd], 1           ; from EDD to CHS, and six tries more
        mov byte [edd], 0
        je read
        stc
        ret

; One call of INT 13h: reads [count] sectors from LBA EDI to ES:0, fewer in [count] at the end of a track.
; CF = 1 if it failed. Changes all registers.
transfer:
        cmp byte [edd], 0
        je .chs
        push dword 0                ; the packet, made anew for every call: a BIOS writes to it
        push edi
        push es
        push word 0
        push word [count]
        push word 16
        mov si, sp
        mov dl, [drive]
        mov ah, 42h
        int 13h
        pop ax
        pop bx                      ; blocks really read
        pop eax
        pop eax
        pop eax
        jc .done
        cmp bx, [count]             ; CF = 1 if fewer
.done:  ret

.chs:   movzx ebx, word [spt]
        cmp bx, 1
        jc .done                    ; no geometry
        mov eax, edi
        xor edx, edx
        div ebx                     ; EAX = track, EDX = sector from 0
        sub bx, dx                  ; sectors up to the end of the track
        cmp bx, [count]
        jae .fits
        mov [count], bx
.fits:  inc dx
        mov cx, dx
        movzx ebx, word [heads]
        xor edx, edx
        div ebx                     ; EAX = cylinder, EDX = head
        cmp eax, CYLINDERS_MAX
        cmc
        jc .done
        mov dh, dl
        mov ch, al
        shl ah, 6
        or cl, ah
        mov al, [count]
        mov ah, 2
        mov dl, [drive]
        xor bx, bx
        int 13h
        ret
