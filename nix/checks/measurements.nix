# The files of measurements/ are well formed and agree with each other.
{ pkgs, source, tools, ... }:
pkgs.runCommand "check-measurements" { } ''
  cd ${source}
  ${tools.xtask}/bin/xtask measurements
  touch $out
''
