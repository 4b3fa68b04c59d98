{
  description = "What this repository's flake touches of nixpkgs, made of the host's tools";

  outputs =
    _:
    let
      lib = import ./lib.nix;
    in
    {
      inherit lib;
      legacyPackages = lib.genAttrs [ "x86_64-linux" "aarch64-linux" "x86_64-darwin" "aarch64-darwin" ] (
        system: import ./pkgs.nix { inherit lib system; }
      );
    };
}
