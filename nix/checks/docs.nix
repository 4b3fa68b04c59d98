# The documentation builds without a warning.
{
  checkArtifacts,
  craneLib,
  workspace,
  ...
}:
craneLib.mkCargoDerivation (
  workspace
  // {
    cargoArtifacts = checkArtifacts;
    pnameSuffix = "-docs";
    RUSTDOCFLAGS = "-Dwarnings";
    buildPhaseCargoCommand = "cargo doc --no-deps ${workspace.cargoExtraArgs}";
    doInstallCargoArtifacts = false;
  }
)
