#!/usr/bin/env bash
# Lays out what a release offers: the given files, the image as disks of virtual machines (vm_disk.py), the texts, each
# large file also compressed where that gains, and SHA256SUMS. The same inputs and version give the same bytes.
#
# dist.sh FOLDER VERSION IMAGE FILE...    FOLDER is made anew
set -euo pipefail
# shellcheck source=image/common.sh
source "$(dirname -- "$0")/common.sh"

readonly large=1048576 # bytes of a file that is worth compressing

# Makes $1.xz and keeps it if it is smaller by a tenth.
compress()
{
    local before after
    xz --keep --threads=1 -9 --extreme -- "$1"
    before=$(size_of "$1") after=$(size_of "$1.xz")
    ((after <= before * 9 / 10)) || rm -- "$1.xz"
}

[[ $# -ge 3 ]] || die 'usage: dist.sh FOLDER VERSION IMAGE FILE...'
folder=$1 version=$2 image=$3
[[ $version =~ ^[0-9A-Za-z][0-9A-Za-z.+~-]*$ ]] || die "'$version' is no version: letters, digits and . + ~ -"
here=$(dirname "$0")
new=$folder.new
rm -rf -- "$new"
trap 'rm -rf -- "$new"' EXIT
mkdir -p -- "$new"
cp --sparse=always -- "${@:3}" "$new"
for ending in vmdk vdi vhd vhdx qcow2; do
    "$here/vm_disk.py" "$image" "$new/bootllama.$ending"
done
cp -- "$here/../CHANGELOG.md" "$here/../SECURITY.md" "$here/../LICENSE" "$new"
sed "s/@VERSION@/$version/; s/\r*\$/\r/" "$here/DIST.TXT" >"$new/README.TXT"
for file in "$new"/*; do
    (($(size_of "$file") < large)) || compress "$file"
done
(cd "$new" && sha256sum -- *) >"$new.sums"
mv -- "$new.sums" "$new/SHA256SUMS"
chmod 644 "$new"/*
touch --no-dereference --date="@$SOURCE_DATE_EPOCH" -- "$new"/*
rm -rf -- "$folder"
mv -- "$new" "$folder"
