# The tools, built the ordinary way: their bytes are not measured, what they write is.
{ craneLib, source, vendor, ... }:
let
  arguments = {
    src = source;
    cargoVendorDir = vendor;
    pname = "letsesign-tools";
    version = "0.1.0";
    strictDeps = true;
    # Tests are a check of their own.
    doCheck = false;
    cargoExtraArgs = "--locked --package xtask --package canoni --package eif";
  };
  cargoArtifacts = craneLib.buildDepsOnly arguments;
  tool =
    package:
    craneLib.buildPackage (
      arguments
      // {
        inherit cargoArtifacts;
        pname = package;
        cargoExtraArgs = "--locked --package ${package}";
      }
    );
in
{
  xtask = tool "xtask";
  canoni = tool "canoni";
  eif-cli = tool "eif";
}
