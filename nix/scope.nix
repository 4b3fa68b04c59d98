# Everything that the outputs of one system are made of, each piece a function in a file of its name.
{
  inputs,
  pkgs,
  system,
}:
let
  scope = {
    inherit inputs pkgs system;
    inherit (inputs.nixpkgs) lib;

    toolchain = import ./toolchain.nix {
      inherit pkgs;
      inherit (inputs) rust-overlay;
    };
    craneLib = (inputs.crane.mkLib pkgs).overrideToolchain scope.toolchain;
    rustSource = import ./rustSource.nix scope;
    testSource = import ./testSource.nix scope;
    vendor = scope.craneLib.vendorCargoDeps { cargoLock = ../Cargo.lock; };

    members = import ./members.nix scope;
    select = import ./select.nix scope;
    cargoSource = import ./cargoSource.nix scope;

    workspace = import ./workspace.nix scope;
    checkArtifacts = import ./checkArtifacts.nix scope;
    tools = import ./tools.nix scope;
    sysroot = import ./sysroot.nix scope;
    hermeticProgram = import ./hermeticProgram.nix scope;
    init = scope.hermeticProgram "letsesign-init";
    server = scope.hermeticProgram "letsesign-server";
    kernel = import ./kernel.nix scope;
    eif = import ./eif.nix scope;
    docker-image = import ./docker-image.nix scope;
    measurements = import ./measurements.nix scope;
    emulator = import ./emulator.nix scope;
    pinnedPackages = import ./pinnedPackages.nix scope;
    reproducers = import ./reproducers.nix scope;

    canonicalImage = import ./canonicalImage.nix scope;
    buildEif = import ./buildEif.nix scope;
    pcrCheck = import ./pcrCheck.nix scope;
  };
in
scope
