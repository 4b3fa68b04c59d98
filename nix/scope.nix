# Everything that the outputs of one system are made of, each piece a function in a file of its name.
{ inputs, system }:
let
  pkgs = inputs.nixpkgs.legacyPackages.${system};
  scope = {
    inherit inputs pkgs system;
    inherit (inputs.nixpkgs) lib;

    toolchain = import ./toolchain.nix {
      inherit pkgs;
      inherit (inputs) rust-overlay;
    };
    craneLib = (inputs.crane.mkLib pkgs).overrideToolchain scope.toolchain;
    source = import ./source.nix scope;
    rustSource = import ./rustSource.nix scope;
    testSource = import ./testSource.nix scope;
    vendor = scope.craneLib.vendorCargoDeps { src = scope.rustSource; };

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
  };
in
scope
