#!/usr/bin/env bash
# Lays out the image of a floppy (README.md here says how). Prints nothing unless something is wrong or left out.
#
# make-floppy.sh --out FILE --boot FILE --stage2 FILE --config FILE --readme FILE [--kib N] MODEL.gguf...
#
# N: 1440, or 720, 1200, 2880. The floppy gets the first model that it has room for. The same inputs give the same
# bytes.
set -euo pipefail
# shellcheck source=image/common.sh
source "$(dirname -- "$0")/common.sh"

readonly stage2_name=BOOTLLAM.SYS

# What DOS formats. sectors a track, sectors a cluster, slots of the root directory, media descriptor.
choose_format()
{
    kib=${option[kib]:-1440}
    case $kib in
    720) format=(9 2 112 f9) ;;
    1200) format=(15 1 224 f9) ;;
    1440) format=(18 1 224 f0) ;;
    2880) format=(36 2 240 f0) ;;
    *) die "'$kib' is none of 720, 1200, 1440, 2880" ;;
    esac
}

make_volume()
{
    mkfs.fat --invariant -a -F 12 -R 1 -f 2 -g "2/${format[0]}" -s "${format[1]}" -r "${format[2]}" \
        -M "0x${format[3]}" -D 0 -i "$volume_id" -n "$label" -C "$disk" "$kib" >/dev/null
}

# In the first clusters, hidden from users and, as a system file, from whatever moves files. Sector 0 gets the code
# around the BPB and the LBA of those clusters.
add_boot_code()
{
    copy_file "${option[stage2]}" "/$stage2_name"
    mattrib -i "$volume" +r +h +s "::/$stage2_name"
    [[ $(mshowfat -i "$volume" "::/$stage2_name") == *'<2-'*[0-9]'>' ]] || die "$stage2_name is not in one piece"
    head -c 3 -- "${option[boot]}" | write_at "$disk" 0
    tail -c +63 -- "${option[boot]}" | write_at "$disk" 62
    set_stage2_lba "$disk" 0 "$(data_start "$disk" 0)"
}

room()
{
    mdir -i "$volume" :: | sed -nE '/bytes free/s/[^0-9]//gp'
}

# The first model that fits, one cluster less for the end of its folder.
add_model()
{
    local i free
    free=$(room)
    for i in "${!models[@]}"; do
        if (($(size_of "${models[i]}") + 2 * sector <= free)); then
            copy_file "${models[i]}" "/MODELS/${names[i]}"
            return
        fi
        warn "${models[i]} left out: the floppy has room for $free bytes"
    done
    die 'no model fits on the floppy'
}

main()
{
    parse_arguments 'out boot stage2 config readme kib?' "$@"
    check_files "${option[boot]}" "${option[stage2]}" "${option[config]}" "${option[readme]}" "${models[@]}"
    check_boot_sector "${option[boot]}"
    name_models
    choose_format
    mkdir -p -- "$(dirname -- "${option[out]}")"
    folder=$(mktemp -d -- "${option[out]}.XXXXXX") # beside the image, so that mv does not copy
    trap 'rm -rf -- "$folder"' EXIT
    disk=$folder/floppy volume=$folder/floppy
    make_volume
    add_boot_code
    copy_text "${option[config]}" /BOOTLLAM.CFG
    copy_text "${option[readme]}" /README.TXT
    mmd -i "$volume" ::/MODELS
    add_model
    chmod 644 "$disk"
    mv -f -- "$disk" "${option[out]}"
}

main "$@"
