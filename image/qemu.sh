#!/usr/bin/env bash
# Boots the image in QEMU: the machine's serial port in this terminal, Ctrl-A X to leave.
#
# qemu.sh bios|uefi|uefi32|floppy|cd IMAGE [QEMU arguments...]  or, with bootllama.krn and a model:
# qemu.sh krn FILE MODEL [QEMU arguments...]                   settings from the environment:
#   GUI=1      also a window with the machine's screen
#   MEMORY=n   MiB, default 512 and twice the image's models
#   WORDS=     of krn: its command line, settings such as 'prompt="The dog" steps=50'
#   CPU=max    QEMU's -cpu
#   ACCEL=tcg  QEMU's -accel; kvm is several times as fast if the system has it
#   QEMU=      the program, qemu-system-x86_64
set -euo pipefail

die()
{
    printf 'qemu.sh: %s\n' "$*" >&2
    exit 1
}

firmware=${1:-} image=${2:-}
qemu=${QEMU:-qemu-system-x86_64}
[[ $# -ge 2 && -f $image ]] || die 'usage: qemu.sh bios|uefi|uefi32|floppy|cd IMAGE [QEMU arguments...]'
shift 2

drive=if=ide
case $firmware in
floppy) drive=if=floppy ;;
cd) drive=if=ide,media=cdrom ;;
esac
# The image stays unchanged: the guest's writes go to a temporary file of QEMU's (snapshot).
models=$image # the used blocks of a sparse image are nearly all models
boot=(-drive "file=${image//,/,,},format=raw,snapshot=on,$drive")
if [[ $firmware == krn ]]; then
    [[ $# -ge 1 && -f $1 ]] || die 'usage: qemu.sh krn FILE MODEL [QEMU arguments...]'
    models=$1 boot=(-kernel "$image" -initrd "$1" -append "${WORDS:-}")
    shift
fi
memory=${MEMORY:-$((512 + 2 * $(du -m -- "$models" | cut -f 1)))}
arguments=(-accel "${ACCEL:-tcg}" -cpu "${CPU:-max}" -m "$memory" -nodefaults -vga std -serial mon:stdio "${boot[@]}")

case $firmware in
bios) arguments+=(-machine q35) ;; # AHCI: SeaBIOS reads the IDE disk of "pc" word by word
cd | krn) arguments+=(-machine pc) ;;
floppy) arguments+=(-machine pc -boot order=a) ;;
uefi | uefi32)
    ovmf=$("$(dirname "$0")/ovmf.sh" "${firmware/uefi32/ia32}")
    secure=off
    [[ $ovmf != *secboot* ]] || secure=on # the code image wants its variables out of reach of everyone else
    arguments+=(-machine q35
        -drive "if=pflash,unit=0,format=raw,readonly=on,file=${ovmf%%$'\n'*}"
        -drive "if=pflash,unit=1,format=raw,snapshot=on,file=${ovmf#*$'\n'}" # fresh variables each time
        -global "driver=cfi.pflash01,property=secure,value=$secure")
    ;;
*) die "'$firmware' is none of bios, uefi, uefi32, floppy, cd, krn" ;;
esac

if [[ ${GUI:-0} == 1 ]]; then
    for window in gtk sdl none; do
        "$qemu" -display help 2>/dev/null | grep -qx "$window" && break
    done
    [[ $window != none ]] || die 'this QEMU has no window (Debian package qemu-system-gui)'
    arguments+=(-display "$window")
else
    arguments+=(-display none)
fi

[[ $firmware != floppy ]] || firmware='BIOS and floppy drive'
[[ $firmware != cd ]] || firmware='BIOS and CD drive'
[[ $firmware != krn ]] || firmware='BIOS and no disk'
printf 'QEMU starts a PC with %s; Ctrl-A X leaves it.\n' "${firmware^^}" >&2
exec "$qemu" "${arguments[@]}" "$@"
