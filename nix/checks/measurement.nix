# The image that Nix built has the measurements of measurements/next.json; a difference is explained down to the file.
{
  pkgs,
  source,
  tools,
  init,
  server,
  ...
}:
pkgs.runCommand "check-measurement" { } ''
  mkdir programs
  cp ${init}/bin/letsesign-init ${server}/bin/letsesign-server programs/
  programs=$PWD/programs
  cd ${source}
  ${tools.xtask}/bin/xtask eif --programs $programs --output $out --check
''
