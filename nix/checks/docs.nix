# The documentation builds without a warning.
{
  checkArtifacts,
  craneLib,
  workspace,
  ...
}:
craneLib.cargoDoc (
  workspace
  // {
    cargoArtifacts = checkArtifacts;
    RUSTDOCFLAGS = "-Dwarnings";
  }
)
