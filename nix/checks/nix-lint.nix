# deadnix and statix find nothing in the flake. The test doubles have no statix, which no registry
# of crates has; nixpkgs has it.
{
  lib,
  pkgs,
  select,
  ...
}:
pkgs.runCommand "check-nix-lint"
  {
    src = select {
      paths = [
        "flake.nix"
        "nix"
      ];
    };
    nativeBuildInputs = [ pkgs.deadnix ] ++ lib.optional (pkgs ? statix) pkgs.statix;
  }
  ''
    cd "$src"
    deadnix --fail .
    ${lib.optionalString (pkgs ? statix) "statix check ."}
    touch $out
  ''
