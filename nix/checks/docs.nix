# The documentation builds without a warning.
{ craneLib, workspace, ... }:
craneLib.mkCargoDerivation (
  workspace
  // {
    pnameSuffix = "-docs";
    RUSTDOCFLAGS = "-Dwarnings";
    buildPhaseCargoCommand = "cargo doc --no-deps ${workspace.cargoExtraArgs}";
    doInstallCargoArtifacts = false;
  }
)
