# The prebuilt kernel with its configuration, as the repository holds it; reproducers.kernel makes it again.
{ pkgs, source, ... }:
pkgs.runCommand "enclave-kernel" { } ''
  mkdir $out
  cp ${source}/enclave/packages/kernel/bzImage ${source}/enclave/packages/kernel/config $out/
''
