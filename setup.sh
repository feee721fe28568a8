#!/usr/bin/env bash
# Installs the missing tools of the named groups from Debian's packages. Does nothing, silently, if none is missing. On
# another system it names the missing tools and stops.
#
# setup.sh [--check] [build] [run] [sign] [dist] [web] [test] [debug]
# --check: only name what is missing, exit 1 if anything is
set -euo pipefail
PATH=$PATH:/usr/sbin:/sbin # mkfs.fat and sfdisk are here, which is not on every user's PATH

# GROUP PACKAGE TEST: the package is needed in that group unless the test (a function below and its word) succeeds.
# Only the tool counts, not the package that it came from: a user's own Node.js is fine.
needs()
{
    cat <<'TABLE'
build gcc               program gcc
build gcc-multilib      gcc_library 32/libgcc.a
build nasm              program nasm
build gnu-efi           file /usr/lib32/libgnuefi.a
build mtools            program mcopy
build dosfstools        program mkfs.fat
build fdisk             program sfdisk
build xorriso           program xorriso
build python3           file /usr/bin/python3
build unicode-data      file /usr/share/unicode/UnicodeData.txt
build curl              program curl
build ca-certificates   file /etc/ssl/certs/ca-certificates.crt
run   qemu-system-x86   program qemu-system-x86_64
run   ovmf              ovmf
run   ovmf-ia32         ovmf ia32
sign  openssl           program openssl
sign  sbsigntool        program sbsign
sign  efitools          program sign-efi-sig-list
dist  qemu-utils        program qemu-img
dist  xz-utils          program xz
web   nodejs            program node
web   npm               program npm
web   seabios           file /usr/share/seabios/vgabios-stdvga.bin
test  u-boot-qemu       file /usr/lib/u-boot/qemu-x86/u-boot.rom
test  gcc-multilib      file /usr/include/asm/errno.h
test  libc6-dev-i386    gcc_library libc.a -m32
test  clang             program clang
test  libclang-rt-dev   clang_fuzzer
test  libcmocka-dev     file /usr/include/cmocka.h
test  shellcheck        program shellcheck
test  python3-pytest    python_module pytest
test  chromium          program chromium
test  imagemagick       program convert
test  universal-ctags   program ctags
test  bochs             program bochs
test  bochs-term        bochs_display
test  bochsbios         file /usr/share/bochs/BIOS-bochs-latest
test  seabios           file /usr/share/seabios/bios.bin
test  grub-common       program grub-mkrescue
test  grub-pc-bin       file /usr/lib/grub/i386-pc/linux16.mod
test  grub-efi-amd64-bin file /usr/lib/grub/x86_64-efi/linux.mod
test  grub-efi-ia32-bin file /usr/lib/grub/i386-efi/linux.mod
test  isolinux          file /usr/lib/ISOLINUX/isolinux.bin
test  syslinux-common   file /usr/lib/syslinux/modules/bios/ldlinux.c32
test  ipxe-qemu         file /usr/lib/ipxe/qemu/pxe-e1000.rom
debug gdb               program gdb
TABLE
    if [[ ${GUI:-0} == 1 ]]; then
        printf 'run qemu-system-gui window\n'
    fi
}

program() { type -P "$1" >/dev/null; }
file() { [[ -e $1 ]]; }
# gcc prints the bare name if it has no such library.
gcc_library() { program gcc && [[ $(gcc "${@:2}" -print-file-name="$1") == /* ]]; }
clang_fuzzer() { program clang && file "$(clang -print-resource-dir)/lib/linux/libclang_rt.fuzzer-x86_64.a"; }
python_module() { file /usr/bin/python3 && /usr/bin/python3 -c "import $1" 2>/dev/null; }
ovmf() { "$(dirname "$0")/image/ovmf.sh" "$@" >/dev/null 2>&1; }
bochs_display() { compgen -G '/usr/lib/*/bochs/plugins/libbx_term_gui.so' >/dev/null; }
window() { program qemu-system-x86_64 && qemu-system-x86_64 -display help 2>/dev/null | grep -qxE 'gtk|sdl'; }

# Packages of the named groups whose test fails, one a line.
missing_packages()
{
    local group package check words
    while read -r group package check words; do
        [[ " $* " == *" $group "* ]] || continue
        # shellcheck disable=SC2086 # the words of a test are words
        "$check" $words || printf '%s\n' "$package"
    done < <(needs) | sort -u
}

# Sets as_root to the prefix that runs a command as root: nothing, or sudo. Fails if there is no way.
find_root()
{
    as_root=()
    ((EUID != 0)) || return 0
    program sudo || return 1
    as_root=(sudo)
    if ! [[ -t 0 && -t 2 ]]; then # no user to type a password
        as_root+=(-n)
        sudo -n true 2>/dev/null
    fi
}

apt()
{
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Acquire::Retries=3 \
        -o Acquire::http::Timeout=30 -o DPkg::Lock::Timeout=300 "$@" </dev/null >&2
}

install_missing()
{
    find_root || {
        printf 'setup: missing, and no way to become root here; as root: apt-get install %s\n' "${missing[*]}" >&2
        return 1
    }
    printf 'setup: installing from Debian: %s (SETUP=0 leaves the machine as it is)\n' "${missing[*]}" >&2
    apt update || printf 'setup: apt-get update failed; trying with the lists that are here\n' >&2
    apt install -y --no-install-recommends "${missing[@]}" || {
        printf 'setup: apt-get could not install: %s\n' "${missing[*]}" >&2
        return 1
    }
}

main()
{
    local check_only=0
    if [[ ${1:-} == --check ]]; then
        check_only=1
        shift
    fi
    mapfile -t missing < <(missing_packages "$@")
    ((${#missing[@]} > 0)) || return 0
    if ((check_only)) || ! program apt-get; then
        printf 'setup: missing, by the names of Debian'\''s packages: %s\n' "${missing[*]}" >&2
        return 1
    fi
    install_missing || return 1
    mapfile -t missing < <(missing_packages "$@")
    ((${#missing[@]} == 0)) || {
        printf 'setup: installed, and yet not usable: %s\n' "${missing[*]}" >&2
        return 1
    }
}

main "$@"
