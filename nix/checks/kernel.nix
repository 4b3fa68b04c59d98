# The kernel has what it must have, not what it must not, and stays within its option budget.
{ pkgs, source, tools, ... }:
pkgs.runCommand "check-kernel" { } ''
  cd ${source}
  ${tools.xtask}/bin/xtask kernel check
  touch $out
''
