; A BIOS as bad as allowed, for test_machine.py: this sector stands in for the one-sector engine's on its disk, hooks
; INT 10h and INT 13h so that they change every register that they may, shuts the A20 gate, leaves nothing in the FPU,
; the flags and the registers as a well-meaning BIOS would, and then starts the engine, which lies at LBA ENGINE, at
; 7C0:0. The first FAILURES calls of INT 13h fail. With FLOPPY the disk is a floppy.
;
; Loaded at 0:7C00; runs at 0:7000, where the engine has nothing.

bits 16
cpu 486
ENGINE      equ 1600                ; of a floppy: cylinder 44, head 0, sector 17
org 7000h

            xor     ax, ax
            mov     ds, ax
            mov     es, ax
            mov     ss, ax
            mov     sp, 7000h
            cld
            mov     si, 7C00h
            mov     di, 7000h
            mov     cx, 256
            rep movsw
            jmp     0:.here
%ifdef FLOPPY
.here:      mov     ax, 0201h
            mov     bx, 7C00h
            mov     cx, 44 << 8 | 17
            mov     dh, 0
%else
.here:      mov     si, packet
            mov     ah, 42h
%endif
            int     13h
            jc      $
            mov     eax, [10h * 4]
            mov     [old_10], eax
            mov     word [10h * 4], new_10
            mov     [10h * 4 + 2], cs
            mov     eax, [13h * 4]
            mov     [old_13], eax
            mov     word [13h * 4], new_13
            mov     [13h * 4 + 2], cs
            in      al, 92h
            and     al, 0FCh
            out     92h, al
            fldcw   [control]
            times 8 fldpi
            mov     eax, 89ABCDEFh
            mov     ebx, eax
            mov     ecx, eax
            mov     esi, eax
            mov     edi, eax
            mov     ebp, eax
            and     edx, 0FFh           ; DL is the drive, and all that a BIOS says
            or      edx, 0ABCDEF00h
            mov     ds, ax
            mov     es, ax
            std
            jmp     7C0h:0

; The flags are those that the BIOS returns.
new_13:     sub     word [cs:failures], 1
            jns     .fail
            mov     word [cs:failures], 0
            pushf
            call    far [cs:old_13]
            call    spoil
            mov     dx, bp
            retf    2
.fail:
%ifndef FLOPPY
            mov     byte [si + 2], 0    ; the packet's count: none has been read
%endif
            call    spoil
            mov     dx, bp
            mov     ax, 2000h
            stc
            retf    2

new_10:     pushf
            call    far [cs:old_10]
            call    spoil
            mov     ax, bp
            mov     dx, bp
            iret

spoil:      mov     bp, 0FEDCh
            mov     bx, bp
            mov     cx, bp
            mov     si, bp
            mov     di, bp
            ret

packet:     db      10h, 0
            dw      1, 7C00h, 0
            dq      ENGINE
control:    dw      007Fh               ; single precision
failures    dw      FAILURES
old_10:     dd      0
old_13:     dd      0

            times 510 - ($ - $$) db 0
            dw      0AA55h
