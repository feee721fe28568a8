#!/usr/bin/env bash
# Signs UEFI applications for Secure Boot where they are. A file that is signed by this certificate already, and by no
# other, stays as it is; any other signature is replaced.
#
# sign.sh KEY CERT FILE...    KEY: RSA, PEM; CERT: its certificate, PEM
set -euo pipefail
# shellcheck source=image/common.sh
source "$(dirname -- "$0")/common.sh"

check_key()
{
    local public
    [[ -n $key ]] || die 'which key? make sign KEY=DB.key CERT=DB.crt (make secure-keys makes both)'
    [[ -n $cert ]] || die 'which certificate? make sign KEY=DB.key CERT=DB.crt (make secure-keys makes both)'
    [[ -f $key && -r $key ]] || die "cannot read the key '$key'"
    [[ -f $cert && -r $cert ]] || die "cannot read the certificate '$cert'"
    public=$(openssl pkey -in "$key" -pubout 2>/dev/null) || die "$key is not a private key in PEM form"
    openssl x509 -inform PEM -in "$cert" -noout 2>/dev/null || die "$cert is not a certificate in PEM form"
    [[ $public == "$(openssl x509 -in "$cert" -pubkey -noout)" ]] || die "$key is not the key of $cert"
    openssl rsa -in "$key" -noout 2>/dev/null || die "$key is not an RSA key, which firmware wants"
}

# Whether $1 has one signature, and that by the certificate.
is_signed()
{
    [[ $(sbverify --list "$1" 2>/dev/null | grep -c '^signature ') == 1 ]] &&
        sbverify --cert "$cert" "$1" >/dev/null 2>&1
}

sign()
{
    local signed=$1.signed
    cp -- "$1" "$signed"
    while sbattach --remove "$signed" >/dev/null 2>&1; do :; done
    sbsign --key "$key" --cert "$cert" --output "$signed" "$signed" >/dev/null 2>&1 || die "sbsign cannot sign $1"
    is_signed "$signed" || die "the signature of $1 does not hold"
    mv -f -- "$signed" "$1"
}

[[ $# -ge 3 ]] || die 'usage: sign.sh KEY CERT FILE...'
key=$1 cert=$2
check_key
for file in "${@:3}"; do
    if is_signed "$file"; then
        printf 'sign: %s is signed by %s already\n' "$file" "$cert"
    else
        trap 'rm -f -- "$file.signed"' EXIT
        sign "$file"
        printf 'sign: %s is now signed by %s\n' "$file" "$cert"
    fi
done
