# The measurements of all releases and of this tree.
{ pkgs, select, ... }:
pkgs.runCommand "measurements" { src = select { paths = [ "measurements" ]; }; } ''
  mkdir $out
  cp "$src"/measurements/*.json $out/
''
