#!/bin/sh
# Builds the one emulator this project needs: qemu-system-x86_64 with the machine types
# nitro-enclave and microvm.
#
#   build-qemu.sh SOURCES WORK PREFIX JOBS PATCH
#
# SOURCES  folder with Debian's source package of QEMU (*.orig.tar.xz, *.debian.tar.xz) and its
#          firmware (*.deb)
# WORK     an empty folder, about 1 GB; may be removed afterwards
# PREFIX   where bin/qemu-system-x86_64 and firmware/ go; nothing depends on the name, so the
#          folder may be moved
# JOBS     number of compiler processes
# PATCH    our own patch, applied after Debian's
#
# meson is taken from PATH. Debian's patches are applied because without them the build asks for
# firmware that Debian's tarball does not carry.
set -eu
sources=$1 work=$2 prefix=$3 jobs=$4 own=$5
cd "$work"

echo "==> unpack"
mkdir source
tar -xJf "$sources"/qemu_*.orig.tar.xz -C source --strip-components=1
tar -xJf "$sources"/qemu_*.debian.tar.xz -C source
cd source

echo "==> patch"
while read -r name rest; do
  case $name in ''|'#'*) continue ;; esac
  patch -s -p1 -i "debian/patches/$name"
done < debian/patches/series
patch -s -p1 -i "$own"

echo "==> configure"
# The device set: only the Nitro Enclave machine, which selects microvm, virtio-mmio,
# vhost-user-vsock and virtio-nsm.
cat > configs/devices/x86_64-softmmu/nitro.mak <<'MAK'
CONFIG_NITRO_ENCLAVE=y
CONFIG_MICROVM=y
MAK
mkdir ../build
cd ../build
../source/configure --prefix="$prefix" --target-list=x86_64-softmmu \
  --without-default-features --without-default-devices --with-devices-x86_64=nitro \
  --enable-tcg --enable-gnutls --enable-libcbor --enable-fdt=system --enable-vhost-user --enable-pie \
  --disable-install-blobs --disable-docs --disable-tools --disable-werror --disable-download

echo "==> compile"
ninja -j "$jobs" qemu-system-x86_64

echo "==> install"
mkdir -p "$prefix/bin"
mkdir -p "$prefix/firmware"
for package in "$sources"/*.deb; do
  ar p "$package" data.tar.xz | tar -xJ -C "$work"
done
for file in seabios/bios-microvm.bin qemu/qboot.rom qemu/linuxboot.bin qemu/linuxboot_dma.bin qemu/pvh.bin qemu/kvmvapic.bin; do
  install -m 0644 "$work/usr/share/$file" "$prefix/firmware/"
done
strip -o "$prefix/bin/qemu-system-x86_64" qemu-system-x86_64
