# The image that Nix built has the measurements of measurements/next.json and, byte for byte, the sum of measurements/next.sha256, which
# the cargo road wrote. A difference is explained down to the file.
{
  pkgs,
  source,
  tools,
  init,
  server,
  eif,
  ...
}:
pkgs.runCommand "check-measurement" { } ''
  mkdir programs
  cp ${init}/bin/letsesign-init ${server}/bin/letsesign-server programs/
  programs=$PWD/programs
  cd ${source}
  ${tools.xtask}/bin/xtask eif --programs $programs --output $out --check
  cmp $out/letsesign-enclave.eif ${eif}/letsesign-enclave.eif
''
