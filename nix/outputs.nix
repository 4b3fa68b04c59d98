# The flake's outputs.
inputs:
let
  inherit (inputs.nixpkgs) lib;

  # The enclave is x86_64-linux; tools and the shell are for everybody.
  systems = [
    "x86_64-linux"
    "aarch64-linux"
    "x86_64-darwin"
    "aarch64-darwin"
  ];

  # Evaluated once per system, whatever the number of outputs that use it.
  scopes = lib.genAttrs systems (
    system:
    import ./scope.nix {
      inherit inputs system;
      pkgs = inputs.nixpkgs.legacyPackages.${system};
    }
  );
  forEachSystem = select: lib.mapAttrs (_: select) scopes;

  # What exists only where the enclave can be built.
  onEnclaveSystem =
    scope: attributes: lib.optionalAttrs (scope.system == "x86_64-linux") attributes;
in
{
  packages = forEachSystem (
    scope:
    {
      inherit (scope.tools)
        canoni
        eif-cli
        letsesign-verify
        xtask
        ;
      default = scope.tools.letsesign-verify;
    }
    // onEnclaveSystem scope {
      inherit (scope)
        server
        init
        docker-image
        eif
        kernel
        sysroot
        measurements
        ;
      letsesign-host = scope.host;
      default = scope.eif;
    }
  );

  # `nix build .#reproducers.kernel`: no package, so that checks and caches of all packages leave it
  # out.
  legacyPackages = forEachSystem (
    scope: onEnclaveSystem scope { inherit (scope) reproducers; }
  );

  # `eif` is the image wherever it is built; its command is `eif-cli`.
  apps = forEachSystem (
    scope:
    let
      app = package: {
        type = "app";
        program = "${package}/bin/${package.meta.mainProgram}";
        meta = { inherit (package.meta) description; };
      };
      verify = app scope.tools.letsesign-verify;
    in
    {
      inherit verify;
      default = verify;
      letsesign-verify = verify;
      canoni = app scope.tools.canoni;
      eif-cli = app scope.tools.eif-cli;
      xtask = app scope.tools.xtask;
    }
  );

  checks = forEachSystem (scope: onEnclaveSystem scope (import ./checks.nix scope));

  devShells = forEachSystem (
    scope:
    {
      default = import ./dev-shell.nix scope { };
    }
    // onEnclaveSystem scope {
      # With the emulator, which no binary cache has: QEMU with a patch of ours.
      full = import ./dev-shell.nix scope { full = true; };
    }
  );

  formatter = forEachSystem (scope: scope.pkgs.nixfmt-tree);

  # Functions for other flakes; nix/examples/flake uses them.
  lib = forEachSystem (
    scope: onEnclaveSystem scope { inherit (scope) buildEif canonicalImage pcrCheck; }
  );

  # The parent instance on NixOS.
  nixosModules =
    let
      letsesign-host = import ./host-module.nix { packageOf = system: scopes.${system}.host; };
    in
    {
      inherit letsesign-host;
      default = letsesign-host;
    };

  # The tools, as packages of somebody's nixpkgs and built by it.
  overlays.default =
    final: _:
    let
      scope = import ./scope.nix {
        inherit inputs;
        inherit (final.stdenv.hostPlatform) system;
        pkgs = final;
      };
    in
    {
      letsesign-enclave-tools = scope.tools;
      inherit (scope.tools) canoni eif-cli letsesign-verify;
    };

  templates.default = {
    path = ./examples/flake;
    description = "An enclave image of one's own program, with measurements that a check compares";
  };
}
