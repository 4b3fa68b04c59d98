# enclave/base unpacked, with this machine's shared libc beside it for build scripts.
{ pkgs, source, tools, ... }:
pkgs.runCommand "enclave-sysroot" { } ''
  cd ${source}
  ${tools.xtask}/bin/xtask sysroot --output $out
''
