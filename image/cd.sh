# What makes a disk image a CD, too. Sourced by make-image.sh; functions and constants alone.
# shellcheck shell=bash
# shellcheck disable=SC2154 # variables of make-image.sh and common.sh

readonly cd_block=2048
readonly cd_area=32768 # bytes before the ISO 9660 file system, which a disk's boot sector may have

# Writes a file of the tree, as a note where its data are: cd_extents.py reads it. $1: name, $2: byte, $3: bytes.
put_note()
{
    mkdir -p -- "$tree${1%/*}"
    printf 'EXTENT %d %d' "$2" "$3" >"$tree$1"
}

# Byte of the image at which a file of the volume begins. $1: mtools' name of it.
place_of()
{
    local clusters
    clusters=$(mshowfat -i "$volume" "$1")
    [[ $clusters =~ '<'([0-9]+)(-[0-9]+)?'>'$ ]] || die "$1 is not in one piece"
    printf '%d\n' $((partition + ($(data_start "$disk" "$partition") + (BASH_REMATCH[1] - 2) * cluster) * sector))
}

# The files of the volume, and the boot images: for BIOS, which stage 2 follows, and for UEFI, which is the volume.
make_tree()
{
    local name pattern
    while read -r name; do
        pattern=${name//[/[[]} # for mtools a bracket begins a set of characters
        [[ $name == */ ]] || put_note "${name#::}" "$(place_of "$pattern")" "$(mtype -i "$volume" "$pattern" | wc -c)"
    done < <(mdir -i "$volume" -/ -b ::)
    put_note /BOOT/UEFI.IMG "$partition" 0
    cat -- "$cd" "${option[stage2]}" >"$tree/BOOT/BIOS.IMG"
}

# Lays out the ISO 9660 file system, with names for Linux and Windows, in the gap before the partition. Each file's data
# stay where the volume has them.
make_cd()
{
    local tree=$folder/tree iso=$folder/iso catalog image
    make_tree
    xorriso -as mkisofs -quiet -o "$iso" -V "$label" -iso-level 3 -r -J -joliet-long -no-pad \
        --set_all_file_dates "=$SOURCE_DATE_EPOCH" \
        -b BOOT/BIOS.IMG -no-emul-boot -boot-load-size 4 -c BOOT/BOOT.CAT \
        -eltorito-alt-boot -e BOOT/UEFI.IMG -no-emul-boot -hide UEFI.IMG -hide-joliet UEFI.IMG "$tree" \
        2>"$folder/said" || die "$(<"$folder/said")"
    (($(size_of "$iso") <= partition)) || die "the file system of the CD does not fit before the volume"
    catalog=$(number_at "$iso" $((17 * cd_block + 71)) 4)
    image=$(number_at "$iso" $((catalog * cd_block + 32 + 8)) 4)
    "$(dirname -- "$0")/cd_extents.py" "$iso" $((size_mib * mib / cd_block))
    tail -c +$((cd_area + 1)) -- "$iso" | write_at "$disk" $cd_area
    set_stage2_lba "$disk" 0 $(((image + 1) * cd_block / sector))
    set_stage2_lba "$disk" $((image * cd_block)) $(((image + 1) * cd_block / sector))
}
