# Everything that the README needs.
{ craneLib, pkgs, lib, ... }:
craneLib.devShell {
  packages = lib.optionals (pkgs ? cargo-nextest) [ pkgs.cargo-nextest ] ++ lib.optionals (pkgs ? cargo-deny) [ pkgs.cargo-deny ];
  shellHook = ''
    echo "letsesign-enclave: cargo xtask eif | cargo xtask test | cargo xtask --help"
  '';
}
