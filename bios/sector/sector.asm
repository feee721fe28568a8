; Llama 2 in one boot sector: everything but the weights and the tokens' texts is in these 510 bytes.
;
; Loaded by the BIOS at linear address 7C00h (CS:IP is 0:7C00 or 7C0:0; the code only jumps relatively) with the boot
; drive in DL. It reads the model behind itself with INT 13h, tells a story with INT 10h, waits for a key with INT 16h,
; tells another one. Nothing runs after it. README.md here teaches it line by line.
;
; Memory, as offsets from BASE, the base of DS, ES and SS:
;   000000  X: the residual stream, int16[64]          003880  VEC: int16[172], what comes out of a norm's matrices:
;   006000  the stack's top                                    [4 groups][value, key, query, query'][8], or units
;   007E00  one piece of the disk                      010000  KV cache: [5 layers][256 positions][4 groups] of 64
;   200010  weights: 5 layers, the output matrix               bytes around its key: value -16, key 0, e 16
;   290000  tokens, 256 bytes each
; No address has bit 20 set, so the A20 gate may be as it likes.
;
; Registers that keep their meaning: BP the variables, ESI the stream of weights or a row of the cache, BX the vector
; that it is multiplied with, DI where results go, CX the rows left. Segments stay as the first lines set them.
;
; Two builds: as it is, for disks (EDD); with FLOPPY defined, for floppies of 1.44 MB.

bits 16
cpu 486
%ifdef MAP
[map symbols MAP]
%endif

SELECTOR    equ 20h                 ; of the flat segment in protected mode, and the same segment in real mode:
BASE        equ SELECTOR * 16       ; its base is what the number means there
org 7C00h - BASE

%define SHAPE(name, value) name equ value
%include "shape.def"                ; GROUPS are key-value heads; two query heads share one
SQUARINGS   equ 18                  ; exp(y) = (1 + y / 2^18)^(2^18)

X           equ 0                   ; in the BIOS's table of vectors: INT 80h to 9Fh, which no BIOS uses
VEC         equ 3880h               ; its bytes are the exponent of a constant: see "constants"
STACK       equ 6000h
PIECE       equ 8000h - BASE
PIECE_SECTORS equ SELECTOR          ; one register has both
TRACK       equ 18                  ; of a floppy of 1.44 MB: sectors, and cylinders that hold the model
CYLINDERS   equ 40
SECTORS     equ 0601h               ; of the image: LBA 1 and up, by pieces
WEIGHTS     equ 200010h             ; also the first bytes of the packet
TOKENS      equ 290000h
CACHE       equ 1                   ; of the last layer: bits 16 and up of its address
VALUE       equ -HEAD * 2           ; offsets from a key: its value, and exp of its score
E           equ HEAD * 2
TICKS       equ 046Ch - BASE        ; the BIOS's clock, 18.2 a second
MULTIPLIER  equ -127                ; of the random numbers

%define v(name) bp + (name) - variables

%ifdef FLOPPY
%define MOV_ESI_WEIGHTS mov esi, WEIGHTS
%define TEN             v(ten)
%define NOISE_SCALE     token.weights + 4       ; of the instruction's number
%else
%define MOV_ESI_WEIGHTS mov esi, [v(packet)]
%define MOV_EDI_WEIGHTS mov edi, [v(packet)]
%define TEN             v(packet + 6)           ; the buffer's segment
%define NOISE_SCALE     v(packet + 2)           ; 32
%endif

; ---- start: segments, stack ----

start:      mov     bx, SELECTOR
            mov     ds, bx
            mov     ss, bx
            mov     sp, STACK
            cli                         ; nothing else runs between BIOS calls: no vectors in protected mode
            cld
            mov     bp, variables
%ifdef FLOPPY
            mov     edi, WEIGHTS - 512  ; the sector itself is read once more: its place is ROM, which does not mind
%else
            MOV_EDI_WEIGHTS
%endif

; ---- load: piece by piece through low memory to where bit 20 is clear and 21 set ----

load:
%ifdef FLOPPY
            mov     es, bx
            mov     dh, 0               ; track: cylinder and, as bit 0, head
.piece:     lea     ecx, [bx + 10 - SELECTOR] ; tries; the high half is 0 from here on
.again:     pusha
            mov     ch, dh
            shr     ch, 1
            and     dh, 1
            mov     cl, 1               ; sector
            mov     ax, 0200h + TRACK
            mov     bx, PIECE
            int     13h
            popa
            jnc     .read
            loop    .again
            mov     ax, 0E00h + 'R'
            int     10h
            hlt                         ; for good: interrupts are off
.read:
%else
.piece:
            lea     ecx, [bx + 10 - SELECTOR] ; tries; the high half is 0 from here on
.again:     mov     [v(packet + 2)], bl ; 32 sectors: a BIOS that fails leaves another count
            lea     esi, [v(packet)]
            mov     ah, 42h
            pusha
            int     13h
            popa
            jnc     .read
            loop    .again
            mov     ax, 0E00h + 'R'
            int     10h
            hlt                         ; for good: interrupts are off
.read:
%endif
            lgdt    [v(gdt_pointer)]    ; a segment of 4 GiB, loaded in protected mode, keeps its limit in real mode
            mov     eax, cr0
            inc     ax
            mov     cr0, eax
            mov     ds, bx
            mov     es, bx
            dec     ax
            mov     cr0, eax
%ifdef FLOPPY
            lea     esi, [bx + PIECE - SELECTOR]
            mov     cx, TRACK * 256
            a32 rep movsw
            inc     dh
            cmp     dh, 2 * CYLINDERS
            jne     .piece
%else
            mov     si, PIECE
            mov     cx, PIECE_SECTORS * 256
            a32 rep movsw
            add     word [v(packet_lba)], PIECE_SECTORS
            cmp     byte [v(packet_lba + 1)], SECTORS >> 8
            jne     .piece
%endif

; ---- story: EDX is the token, 0 is BOS ----

story:
            mov     [v(position)], cx   ; row 0
            cdq                         ; EAX is CR0, or what a key left of it: never negative

; ---- token: its embedding to X, its text to the screen ----

token:      add     dh, TOKENS >> 16
            imul    esi, edx, 256
            xor     edi, edi            ; X
            mov     cl, DIM
            a32 rep movsw
.character: a32 lodsb                   ; BH is 0, the page: BX is X, or SELECTOR
            shr     al, 1               ; bit 0: another one follows; the BIOS returns with the flags that it got
            mov     ah, 0Eh
            pusha
            int     10h
            popa
            jc      .character
.weights:   MOV_ESI_WEIGHTS
            mov     byte [v(layer_number)], LAYERS
            cwd                         ; EDX = 0
            call    norm

; ---- q, k, v: 64 pairs of rows; RoPE rotates each pair by position * 10^-i ----
; FPU: x1 x0 angle norm. A pair of v is rotated by 0. The angle has 256 * layer added, the same for q and k.

layer:      mov     cl, DIM
.pair:      test    cl, 3
            jnz     .same_vector
            fsub    st0, st0
            test    cl, 0Ch
            jz      .same_vector
            fiadd   word [v(position + 1)]
.same_vector:
            call    dot_dim             ; x0
            call    dot_dim             ; x1 x0 angle norm
            fld     st2
            fsincos                     ; cos sin x1 x0 angle norm
            fld     st3
            fmul    st0, st1
            fld     st3
            fmul    st0, st3
            fsubp                       ; x0 cos - x1 sin
            fdiv    st0, st6
            fistp   word [di]
            scasw
            fmulp   st2, st0
            fmulp   st2, st0
            faddp                       ; x1 cos + x0 sin, angle norm
            fdiv    st0, st2
            fistp   word [di]
            scasw
            fidiv   word [TEN]
            loop    .pair

; ---- attention: DI runs over VEC ----
; A group's value and key go to the cache; outputs of heads take the queries' place.
; The time runs backwards: subtracting a row's length carries below row 0. EDX is the channel, in bytes.

            push    esi
            mov     di, VEC
.group:     mov     esi, [v(position)]
            mov     cl, 2 * HEAD
.cache:     mov     bx, [di]
            mov     [esi + VALUE], bx
            a32 cmpsw
            loop    .cache
.head:      mov     bx, di
            fsub    st0, st0            ; sum of e
            mov     si, [v(position)]
.time:      mov     al, HEAD            ; AH is 0
            call    dot                 ; query . key; ESI at E
            fmul    dword [v(score_scale)]
            call    exp
            fst     qword [esi]
            faddp
            sub     si, 256 + E
            jnc     .time
.channel:   fldz                        ; sum of e * value
            mov     si, [v(position)]
.past:      fild    word [esi + edx + VALUE]
            fmul    qword [esi + E]
            faddp
            sub     si, 256
            jnc     .past
            fdiv    st0, st1
            fistp   word [di]
            scasw
            mov     dx, di
            and     dx, 2 * HEAD - 2
            jnz     .channel
            test    bl, 2 * HEAD        ; the second query lies at an odd multiple of this
            jz      .head
            add     byte [v(position)], 64
            jnz     .group
            pop     esi
            call    project

; ---- feed-forward: silu(gate . x) * (up . x); FPU: t = -gate / 2^18, up, norm ----

feed_forward:
            mov     cl, HIDDEN
.unit:      call    dot_dim
            fdiv    st0, st2
            fmul    dword [v(gate_scale)]
            fld     st0
            call    exp
            fld1
            faddp
            fdivp                       ; t / (1 + exp(-gate))
            call    dot_dim
            fmulp
            fdiv    st0, st2
            fmul    dword [v(unit_scale)]
            fistp   word [di]
            scasw
            loop    .unit
            call    project
            dec     byte [v(layer_number)]
            jnz     layer

; ---- the next token: the row with the largest product, to which a random number is added ----
; The product is divided by |X| and multiplied by 32, so that 16384 is 1 of a logit and 16 random bits go over 4.
; FPU: sum, best so far, norm.

            mov     ch, VOCABULARY >> 8
.row:       call    dot_dim
            fdiv    st0, st2
            fimul   word [NOISE_SCALE]
            imul    edi, [v(seed)], MULTIPLIER
            mov     [v(seed)], edi
            fiadd   word [v(seed + 2)]
            fcom    st1
            fnstsw  ax
            sahf
            jbe     .not_better
            mov     dx, cx
            fst     st1
.not_better:
            fstp    st0
            loop    .row
            dec     dx
            jz      over                ; BOS ends a story
            inc     byte [v(position + 1)]
            jnz     token               ; and so does the end of the cache
over:       cbw                         ; AH = 0: AL has exceptions of the FPU, bit 7 none
            int     16h
            mov     ax, [TICKS]
            mov     [v(seed)], ax
            jmp     story

; ---- project: X += matrix at ESI [64][172] . VEC, then norm ----

project:    mov     bx, VEC
            xor     di, di              ; X
            mov     cl, DIM
.row:       mov     al, HIDDEN          ; AH is 0
            call    dot
            fmul    dword [v(project_scale)]
            fiadd   word [di]
            fistp   word [di]
            scasw
            loop    .row

; ---- norm: the FPU holds 0, |X|; BX = X, DI = VEC ----

norm:       fninit
            xor     bx, bx              ; X
            push    esi
            xor     esi, esi
            call    dot_dim
            pop     esi
            fsqrt
            fldz
            mov     di, VEC
            ret

; ---- dot: FPU push of int16[AX] at BX . int16[AX] at ESI, exact; ESI moves on, all else stays ----

dot_dim:    mov     ax, DIM
dot:        pusha
            xchg    ax, cx
            xor     di, di
            xor     bp, bp              ; DI:BP
.product:   a32 lodsw
            imul    word [bx]
            add     bp, ax
            adc     di, dx
            inc     bx
            inc     bx
            loop    .product
            push    di
            push    bp
            mov     bx, sp
            fild    dword [bx]
            mov     [bx + 6], si        ; where POPA finds it
            pop     ax
            pop     ax
            popa
            ret

; ---- exp: st0 = (1 + st0)^(2^18) ----

exp:        fld1
            faddp
            mov     al, SQUARINGS       ; AH is 0
.square:    fmul    st0, st0
            dec     ax
            jnz     .square
            ret

; ---- data ----

gdt_pointer equ $ - 2                   ; its limit may be any number
            dw      flat - SELECTOR + BASE
flat:       dw      0                   ; limit 0F0000FFFh; also the high half of the pointer
            db      0, BASE >> 8, 0, 92h, 8Fh, 0 ; base, writable data, limit in pages
%ifdef FLOPPY
ten:        dw      10
%else
packet:     db      10h, 0              ; of INT 13h, AH = 42h; its first half as a number is WEIGHTS
            dw      PIECE_SECTORS
            dw      PIECE + BASE - 16 * 10, 10
packet_lba:
            dq      1
%endif
end:

; ---- constants: single-precision numbers that instructions happen to be; the converter counts with them ----

score_scale   equ project.row - 2       ; of "mov cl, 64; mov al, 172": -2^-37
gate_scale    equ feed_forward - 3      ; of "call project; mov cl, 172": -2^-29
project_scale equ project - 1           ; of "mov bx, VEC": 2^-14
unit_scale    equ exp.square - 1        ; of "mov al, 18; fmul st0, st0; dec ax": 411360.6

; ---- variables ----
; The dword `position` is the address of the key of token and group in the cache: bits 6 and 7 are the group, 8 to 15
; the number of the token, 16 to 23 that of the layer.

; The dword `seed` is the state of a multiplicative generator of random numbers. Both lie over the descriptor, which is
; not needed any more. Its first half is 2^25, which a multiplication by a number that is 1 modulo 128 leaves alone.

variables   equ $$ + 190h
position    equ flat + 4                ; its last byte is 0
seed        equ flat
layer_number equ position + 2           ; bits 16 to 23

            times 510 - ($ - $$) db 0
            dw      0AA55h
