# The measured programs hold no forbidden crate and no forbidden text, no path of the building machine, and are static.
{
  craneLib,
  workspace,
  source,
  tools,
  toolchain,
  init,
  server,
  ...
}:
craneLib.mkCargoDerivation (
  workspace
  // {
    pnameSuffix = "-programs";
    src = source;
    cargoArtifacts = null;
    buildPhaseCargoCommand = ''
      ${tools.xtask}/bin/xtask build --verify ${init} --verify ${server} \
        --private "$NIX_BUILD_TOP" --private /nix/store --private ${toolchain} --private "$(rustc --print sysroot)"
    '';
    doInstallCargoArtifacts = false;
  }
)
