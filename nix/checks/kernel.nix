# The kernel has what it must have, not what it must not, and stays within its option budget.
{ pkgs, select, tools, ... }:
pkgs.runCommand "check-kernel"
  {
    src = select {
      paths = [
        "enclave/base/SHA256SUMS"
        "enclave/packages"
        "reproducers/kernel"
      ];
    };
  }
  ''
    cd "$src"
    ${tools.xtask}/bin/xtask kernel check
    touch $out
  ''
