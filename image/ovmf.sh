#!/usr/bin/env bash
# Prints the paths of OVMF (UEFI firmware for QEMU): the code image, then the variable store to copy, one per line.
set -euo pipefail

# Debian and Ubuntu, Arch, Fedora; %s is CODE or VARS.
for pattern in /usr/share/OVMF/OVMF_%s_4M.fd /usr/share/OVMF/OVMF_%s.fd /usr/share/edk2/x64/OVMF_%s.4m.fd \
    /usr/share/edk2/ovmf/OVMF_%s.fd; do
    code=${pattern/\%s/CODE} vars=${pattern/\%s/VARS}
    if [[ -r $code && -r $vars ]]; then
        printf '%s\n%s\n' "$code" "$vars"
        exit 0
    fi
done
printf 'ovmf: no OVMF found in /usr/share (Debian package ovmf)\n' >&2
exit 1
