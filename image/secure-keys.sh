#!/usr/bin/env bash
# Makes the keys of Secure Boot, once, and what firmware enrols them from:
#
#   FOLDER/PK.key, KEK.key, DB.key     private, for the owner's eyes alone; DB.key signs (sign.sh)
#   FOLDER/PK.crt, KEK.crt, DB.crt     their certificates in PEM form
#   FOLDER/enrol/*.CER, *.ESL, *.AUTH  the certificates as firmware set-up, other tools, and SetVariable take them
#
# Keys that are there are kept. FOLDER/enrol is what goes onto the stick; no private key is in it.
#
# secure-keys.sh FOLDER
set -euo pipefail
# shellcheck source=image/common.sh
source "$(dirname -- "$0")/common.sh"

readonly days=9125 # 25 years

make_key()
{
    openssl req -x509 -newkey rsa:2048 -sha256 -noenc -days "$days" -subj "/CN=bootllama $1" \
        -addext basicConstraints=critical,CA:FALSE -keyout "$folder/$1.key" -out "$folder/$1.crt" 2>/dev/null ||
        die "openssl cannot make the key $1 in $folder"
}

# $1 in its three forms, the last signed by the key $2. It holds the time, so it is made once.
make_enrolment()
{
    local variable=$1
    [[ ! -e $enrol/$1.AUTH || $folder/$1.crt -nt $enrol/$1.AUTH ]] || return 0
    [[ $1 != DB ]] || variable=db
    openssl x509 -in "$folder/$1.crt" -outform DER -out "$enrol/$1.CER"
    cert-to-efi-sig-list -g "$owner" "$folder/$1.crt" "$enrol/$1.ESL"
    sign-efi-sig-list -g "$owner" -k "$folder/$2.key" -c "$folder/$2.crt" "$variable" "$enrol/$1.ESL" \
        "$enrol/$1.AUTH" >/dev/null || die "$folder/$2.key cannot sign the list of $1"
}

[[ $# -eq 1 ]] || die 'usage: secure-keys.sh FOLDER'
folder=$1 enrol=$1/enrol
umask 077
mkdir -p -- "$enrol"
for name in PK KEK DB; do
    if [[ -e $folder/$name.key && -e $folder/$name.crt ]]; then
        continue
    fi
    [[ ! -e $folder/$name.key && ! -e $folder/$name.crt ]] ||
        die "$folder has one of $name.key and $name.crt without the other: restore it, or delete both"
    make_key "$name"
done
# Who the entries of the lists belong to: the same for the same PK.
owner=$(openssl x509 -in "$folder/PK.crt" -outform DER | sha256sum)
owner=${owner:0:8}-${owner:8:4}-${owner:12:4}-${owner:16:4}-${owner:20:12}
make_enrolment PK PK
make_enrolment KEK PK
make_enrolment DB KEK
chmod 644 "$enrol"/*
