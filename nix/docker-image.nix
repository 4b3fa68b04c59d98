# The container image alone: a canonical docker-archive.
{ pkgs, eif, ... }:
pkgs.runCommand "letsesign-enclave.tar" { } ''
  cp ${eif}/letsesign-enclave.tar $out
''
