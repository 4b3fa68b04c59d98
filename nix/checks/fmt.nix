# The code is formatted.
{ craneLib, rustSource, ... }:
craneLib.cargoFmt {
  src = rustSource;
  pname = "letsesign";
  version = "0.1.0";
  doInstallCargoArtifacts = false;
}
