# enclave/base unpacked, with this machine's shared libc beside it for build scripts: what
# xtask/src/base.rs makes. `dynamic-linker` names the program interpreter of build scripts.
{ pkgs, select, ... }:
pkgs.runCommand "enclave-sysroot" { src = select { paths = [ "enclave/base" ]; }; } ''
  cd "$src/enclave/base"
  sha256sum --check --strict SHA256SUMS
  mkdir -p "$out/lib" "$out/dyn" "$NIX_BUILD_TOP/unpacked"
  for package in *.deb; do
    ar p "$package" data.tar.xz | tar -xJ -C "$NIX_BUILD_TOP/unpacked"
  done
  while read -r file; do
    cp "$NIX_BUILD_TOP/unpacked/$file" "$out/lib/"
  done < FILES
  # Debian's libm.a is a linker script with absolute paths.
  echo 'GROUP ( libm-2.36.a libmvec.a )' > "$out/lib/libm.a"

  library() {
    local file
    file=$(cc -print-file-name="$1")
    if [ ! -e "$file" ]; then
      echo "the C compiler knows no $1" >&2
      exit 1
    fi
    realpath -s "$file"
  }
  interpreter=$(library ld-linux-x86-64.so.2)
  for name in libc.so.6 libm.so.6 libgcc_s.so.1; do
    ln -s "$(library $name)" "$out/dyn/$name"
  done
  ln -s libm.so.6 "$out/dyn/libm.so"
  ln -s libgcc_s.so.1 "$out/dyn/libgcc_s.so"
  ln -s "$interpreter" "$out/dyn/ld-linux-x86-64.so.2"
  echo 'GROUP ( libc.so.6 libc_nonshared.a AS_NEEDED ( ld-linux-x86-64.so.2 ) )' > "$out/dyn/libc.so"
  printf %s "$interpreter" > "$out/dynamic-linker"
''
