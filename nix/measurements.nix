# The measurements of all releases and of this tree.
{ pkgs, source, ... }:
pkgs.runCommand "measurements" { } ''
  mkdir $out
  cp ${source}/measurements/*.json $out/
''
