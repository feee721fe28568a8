# What the scripts here share. Sourced by them; functions and constants alone.
# shellcheck shell=bash
# shellcheck disable=SC2034 # constants that only some of the scripts use

readonly sector=512 mib=1048576
readonly volume_id=424c4c4d           # the volume's serial number
readonly label=BOOTLLAMA
readonly largest_file=4294967295      # FAT's 32-bit file sizes

export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-1767225600} # 2026-01-01: files are dated with it
export TZ=UTC LC_ALL=C.UTF-8 MTOOLSRC=/dev/null
PATH=$PATH:/usr/sbin:/sbin # mkfs.fat and sfdisk, on a user's PATH too

program=${0##*/}
readonly program=${program%.sh}

warn() { printf '%s: %s\n' "$program" "$*" >&2; }

die()
{
    warn "$*"
    exit 1
}

size_of()
{
    stat -L -c %s -- "$1"
}

# Little-endian number: file, offset, bytes.
number_at()
{
    od -An -v -t "u$3" -j "$2" -N "$3" --endian=little -- "$1" | tr -d ' '
}

# Sectors of the FAT volume at byte $2 of file $1 before its first cluster: reserved ones, FATs, FAT16's root directory.
data_start()
{
    local bytes reserved fats slots fat
    bytes=$(number_at "$1" $(($2 + 11)) 2)
    reserved=$(number_at "$1" $(($2 + 14)) 2)
    fats=$(number_at "$1" $(($2 + 16)) 1)
    slots=$(number_at "$1" $(($2 + 17)) 2)
    fat=$(number_at "$1" $(($2 + 22)) 2)
    ((fat > 0)) || fat=$(number_at "$1" $(($2 + 36)) 4) # FAT32
    printf '%d\n' $((reserved + fats * fat + slots * 32 / bytes))
}

# Writes standard input into file $1 from byte $2 on.
write_at()
{
    dd of="$1" bs=64K seek="$2" oflag=seek_bytes conv=notrunc status=none
}

# Writes 32-bit little-endian number $3 into file $1 at byte $2.
write_number_at()
{
    local hex
    hex=$(printf '%08x' "$3")
    printf '%b' "\\x${hex:6:2}\\x${hex:4:2}\\x${hex:2:2}\\x${hex:0:2}" | write_at "$1" "$2"
}

# An address of the BIOS path's layout.
address() { sed -nE "s/^#define $1 (0x[0-9A-F]+) .*/\1/p" "${BASH_SOURCE[0]%/*}/../bios/layout.h"; }

# Tells the boot sector at byte $2 of file $1 the LBA of stage 2.
set_stage2_lba()
{
    local at=$(($2 + $(address BOOT_STAGE2_LBA) - $(address BOOT_ADDRESS)))
    write_number_at "$1" $at $(($3 | $(number_at "$1" $((at + 3)) 1) << 24)) # BOOT_BLOCK stays
}

# parse_arguments "NAME ..." ARGUMENT...: options --NAME VALUE go to option[], each --efi to efis[], each --key to
# keys[], the rest to models[]. An option of the list that may be missing is listed with a question mark. Only a disk
# whose size is given may be without models.
declare -A option=()
parse_arguments()
{
    local known=" $1 " name
    shift
    efis=() keys=()
    while [[ ${1:-} == --* ]]; do
        name=${1#--}
        [[ $known == *" $name "* || $known == *" $name? "* ]] || die "unknown option $1"
        [[ $# -ge 2 ]] || die "$1 needs a value"
        case $name in
        efi) efis+=("$2") ;;
        key) keys+=("$2") ;;
        esac
        option[$name]=$2
        shift 2
    done
    models=("$@")
    for name in $known; do
        [[ $name == *\? || -n ${option[$name]:-} ]] || die "--$name is missing"
    done
    ((${#models[@]} > 0)) || [[ -n ${option[mib]:-} ]] || die 'no model given'
}

check_files()
{
    local file
    for file in "$@"; do
        [[ -f $file && -r $file ]] || die "cannot read file '$file'"
    done
}

check_boot_sector()
{
    [[ $(size_of "$1") -eq $sector ]] || die "$1 is not $sector bytes long"
    [[ $(number_at "$1" 510 2) -eq $((0xaa55)) ]] || die "$1 does not end in 55 AA"
}

# Sets names[] to the names of the models on the volume; drops a model if its name is taken.
name_models()
{
    local model name used='|' kept=()
    names=()
    for model in "${models[@]}"; do
        (($(size_of "$model") <= largest_file)) || die "$model is larger than FAT allows, 4 GiB less one byte"
        name=${model##*/}
        name=${name%.[gG][gG][uU][fF]}
        name=${name//[\"*:<>?|\\]/_}
        name=${name^^}.GGUF
        if [[ $used == *"|$name|"* ]]; then
            warn "$model left out: another model is called $name"
            continue
        fi
        used+="$name|"
        kept+=("$model")
        names+=("$name")
    done
    models=("${kept[@]}")
}

# Copies $1 into the volume as $2; texts get DOS line endings. $volume is mtools' name of it, which the script sets.
volume=''
copy_file() { mcopy -i "$volume" "$1" "::$2"; }
copy_text() { sed 's/\r*$/\r/' "$1" | mcopy -i "$volume" - "::$2"; }
