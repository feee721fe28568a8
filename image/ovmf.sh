#!/usr/bin/env bash
# Prints the paths of OVMF (UEFI firmware for QEMU): the code image, then the variable store to copy, one per line.
#
# ovmf.sh [ia32|secboot]    of 64 bits, of 32, or of 64 with Secure Boot, whose variables need SMM
set -euo pipefail

# Debian and Ubuntu, Arch, Fedora: code image and variable store.
if [[ ${1:-} == ia32 ]]; then
    package=ovmf-ia32
    files=(/usr/share/OVMF/OVMF32_CODE_4M{.secboot,}.fd:/usr/share/OVMF/OVMF32_VARS_4M.fd
        /usr/share/edk2/ia32/OVMF_CODE.4m.fd:/usr/share/edk2/ia32/OVMF_VARS.4m.fd
        /usr/share/edk2/ovmf-ia32/OVMF_CODE.fd:/usr/share/edk2/ovmf-ia32/OVMF_VARS.fd)
elif [[ ${1:-} == secboot ]]; then
    package=ovmf
    files=(/usr/share/OVMF/OVMF_CODE_4M.secboot.fd:/usr/share/OVMF/OVMF_VARS_4M.fd
        /usr/share/edk2/x64/OVMF_CODE.secboot.4m.fd:/usr/share/edk2/x64/OVMF_VARS.4m.fd
        /usr/share/edk2/ovmf/OVMF_CODE.secboot.fd:/usr/share/edk2/ovmf/OVMF_VARS.fd)
else
    package=ovmf
    files=(/usr/share/OVMF/OVMF_CODE_4M.fd:/usr/share/OVMF/OVMF_VARS_4M.fd
        /usr/share/OVMF/OVMF_CODE.fd:/usr/share/OVMF/OVMF_VARS.fd
        /usr/share/edk2/x64/OVMF_CODE.4m.fd:/usr/share/edk2/x64/OVMF_VARS.4m.fd
        /usr/share/edk2/ovmf/OVMF_CODE.fd:/usr/share/edk2/ovmf/OVMF_VARS.fd)
fi
for pair in "${files[@]}"; do
    code=${pair%:*} vars=${pair#*:}
    if [[ -r $code && -r $vars ]]; then
        printf '%s\n%s\n' "$code" "$vars"
        exit 0
    fi
done
printf 'ovmf: no OVMF found in /usr/share (Debian package %s)\n' "$package" >&2
exit 1
