# The prebuilt kernel with its configuration and its licence, as the repository holds it;
# reproducers.kernel makes it again.
{ pkgs, select, ... }:
pkgs.runCommand "enclave-kernel" { src = select { paths = [ "enclave/packages/kernel" ]; }; } ''
  mkdir $out
  cp "$src"/enclave/packages/kernel/* $out/
''
