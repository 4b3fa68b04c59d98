# No lint fires.
{
  checkArtifacts,
  craneLib,
  workspace,
  ...
}:
craneLib.cargoClippy (
  workspace
  // {
    cargoArtifacts = checkArtifacts;
    cargoClippyExtraArgs = "--all-targets -- -Dwarnings";
    doInstallCargoArtifacts = false;
  }
)
