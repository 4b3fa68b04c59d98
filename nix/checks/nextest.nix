# Unit, property, golden and whole-program tests. Those that need Docker, QEMU or root say why they
# skip; the boot is a check of its own.
{
  craneLib,
  pkgs,
  workspace,
  source,
  ...
}:
craneLib.cargoNextest (
  workspace
  // {
    src = source.tests;
    doCheck = true;
    # Programs of tests that stdenv does not have.
    nativeBuildInputs = [
      pkgs.cpio
      pkgs.git
      pkgs.openssl
      pkgs.python3
      pkgs.util-linux
    ];
    doInstallCargoArtifacts = false;
    cargoNextestExtraArgs = "--no-fail-fast";
  }
)
