# The prebuilt kernel with its configuration and its licence, as the repository holds it; reproducers.kernel makes it again.
{ pkgs, source, ... }:
pkgs.runCommand "enclave-kernel" { } ''
  mkdir $out
  cp ${source}/enclave/packages/kernel/* $out/
''
