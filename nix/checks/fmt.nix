# The code is formatted.
{
  craneLib,
  members,
  rustSource,
  ...
}:
craneLib.cargoFmt {
  src = rustSource;
  pname = "letsesign";
  inherit (members) version;
  doInstallCargoArtifacts = false;
}
