#!/usr/bin/env bash
# Lays out a disk image (README.md here says how) without root. Prints nothing unless something is wrong.
#
# make-image.sh --out FILE --boot FILE --stage2 FILE --config FILE --readme FILE [--efi FILE]... [--mib N]
#     [--cd FILE] [--sector 4096] [--key FILE]... MODEL.gguf...
#
# Each --efi adds an application to \EFI\BOOT, each --key a file to \KEYS (texts get DOS line endings). The first
# model boots; with --mib there may be none. Without --mib the image is as large as its files require, and at least 64
# MiB. With --cd, the boot image for CDs, it is a CD, too (cd.sh), and at least 16 MiB. With --sector 4096 it is for
# disks with such sectors, without stage 2, and at least 260 MiB. The same inputs give the same bytes: every name,
# number and time that a tool would choose is fixed here.
set -euo pipefail
# shellcheck source=image/common.sh
source "$(dirname -- "$0")/common.sh"
# shellcheck source=image/cd.sh
source "$(dirname -- "$0")/cd.sh"

readonly partition=$mib                # byte; stage 2 lies in the gap before it
readonly disk_signature=0x4d4c4c42    # "BLLM" in sector 0; firmware and Windows want a nonzero one
readonly heads_sectors=255/63         # geometry in BPB and partition table
readonly clusters_min=65525           # fewer make it FAT16, whatever its BPB says
readonly default_mib=64 smallest_mib=34
readonly cd_default_mib=16 cd_smallest_mib=10
readonly large_sector=4096 large_sector_smallest_mib=260
readonly fat32_mib=130                # a CD of less is FAT16
readonly largest_mib=2097151          # 32-bit sector numbers

# The boot sector must leave the partition table empty, and stage 2 must fit into the gap.
check_boot_code()
{
    local boot=${option[boot]} stage2=${option[stage2]}
    check_boot_sector "$boot"
    cmp -s -n 70 -i 440:0 -- "$boot" /dev/zero || die "$boot has code or data at bytes 440 to 509, the partition table"
    (($(size_of "$stage2") <= partition - sector)) || die "$stage2 does not fit before LBA $partition_lba"
}

# MiB that the files need: each rounded up to the largest cluster, 2 % for the FATs, and room for the fixed parts.
mib_needed()
{
    local file bytes=$((4 * mib))
    for file in "${efis[@]}" "${models[@]}"; do
        bytes=$((bytes + ($(size_of "$file") / 32768 + 1) * 32768))
    done
    printf '%d\n' $((bytes * 102 / 100 / mib + 1))
}

choose_size()
{
    local needed smallest=$smallest_mib default=$default_mib
    [[ -z $cd ]] || smallest=$cd_smallest_mib default=$cd_default_mib
    ((unit == sector)) || smallest=$large_sector_smallest_mib default=$large_sector_smallest_mib
    needed=$(mib_needed)
    size_mib=${option[mib]:-}
    [[ -n $size_mib ]] || size_mib=$((needed > default ? needed : default))
    [[ $size_mib =~ ^[1-9][0-9]{0,6}$ ]] || die "size '$size_mib' is not a whole number of MiB"
    ((size_mib >= smallest)) || die "$size_mib MiB is too small: the volume needs $smallest"
    ((size_mib <= largest_mib)) || die "$size_mib MiB is too large: a partition table ends at $largest_mib"
    ((size_mib >= needed)) || die "$size_mib MiB is too small: the files need $needed"
}

# Sets cluster to the sectors of one, by Microsoft's table for FAT32. On a CD no file begins within a block.
choose_clusters()
{
    if ((size_mib <= 260)); then cluster=1
    elif ((size_mib <= 8192)); then cluster=8
    elif ((size_mib <= 16384)); then cluster=16
    elif ((size_mib <= 32768)); then cluster=32
    else cluster=64; fi
    bits=32 type=c
    if [[ -n $cd ]] && ((cluster < cd_block / sector)); then
        cluster=$((cd_block / sector))
        ((size_mib >= fat32_mib)) || bits=16 type=e
    fi
    cluster=$((cluster * sector > unit ? cluster * sector / unit : 1))
}

# UEFI firmware treats a FAT32 volume with fewer clusters as broken.
check_clusters()
{
    local total clusters
    total=$(number_at "$disk" $((partition + 32)) 4)
    clusters=$(((total - $(data_start "$disk" "$partition")) / cluster))
    ((clusters >= clusters_min)) || die "the volume has $clusters clusters, FAT32 needs $clusters_min"
}

# Sector 0 holds our code with sfdisk's table and signature; stage 2 follows in the gap. sfdisk believes that a file has
# sectors of 512 bytes, but only writes down the numbers.
make_disk()
{
    truncate -s $((size_mib * mib)) "$disk"
    sfdisk --quiet --no-reread --no-tell-kernel "$disk" <<TABLE
label: dos
label-id: $disk_signature
start=$partition_lba, size=$((size_mib * mib / unit - partition_lba)), type=$type, bootable
TABLE
    dd if="${option[boot]}" of="$disk" bs=440 count=1 conv=notrunc status=none
    [[ -n $cd ]] || ((unit > sector)) || write_at "$disk" "$sector" <"${option[stage2]}"
}

make_volume()
{
    mkfs.fat --invariant -F "$bits" -S "$unit" -s "$cluster" -h "$partition_lba" -g "$heads_sectors" -D 0x80 \
        -i "$volume_id" -n "$label" -m - --mbr=no --offset "$partition_lba" \
        "$disk" $(((size_mib * mib - partition) / 1024)) >/dev/null <<'MESSAGE'
This volume does not boot by itself: bootllama starts at the first sector of
the disk. Write the whole image to the disk again.
MESSAGE
    ((bits == 16)) || check_clusters
}

fill_efi()
{
    local efi
    ((${#efis[@]} > 0)) || return 0
    mmd -i "$volume" ::/EFI ::/EFI/BOOT
    for efi in "${efis[@]}"; do
        copy_file "$efi" "/EFI/BOOT/${efi##*/}"
    done
}

fill_keys()
{
    local file
    ((${#keys[@]} > 0)) || return 0
    mmd -i "$volume" ::/KEYS
    for file in "${keys[@]}"; do
        case $file in
        *.TXT) copy_text "$file" "/KEYS/${file##*/}" ;;
        *) copy_file "$file" "/KEYS/${file##*/}" ;;
        esac
    done
}

fill_volume()
{
    local i
    fill_efi
    mmd -i "$volume" ::/MODELS
    for i in "${!models[@]}"; do
        copy_file "${models[i]}" "/MODELS/${names[i]}"
    done
    fill_keys
    copy_text "${option[config]}" /BOOTLLAM.CFG
    copy_text "${option[readme]}" /README.TXT
}

main()
{
    parse_arguments 'out boot stage2 config readme efi? cd? sector? key? mib?' "$@"
    out=${option[out]} cd=${option[cd]:-} unit=${option[sector]:-$sector}
    [[ $unit == "$sector" || $unit == "$large_sector" && -z $cd ]] || die "no image for sectors of $unit bytes"
    partition_lba=$((partition / unit))
    check_files "${option[boot]}" "${option[stage2]}" ${cd:+"$cd"} "${efis[@]}" "${keys[@]}" "${option[config]}" \
        "${option[readme]}" "${models[@]}"
    check_boot_code
    name_models
    choose_size
    choose_clusters
    mkdir -p -- "$(dirname -- "$out")"
    folder=$(mktemp -d -- "$out.XXXXXX") # beside the image, so that mv does not copy
    trap 'rm -rf -- "$folder"' EXIT
    disk=$folder/disk
    volume=$disk@@$partition # mtools' syntax for its offset in the file
    make_disk
    make_volume
    fill_volume
    [[ -z $cd ]] || make_cd
    chmod 644 "$disk"
    mv -f -- "$disk" "$out"
}

main "$@"
