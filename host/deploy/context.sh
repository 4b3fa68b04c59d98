#!/bin/sh
# Makes the root file system of Dockerfile's image in FOLDER, out of this machine's programs and
# what cargo builds; no image of somebody else's is below it.
#
#   host/deploy/context.sh target/host/docker
#
# It needs cargo, a C compiler (SQLite) and the programs of coreutils, grep, sed and a shell.
set -eu
umask 022
if [ $# != 1 ]; then
  echo "usage: $0 FOLDER" >&2
  exit 2
fi
mkdir -p "$1"
out=$(cd "$1" && pwd)
cd "$(dirname "$0")/../.."

# Each with its own features: the server's emulation is not for any other program.
cargo build --locked --release --package letsesign-host
cargo build --locked --release --package letsesign-server --features letsesign-server/emulation \
  --target-dir target/host/emulation
cargo build --locked --release --package letsesign-testbed --target-dir target/host/emulation
# A small S3 server, in the release that the tests use.
version=$(sed -n '/^name = "s3s-fs"$/{n;s/^version = "\(.*\)"$/\1/p;}' Cargo.lock)
cargo install --locked --root target/host/s3 --version "$version" --features binary s3s-fs

root=$out/root
rm -rf "$root" "$out/state"
mkdir -p "$root/usr/bin" "$root/usr/share/letsesign" "$root/etc/ssl/certs" "$root/tmp" \
  "$out/state/letsesign-host" "$out/state/objects/payloads"
chmod 1777 "$root/tmp"
ln -s usr/bin "$root/bin"
cp target/release/letsesign-host target/host/emulation/release/letsesign-server \
  target/host/emulation/release/letsesign-testbed target/host/s3/bin/s3s-fs "$root/usr/bin/"
for program in chmod grep head mv sed sh sleep; do
  cp -L "$(command -v $program)" "$root/usr/bin/$program"
done
cp host/deploy/emulation.sh "$root/usr/bin/emulation"
chmod 0755 "$root/usr/bin/emulation"
cp -r enclave/configs "$root/usr/share/letsesign/configs"
cp -r enclave/packages/fonts "$root/usr/share/letsesign/fonts"
cp host/deploy/emulation.json "$root/usr/share/letsesign/"
mkdir -p "$root/etc/letsesign-host"
cp host/deploy/emulation.toml "$root/etc/letsesign-host/host.toml"
cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
echo 'letsesign:x:65532:65532::/var/lib/letsesign-host:/bin/sh' > "$root/etc/passwd"
echo 'letsesign:x:65532:' > "$root/etc/group"

# The shared libraries of all of them, where each program looks for them.
for program in "$root"/usr/bin/*; do
  ldd "$program" 2> /dev/null || true
done | sed -n 's/^.* => \(\/[^ ]*\) .*$/\1/p; s/^[[:space:]]*\(\/[^ ]*\) (.*$/\1/p' | sort -u |
  while read -r library; do
    mkdir -p "$root$(dirname "$library")"
    cp -L "$library" "$root$library"
  done
