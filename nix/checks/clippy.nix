# No lint fires.
{ craneLib, source, vendor, ... }:
let
  arguments = {
    src = source;
    cargoVendorDir = vendor;
    pname = "letsesign-workspace";
    version = "0.1.0";
    strictDeps = true;
    doCheck = false;
    cargoExtraArgs = "--locked --workspace --all-features";
  };
in
craneLib.cargoClippy (
  arguments
  // {
    cargoArtifacts = craneLib.buildDepsOnly arguments;
    cargoClippyExtraArgs = "--all-targets -- -Dwarnings";
  }
)
