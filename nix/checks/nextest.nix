# Unit, property, golden and whole-program tests. Those that need Docker, QEMU or root say why they skip; the boot is a check of its own,
# and Docker a road of its own (docs/reproduce.md).
{
  craneLib,
  workspace,
  testSource,
  ...
}:
craneLib.cargoNextest (
  workspace
  // {
    src = testSource;
    doCheck = true;
    doInstallCargoArtifacts = false;
    cargoNextestExtraArgs = "--no-fail-fast";
  }
)
