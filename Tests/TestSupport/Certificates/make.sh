#!/bin/sh
# Makes the certificates that the tests of TLS use. They are committed, and good for a hundred years:
# run this only to make all of them anew.
set -eu
cd "$(dirname "$0")"
days=36500

key() { openssl ecparam -name prime256v1 -genkey -noout | openssl pkcs8 -topk8 -nocrypt -out "$1"; }

# root NAME: a certificate that signs others.
root() {
    key "$1.key"
    openssl req -x509 -new -key "$1.key" -subj "/CN=Apus test $1" -days "$days" -out "$1.pem" \
        -addext "basicConstraints=critical,CA:TRUE" -addext "keyUsage=critical,keyCertSign"
}

# leaf NAME ROOT EXTENSION...: one that is signed.
leaf() {
    name=$1
    signer=$2
    shift 2
    key "$name.key"
    openssl req -new -key "$name.key" -subj "/CN=Apus test $name" -out "$name.csr"
    printf '%s\n' "$@" >"$name.ext"
    openssl x509 -req -in "$name.csr" -CA "$signer.pem" -CAkey "$signer.key" -CAcreateserial \
        -days "$days" -extfile "$name.ext" -out "$name.pem"
}

root root
root stranger
leaf server root "subjectAltName=DNS:localhost" "extendedKeyUsage=serverAuth"
leaf elsewhere root "subjectAltName=DNS:elsewhere.example" "extendedKeyUsage=serverAuth"
leaf address root "subjectAltName=IP:127.0.0.1" "extendedKeyUsage=serverAuth"
leaf client root "extendedKeyUsage=clientAuth"
leaf intruder stranger "extendedKeyUsage=clientAuth"
openssl pkcs8 -topk8 -in server.key -out server-locked.key -v2 aes-256-cbc -passout pass:swift
rm -f ./*.csr ./*.ext ./*.srl root.key stranger.key
