#!/usr/bin/env bash
# Makes a small FAT32 volume for the chapter on FAT: the same bytes every time, a directory MODELS, and in it a model in
# two fragments, because another file was deleted before.
#
# volume.sh IMAGE
set -euo pipefail
export SOURCE_DATE_EPOCH=1767225600 TZ=UTC LC_ALL=C.UTF-8 MTOOLSRC=/dev/null
PATH=$PATH:/usr/sbin:/sbin

readonly kib=34816                # the least that makes FAT32 with clusters of one sector
readonly next_free=$((512 + 492)) # in sector 1: where programs begin to look for a free cluster; FFFFFFFFh is unknown

image=$1
cd "$(dirname -- "$0")/../.."
rm -f -- "$image"
mkfs.fat -C -F 32 --invariant -s 1 -n BOOK "$image" "$kib" >/dev/null
mmd -i "$image" ::/MODELS
mcopy -i "$image" LICENSE ::/LICENSE
mcopy -i "$image" model/default.md ::/CARD.MD
mdel -i "$image" ::/LICENSE
printf '\377\377\377\377' | dd of="$image" bs=1 seek="$next_free" conv=notrunc status=none
mcopy -i "$image" model/default.gguf '::/MODELS/Default model.gguf'
