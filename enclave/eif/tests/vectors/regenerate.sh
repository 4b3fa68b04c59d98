#!/bin/sh
# Makes the vectors anew with AWS's eif_build 0.2.1, the oracle of these tests:
#
#   cargo install eif_build --version 0.2.1 --locked
#   enclave/eif/tests/vectors/regenerate.sh [path of eif_build]
#
# Unsigned vectors are the same each time. The signed one is not (OpenSSL draws a random nonce), and
# any result is a valid vector. Inputs are in inputs/; the key belongs to nobody and signs nothing
# but this vector.
set -eu
cd "$(dirname "$0")"
oracle=${1:-eif_build}
in=inputs

build() {
    name=$1
    shift
    # eif_build takes the image's version from --name too, whatever --version says.
    "$oracle" --kernel "$in/$kernel" --cmdline "$(cat "$in/cmdline")" --name vector --version vector \
        --build-time '' --build-tool oracle --build-tool-version 0.2.1 --img-os '' --img-kernel '' \
        --output "$name.eif" "$@" | sed 1d >"$name.json"
    sha256sum "$name.eif"
}

kernel=bzImage
build one-ramdisk --ramdisk $in/ramdisk1
build two-ramdisks --ramdisk $in/ramdisk1 --ramdisk $in/ramdisk2
build empty-ramdisk --ramdisk $in/ramdisk1 --ramdisk $in/empty --ramdisk $in/ramdisk2
build signed --ramdisk $in/ramdisk1 --ramdisk $in/ramdisk2 --private-key $in/key.pem --signing-certificate $in/cert.pem
kernel=Image
build aarch64 --arch aarch64 --ramdisk $in/ramdisk1 --ramdisk $in/ramdisk2
