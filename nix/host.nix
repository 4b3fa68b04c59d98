# letsesign-host, the parent instance, with its unit and its completions. Dependencies of its own:
# the tools shall not wait for its databases.
{
  cargoSource,
  craneLib,
  lib,
  members,
  vendor,
  ...
}:
let
  common = cargoSource [ "letsesign-host" ] // {
    pname = "letsesign-host";
    inherit (members) version;
    cargoVendorDir = vendor;
    cargoExtraArgs = "--locked --package letsesign-host";
    strictDeps = true;
    # Tests are a check of their own.
    doCheck = false;
    CARGO_PROFILE = "release";
    # See tools.nix.
    doNotRemoveReferencesToRustToolchain = true;
  };
in
craneLib.buildPackage (
  common
  // {
    # See tools.nix.
    cargoArtifacts = craneLib.buildDepsOnly (common // { cargoCheckCommand = "true"; });
    # The unit of other distributions. NixOS has the module (host-module.nix).
    unit = ../host/deploy/letsesign-host.service;
    postInstall = ''
      mkdir -p $out/lib/systemd/system
      sed "s,/usr/bin/letsesign-host,$out/bin/letsesign-host," $unit \
        > $out/lib/systemd/system/letsesign-host.service
      mkdir -p $out/share/bash-completion/completions $out/share/zsh/site-functions \
        $out/share/fish/vendor_completions.d
      host=$out/bin/letsesign-host
      $host completions bash > $out/share/bash-completion/completions/letsesign-host
      $host completions zsh > $out/share/zsh/site-functions/_letsesign-host
      $host completions fish > $out/share/fish/vendor_completions.d/letsesign-host.fish
    '';
    meta = {
      description = "Parent instance of signing enclaves: starts them, relays, hands out jobs";
      license = [
        lib.licenses.mit
        lib.licenses.asl20
      ];
      mainProgram = "letsesign-host";
      platforms = lib.platforms.linux;
    };
  }
)
