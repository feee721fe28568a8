#!/usr/bin/env bash
# Writes the whole image to a USB stick and reads it back. Everything on the stick is lost, so it accepts only a
# removable disk with no part in use, and asks before it writes.
#
# usb.sh IMAGE DEVICE
set -euo pipefail

die()
{
    printf 'usb: %s\n' "$*" >&2
    exit 1
}

# Prints one column of lsblk for the device itself.
property() { lsblk -dnbro "$1" -- "$device" | sed 's/^ *//; s/ *$//'; }

check_device()
{
    local type in_use
    [[ -n $device ]] || die 'which stick? make usb DEV=/dev/sdX (lsblk lists the disks)'
    [[ -e $device ]] || die "$device does not exist (lsblk lists the disks)"
    type=$(property TYPE 2>/dev/null) || die "$device is not a block device"
    [[ $type != part ]] || die "$device is a partition; name the whole disk, /dev/$(property PKNAME)"
    [[ $type == disk ]] || die "$device is not a disk but a device of type $type"
    [[ $(property RO) == 0 ]] || die "$device is write-protected"
    [[ $(property RM) == 1 ]] || die "$device is not removable media; if it must be this disk, use dd (README.md)"
    # Mounted file systems, swap, and volumes on top of the disk (LUKS, LVM, RAID).
    in_use=$(lsblk -nro NAME,TYPE,MOUNTPOINT -- "$device" | awk '$3 != "" || ($2 != "disk" && $2 != "part")')
    [[ -z $in_use ]] || die "$device is in use; unmount it first:"$'\n'"$in_use"
    (($(property SIZE) >= image_size)) || die "$device is too small: the image has $image_size bytes"
}

ask()
{
    local answer=''
    printf 'About to write %s (%d MiB) to this disk. Everything on it will be lost:\n' \
        "$image" $((image_size / 1048576)) >&2
    lsblk -do NAME,SIZE,TRAN,VENDOR,MODEL -- "$device" >&2
    printf 'Type yes to go on: ' >&2
    read -r answer || true
    [[ $answer == yes ]] || die 'nothing was written'
}

write_and_verify()
{
    local as_root=()
    [[ -w $device && -r $device ]] || as_root=(sudo)
    "${as_root[@]}" wipefs --quiet --all -- "$device" # otherwise the copy of a GPT at the end would stay
    "${as_root[@]}" dd if="$image" of="$device" bs=4M conv=fsync,notrunc status=progress
    sync
    if [[ -b $device ]]; then # so that the comparison reads the stick, not the cache
        "${as_root[@]}" blockdev --flushbufs "$device"
    fi
    "${as_root[@]}" cmp -n "$image_size" -- "$image" "$device" ||
        die "$device does not hold what was written: a bad stick?"
    printf 'usb: %s holds the image, read back and equal. Take it out and boot from it.\n' "$device" >&2
}

[[ $# -eq 2 ]] || die 'usage: usb.sh IMAGE DEVICE'
image=$1 device=$2
PATH=$PATH:/usr/sbin:/sbin # blockdev and wipefs, on a user's PATH too
[[ -f $image ]] || die "no image $image"
image_size=$(stat -c %s -- "$image")
check_device
ask
write_and_verify
