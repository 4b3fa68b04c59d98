{
  description = "What this repository's flake touches of nixpkgs, made of the host's tools";

  outputs =
    _:
    let
      lib = import ./lib.nix;
      # A flake cannot look whether the host has something. `cargo xtask nix` hands over a copy of
      # this folder and says it in this file.
      emulator = builtins.pathExists ./has-emulator;
    in
    {
      inherit lib;
      legacyPackages =
        lib.genAttrs
          [
            "x86_64-linux"
            "aarch64-linux"
            "x86_64-darwin"
            "aarch64-darwin"
          ]
          (
            system:
            import ./pkgs.nix {
              inherit lib system emulator;
            }
          );
    };
}
