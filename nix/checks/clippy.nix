# No lint fires.
{ craneLib, workspace, ... }:
craneLib.cargoClippy (
  workspace
  // {
    cargoClippyExtraArgs = "--all-targets -- -Dwarnings";
    doInstallCargoArtifacts = false;
  }
)
