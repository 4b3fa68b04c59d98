# What the checks of the whole workspace share: arguments for crane, and the dependencies, compiled
# once, in cargo's dev profile.
{
  craneLib,
  members,
  source,
  vendor,
  ...
}:
let
  arguments = {
    src = source.rust;
    cargoVendorDir = vendor;
    pname = "letsesign";
    inherit (members) version;
    strictDeps = true;
    # Tests are a check of their own.
    doCheck = false;
    # One selection of packages and features everywhere, so that what one derivation compiled serves
    # the next.
    cargoExtraArgs = "--locked --workspace --all-features";
    CARGO_PROFILE = "dev";
    # See tools.nix.
    doNotRemoveReferencesToRustToolchain = true;
  };
in
arguments
// {
  # Built, not checked: what only checks has artifacts of its own (check-artifacts.nix).
  cargoArtifacts = craneLib.buildDepsOnly (arguments // { cargoCheckCommand = "true"; });
  # letsesign-verify embeds them. Apart from the source: a new measurement compiles no dependency
  # again.
  LETSESIGN_MEASUREMENTS = ../measurements;
}
