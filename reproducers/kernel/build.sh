#!/bin/sh
# Builds the enclave's kernel from Debian's source package with a pinned toolchain, in a root of its own.
#
#   build.sh PACKAGES OUT [JOBS]
#
# PACKAGES  folder with exactly the .deb files that packages.json pins, already verified: the toolchain and the source
# OUT       an existing folder; kernel/bzImage, kernel/config and the licence's texts are written below it
# JOBS      number of compiler processes, 1 if absent; does not change the bytes
#
# The kernel records the versions of compiler, assembler and linker, and whether there is a Rust compiler; so nothing of
# the machine's own may be seen. From this machine come only: sh, ar, tar, xz, unshare, chroot, and the running kernel.
# About 3 GB are needed below TMPDIR.
set -eu
# Nothing of the caller's environment but where programs and temporary files are: TAR_OPTIONS, XZ_OPT and their like change
# what tools do. How far we are is told by a word of the command line, which no environment holds.
step=
case ${1:-} in
  --clean | --inside) step=$1 && shift ;;
  *) exec env -i PATH="$PATH" TMPDIR="${TMPDIR:-/tmp}" LC_ALL=C TZ=UTC "$0" --clean "$@" ;;
esac
packages=$(cd "$1" && pwd) out=$(cd "$2" && pwd) jobs=${3:-1}
here=$(cd "$(dirname "$0")" && pwd)
for tool in ar tar xz unshare chroot; do
  command -v "$tool" >/dev/null || { echo "build.sh: $tool is missing" >&2; exit 1; }
done

if [ "$step" = --clean ]; then
  unshare --map-root-user --mount -- true || {
    echo "build.sh: this machine allows no user namespaces; allow them, or run this as root" >&2
    exit 1
  }
  # A user and mount namespace of our own: chroot without root, and mounts that vanish with us.
  exec unshare --map-root-user --mount -- "$0" --inside "$packages" "$out" "$jobs"
fi

root=$(mktemp -d)
trap 'rm -rf --one-file-system "$root"' EXIT
trap 'exit 130' INT TERM

echo "==> root"
umask 022
# Debian's merged /usr, made by hand because no package scripts run.
mkdir -p "$root/usr/bin" "$root/usr/sbin" "$root/usr/lib" "$root/usr/lib64" "$root/dev" "$root/tmp" "$root/build"
for name in bin sbin lib lib64; do ln -s "usr/$name" "$root/$name"; done
for package in "$packages"/*.deb; do
  ar p "$package" data.tar.xz | tar -xJ -C "$root" --keep-directory-symlink --no-same-owner
done
ln -sf gcc-12 "$root/usr/bin/gcc"
ln -sf mawk "$root/usr/bin/awk"
ln -sf dash "$root/usr/bin/sh"
: > "$root/dev/null"
mount --bind /dev/null "$root/dev/null"

echo "==> source"
tar -xJf "$root"/usr/src/linux-source-*.tar.xz -C "$root/build" --strip-components=1 --no-same-owner
rm "$root"/usr/src/linux-source-*.tar.xz
cp "$here/fragment.config" "$root/fragment.config"
for patch in "$here"/*.patch; do
  [ -e "$patch" ] && cp "$patch" "$root/"
done

cat > "$root/inside.sh" <<'INSIDE'
set -eu
cd /build
for patch in /*.patch; do
  if [ -e "$patch" ]; then patch -p1 -i "$patch"; fi
done
echo "==> configure"
make ARCH=x86 KCONFIG_ALLCONFIG=/fragment.config allnoconfig
echo "==> compile"
make ARCH=x86 -j "$1" bzImage
INSIDE
# Everything that the kernel's makefiles would take from their surroundings, fixed. "@0" is not understood everywhere,
# and a date that is not understood is dropped without a word; `kernel check` looks for this one in the result.
env -i PATH=/usr/sbin:/usr/bin HOME=/ LC_ALL=C TZ=UTC SOURCE_DATE_EPOCH=0 \
  KBUILD_BUILD_TIMESTAMP='Thu Jan  1 00:00:00 UTC 1970' KBUILD_BUILD_USER=enclave KBUILD_BUILD_HOST=enclave \
  KBUILD_BUILD_VERSION=1 \
  "$(command -v chroot)" "$root" /bin/sh /inside.sh "$jobs"

echo "==> copy"
mkdir -p "$out/kernel"
install -m 0644 "$root/build/arch/x86/boot/bzImage" "$out/kernel/bzImage"
install -m 0644 "$root/build/.config" "$out/kernel/config"
# The terms that a copy of the kernel comes with.
for text in COPYING LICENSES/preferred/GPL-2.0 LICENSES/exceptions/Linux-syscall-note; do
  install -m 0644 "$root/build/$text" "$out/kernel/$(basename "$text")"
done
umount "$root/dev/null"
