# Crates, licences and sources are accepted ones (deny.toml). Advisories need the network and are no part of a build.
{
  craneLib,
  pkgs,
  workspace,
  ...
}:
craneLib.mkCargoDerivation (
  workspace
  // {
    pnameSuffix = "-deny";
    cargoArtifacts = null;
    nativeBuildInputs = [ pkgs.cargo-deny ];
    buildPhaseCargoCommand = "cargo deny --offline --locked check bans licenses sources";
    doInstallCargoArtifacts = false;
  }
)
