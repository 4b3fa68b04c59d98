# Every JSON file of the tree, and the description of the image that Nix built, is as its schema
# says.
{
  pkgs,
  source,
  tools,
  eif,
  ...
}:
pkgs.runCommand "check-schemas" { } ''
  cd ${source.tests}
  ${tools.xtask}/bin/xtask schemas --image ${eif}/letsesign-enclave.json
  touch $out
''
