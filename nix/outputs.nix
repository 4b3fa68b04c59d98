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

  forEachSystem =
    select:
    lib.genAttrs systems (
      system:
      select (
        import ./scope.nix {
          inherit inputs system;
        }
      )
    );

  # What only exists where the enclave can be built.
  onEnclaveSystem = scope: attributes: lib.optionalAttrs (scope.system == "x86_64-linux") attributes;
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
      default = scope.tools.xtask;
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
      default = scope.eif;
    }
  );

  # `nix build .#reproducers.kernel`: no package, so that checks and caches of all packages leave it out.
  legacyPackages = forEachSystem (
    scope: onEnclaveSystem scope { inherit (scope) reproducers; }
  );

  apps = forEachSystem (
    scope:
    lib.mapAttrs
      (name: package: {
        type = "app";
        program = "${package}/bin/${name}";
      })
      {
        canoni = scope.tools.canoni;
        eif = scope.tools.eif-cli;
      }
    // {
      verify = {
        type = "app";
        program = "${scope.tools.letsesign-verify}/bin/letsesign-verify";
      };
    }
  );

  checks = forEachSystem (scope: onEnclaveSystem scope (import ./checks.nix scope));

  devShells = forEachSystem (scope: {
    default = import ./devShell.nix scope;
  });

  # Functions for other flakes; examples/flake uses them.
  lib = forEachSystem (scope: onEnclaveSystem scope { inherit (scope) buildEif canonicalImage; });
}
