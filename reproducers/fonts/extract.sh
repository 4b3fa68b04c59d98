#!/bin/sh
# The fonts of the server's stamps. This is extraction, not a build: Debian's packages carry the finished font files as
# their designers published them, and the bytes in enclave/packages/fonts are those bytes.
#
#   extract.sh PACKAGES OUT
#
# PACKAGES  folder with the .deb files that packages.json pins, already verified
# OUT       an existing folder; fonts/... is written below it
set -eu
# Nothing of the caller's environment but where programs and temporary files are: TAR_OPTIONS, XZ_OPT, GZIP and their like
# change what tools do.
if [ "${1:-}" != --clean ]; then
  exec env -i PATH="$PATH" TMPDIR="${TMPDIR:-/tmp}" LC_ALL=C TZ=UTC "$0" --clean "$@"
fi
shift
packages=$1 out=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM

for package in "$packages"/*.deb; do
  ar p "$package" data.tar.xz | tar -xJ -C "$work"
done

# take NAME FONT: the font file, and the copyright file of its package (which holds the licence) beside it.
take() {
  mkdir -p "$out/fonts"
  install -m 0644 "$work/usr/share/fonts/$2" "$out/fonts/$(basename "$2")"
  install -m 0644 "$work/usr/share/doc/$1/copyright" "$out/fonts/$1.copyright"
}
take fonts-dancingscript opentype/dancingscript/DancingScript-Regular.otf
take fonts-inconsolata truetype/inconsolata/Inconsolata.otf
take fonts-arphic-ukai truetype/arphic/ukai.ttc
# Its licence wants this very file to go with every copy of the font.
gzip -dc "$work/usr/share/doc/fonts-arphic-ukai/license/english/ARPHICPL.TXT.gz" > "$out/fonts/ARPHICPL.TXT"
chmod 0644 "$out/fonts/ARPHICPL.TXT"
