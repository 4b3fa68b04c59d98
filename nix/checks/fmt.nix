# The code is formatted.
{
  craneLib,
  members,
  source,
  ...
}:
craneLib.cargoFmt {
  src = source.rust;
  pname = "letsesign";
  inherit (members) version;
  doInstallCargoArtifacts = false;
}
