# Everything that the outputs of one system are made of, each piece a function in a file of its
# name.
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
    vendor = scope.craneLib.vendorCargoDeps { cargoLock = ../Cargo.lock; };

    members = import ./members.nix scope;
    source = import ./source.nix scope;
    inherit (scope.source) select;
    cargoSource = import ./cargo-source.nix scope;

    workspace = import ./workspace.nix scope;
    checkArtifacts = import ./check-artifacts.nix scope;
    tools = import ./tools.nix scope;
    host = import ./host.nix scope;
    sysroot = import ./sysroot.nix scope;
    hermeticProgram = import ./hermetic-program.nix scope;
    init = scope.hermeticProgram "letsesign-init";
    server = scope.hermeticProgram "letsesign-server";
    kernel = import ./kernel.nix scope;
    eif = import ./eif.nix scope;
    docker-image = import ./docker-image.nix scope;
    measurements = import ./measurements.nix scope;
    emulator = import ./emulator.nix scope;
    pinnedPackages = import ./pinned-packages.nix scope;
    reproducers = import ./reproducers.nix scope;

    canonicalImage = import ./canonical-image.nix scope;
    buildEif = import ./build-eif.nix scope;
    pcrCheck = import ./pcr-check.nix scope;
  };
in
scope
