# The packages. Derivations run the host's bash and find the host's tools at /usr, which `cargo xtask nix` lets into the sandbox.
{ lib, system }:
let
  path = "/usr/bin:/bin:/usr/sbin:/sbin";

  # stdenv.mkDerivation: phases and hooks of the same names, in the same order.
  mkDerivation =
    arguments:
    derivation (
      builtins.removeAttrs arguments [ "env" "passthru" "meta" ]
      // (arguments.env or { })
      // {
        inherit system;
        name = arguments.name or "${arguments.pname}-${arguments.version}";
        builder = "/bin/bash";
        args = [ ./setup.sh ];
        hostPath = path;
      }
    )
    // (arguments.passthru or { });

  runCommand =
    name: environment: script:
    mkDerivation (
      environment
      // {
        inherit name;
        buildCommand = script;
      }
    );
in
{
  inherit lib runCommand system;
  runCommandLocal = runCommand;
  stdenv = { inherit mkDerivation; };

  writeText =
    name: text:
    runCommand name { inherit text; passAsFile = [ "text" ]; } ''
      cp "$textPath" $out
    '';

  # Only what is in the store already: this machine has no way to fetch.
  fetchurl =
    {
      url,
      sha256,
      name ? baseNameOf url,
      ...
    }:
    derivation {
      inherit name system;
      builder = "/bin/bash";
      args = [
        "-c"
        "echo 'not in the store: ${url}; run: cargo xtask prefetch' >&2; exit 1"
      ];
      outputHashMode = "flat";
      outputHashAlgo = "sha256";
      outputHash = sha256;
    };

  mkShell =
    {
      packages ? [ ],
      shellHook ? "",
      ...
    }:
    mkDerivation {
      name = "shell";
      inherit shellHook;
      nativeBuildInputs = packages;
      buildCommand = "touch $out";
    };
}
