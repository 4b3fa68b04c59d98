# The tools: compiled together, given out one by one.
{
  craneLib,
  lib,
  pkgs,
  workspace,
  ...
}:
let
  all = craneLib.buildPackage (
    workspace
    // {
      pname = "letsesign-tools";
      cargoExtraArgs = "${workspace.cargoExtraArgs} --bin xtask --bin canoni --bin eif --bin letsesign-verify";
    }
  );
  tool =
    program:
    pkgs.runCommand "${program}-${workspace.version}" { meta.mainProgram = program; } ''
      mkdir -p $out/bin
      ln -s ${all}/bin/${program} $out/bin/
    '';
in
{
  xtask = tool "xtask";
  canoni = tool "canoni";
  eif-cli = tool "eif";
  letsesign-verify = tool "letsesign-verify";
}
