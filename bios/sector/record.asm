; Llama 2 in the fewest bytes: a boot sector that tells the same greedy text as sector.asm, on SeaBIOS and Bochs.
;
; Loaded by the BIOS at 0:7C00 from a hard disk. Both BIOSes also give, and this relies on it: DX is 80h, the drive; CX,
; BX, DS, ES and SS are 0; the direction flag is clear; calls keep all registers but AX; a teletype call does not mind
; the page in BH. It tells one text from BOS to the end of the cache, and stops for good. README.md here teaches it.
;
; The model does not fit the memory: its weights come from the disk, anew for each token, 32 KiB at a time.
;
; Memory, as linear addresses:
;   03800  the stack's top
;   03830  X: the residual stream, int16[64]
;   038B0  VEC: int16[172], what comes out of a norm's matrices: [4 groups][key, value, query, query'][8], or units
;   08000  a piece of the disk, read to its end at 10000: the weights to come, or the token's record in the last sector
;   38B00  KV cache: 64 KiB a layer, 256 bytes a position, 64 a group: key, value, e as a double
;
; On the disk, by sectors of 512 bytes:
;   1      token n's record is in sector n + 63: embedding, int16[64]; text, 64 words for INT 10h; the first 128 weights
;   38B0   weights, a piece of 64 sectors at the start of each 256
;
; Registers that keep their meaning: BP the constants and variables, ES:BX the stream of weights, SI the vector that it
; is multiplied with, DI where results go, CX the rows left, DX first the token, then the segment of the layer's cache.

bits 16
cpu 486
%ifdef MAP
[map symbols MAP]
%endif
org 7C00h

%define SHAPE(name, value) name equ value
%include "shape.def"

X           equ 3830h               ; 38h is the exponent of a constant
VEC         equ X + DIM * 2
STREAM      equ VEC                 ; LBA; the cache's first segment, too
BUFFER      equ 8000h
PIECE       equ 64                  ; sectors; two pieces' starts are 256 apart
RECORD      equ BUFFER + (PIECE - 1) * 512
SQUARINGS   equ 28                  ; exp(y) = (1 + y / 2^28)^(2^28)
ROWS        equ 140                 ; of q, k and v together, and 12 of zeros
ROW         equ 256                 ; bytes of a position in the cache
VALUE       equ HEAD * 2            ; offsets from a group's key
E           equ HEAD * 4

%define v(name) bp + (name) - variables

; ---- start ----

start:      fninit
            fldz                    ; stays at the FPU's bottom: RoPE's angle, or the sum of e

; ---- token: DX is its number. Its embedding to X, its text to the screen ----

token:      mov     bp, variables
            mov     [v(lba)], dx
            mov     di, X
            mov     sp, di          ; Bochs has it in the buffer
            inc     cx              ; CX was 0: the loop behind .fill ends
            call    dot.fill
            mov     si, RECORD
            mov     cx, DIM
            rep movsw
.character: lodsw                   ; AH is 0Eh, or FEh where there is no text yet: no function; at the end
            int     10h             ; AX is 007Fh, a screen mode that does not exist
            sahf                    ; parity is bit 2 of AH
            jpe     .character
            mov     bx, si
            mov     [v(lba)], di
            mov     dx, di

; ---- q, k, v: pairs of rows, the second for what RoPE multiplies with the sine; of a value it is zero ----
; FPU: b a angle. The first elements of all four RoPE pairs of a head come before the second ones, so that the angle,
; position * 10^-i, starts anew after four pairs of rows. It is 0 for values, which bits 3 and 4 of CL tell.

layer:      mov     cl, ROWS
.row:       test    cl, 3
            jnz     .same_head
            fsub    st0, st0
            test    cl, 18h
            jz      .same_head
            fiadd   word [v(position + 1)]
.same_head: call    dot_norm        ; a
            call    dot_norm        ; b a angle
            fld     st2
            fsincos                 ; cos sin b a angle
            fmulp   st3, st0
            fmulp
            faddp                   ; a cos + b sin, angle
            fistp   word [di]
            scasw
            fidiv   word [v(ten)]
            loop    .row

; ---- attention: SI runs over VEC; outputs of heads take the queries' place ----
; The time runs backwards: subtracting a row's length carries below row 0. DI is the channel.

            push    es
            push    bx
            mov     es, dx
.group:     mov     di, [v(position)]
            mov     cl, HEAD * 2
            rep movsw               ; key and value to the cache
.head:      fsub    st0, st0        ; sum of e
            mov     bx, [v(position)]
.time:      push    si
            mov     al, HEAD        ; AH is 0
            call    dot             ; query . key; BX at the value
            pop     si
            fstp    st0
            fmul    dword [v(score_scale)]
            call    exp
            fst     qword [es:bx + E - VALUE]
            faddp
            sub     bx, ROW + VALUE
            jnc     .time
            mov     cl, HEAD
            xor     di, di
.channel:   fldz                    ; sum of e * value
            mov     bx, [v(position)]
.past:      fild    word [es:bx + di + VALUE]
            fmul    qword [es:bx + E]
            faddp
            sub     bh, ROW >> 8
            jnc     .past
            fdiv    st0, st1
            fistp   word [si]
            cmpsw                   ; to the next channel, and to its output
            loop    .channel
            neg     dx              ; negative after the first of a group's two heads
            js      .head
            add     byte [v(position)], ROW / GROUPS
            jnz     .group
            pop     bx
            pop     es
            call    project

; ---- feed-forward: silu(gate . x) * (up . x); FPU: t = -gate / 2^28 ----

            mov     cl, HIDDEN
.unit:      call    dot_norm
            fmul    dword [v(gate_scale)]
            fld     st0
            call    exp
            fld1
            faddp
            fdivp                   ; t / (1 + exp(-gate))
            call    dot_norm
            fmulp
            fmul    dword [v(unit_scale)]
            fistp   word [di]
            scasw
            loop    .unit
            call    project
            add     dh, 10h         ; five layers from 38B0h on
            jns     layer

; ---- the next token: the row with the least product, since the weights have the opposite sign ----

next:       inc     byte [v(position + 1)]
            jz      $               ; the end of the cache
            mov     ch, VOCABULARY >> 8
.row:       call    dot_norm
            fistp   word [di]
            cmp     bp, [di]        ; the least so far; at first an address, larger than any product
            jle     .not_less
            mov     bp, [di]
            mov     dx, cx
.not_less:  loop    .row
            jmp     token

; ---- project: X += matrix [64][172] . VEC; DI ends at VEC ----

project:    mov     di, X
            mov     cl, DIM
.row:       mov     si, VEC
            mov     al, HIDDEN      ; AH is 0
            call    dot
            fstp    st0
            fmul    dword [v(project_scale)]
            fiadd   word [di]
            fistp   word [di]
            scasw
            loop    .row
            ret

; ---- dot: FPU push of int16[AX] at SI . the next AX weights, under the sum of the vector's squares ----
; SI and BX move on, AX becomes 0, all else stays. dot_norm: FPU push of X . 64 weights, by |X|; SI ends at VEC.

dot_norm:   mov     si, X
            mov     al, DIM
            call    dot
            fsqrt
            fdivp
            ret

dot:        xchg    ax, cx
            fldz
            fldz
.product:   fild    word [si]
            fld     st0
            fimul   word [es:bx]
            faddp   st3, st0
            fmul    st0, st0
            faddp
            inc     si
            inc     si
            inc     bx
            inc     bx
            jnz     .more
.fill:      pusha
            mov     si, packet
            mov     dl, 80h
            mov     ah, 42h
            int     13h
            inc     byte [si + lba - packet + 1]
            popa
            mov     bh, BUFFER >> 8 ; BL is 0
.more:      loop    .product
            xchg    ax, cx
            ret

; ---- exp: st0 = (1 + st0)^(2^28); AX becomes 0 ----

exp:        fld1
            faddp
            mov     al, SQUARINGS   ; AH is 0
.square:    fmul    st0, st0
            dec     ax
            jnz     .square
            ret

; ---- data ----

ten:        dw      10
packet:     db      10h, 0          ; of INT 13h, AH = 42h; what is not written here is 0
            dw      PIECE
            dw      BUFFER
end:

; ---- variables: where the sector has zeros ----
; The word `position` is the offset of a group's key in the cache: bits 6 and 7 are the group, 8 to 15 the token.

lba         equ packet + 8
position    equ packet + 16
variables   equ $$ + 0F0h           ; in reach of one byte from all of v()

; ---- constants: single-precision numbers that instructions happen to be; the converter counts with them ----

score_scale   equ layer.past + 16   ; of the end of "fdiv st0, st1", "fistp word [si]; cmpsw": -2^-48.7
gate_scale    equ project.row + 1   ; of "mov si, VEC; mov al, 172": -2^-37.5
unit_scale    equ dot.fill + 5      ; of "mov dl, 80h; mov ah, 42h; int 13h": -2^27.6
project_scale equ project - 1       ; of the byte before and "mov di, X": 2^-14.5

            times 510 - ($ - $$) db 0
            dw      0AA55h
