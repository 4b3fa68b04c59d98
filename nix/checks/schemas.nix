# Every JSON file of the tree, and the description of the image that Nix built, is as its schema says.
{
  pkgs,
  testSource,
  tools,
  eif,
  ...
}:
pkgs.runCommand "check-schemas" { } ''
  cd ${testSource}
  ${tools.xtask}/bin/xtask schemas --image ${eif}/letsesign-enclave.json
  touch $out
''
