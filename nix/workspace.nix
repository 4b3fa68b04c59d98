# What the derivations around the whole workspace share: arguments for crane, and the dependencies, compiled once.
#
# They use cargo's dev profile. The bytes of tools are not measured, what they write is, and the crates that hash are optimised in it
# (Cargo.toml).
{
  craneLib,
  rustSource,
  vendor,
  ...
}:
let
  arguments = {
    src = rustSource;
    cargoVendorDir = vendor;
    pname = "letsesign";
    version = "0.1.0";
    strictDeps = true;
    # Tests are a check of their own.
    doCheck = false;
    # One selection of packages and features everywhere, so that what one derivation compiled serves the next.
    cargoExtraArgs = "--locked --workspace --all-features";
    CARGO_PROFILE = "dev";
    # crane's hook takes for granted that the toolchain is in the store. It need not be: auditors may bring their own. Without rust-src,
    # the compiler writes no path of it into a program.
    doNotRemoveReferencesToRustToolchain = true;
  };
in
arguments
// {
  # Built, not checked: what only checks has artifacts of its own (checkArtifacts.nix).
  cargoArtifacts = craneLib.buildDepsOnly (arguments // { cargoCheckCommand = "true"; });
  # letsesign-verify embeds them. Apart from the source: a new measurement compiles no dependency again.
  LETSESIGN_MEASUREMENTS = ../measurements;
}
