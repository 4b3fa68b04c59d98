# The measured programs hold no forbidden crate and no forbidden text, no path of the building
# machine, and are static.
{
  cargoSource,
  craneLib,
  members,
  select,
  toolchain,
  tools,
  vendor,
  init,
  server,
  ...
}:
craneLib.mkCargoDerivation (
  cargoSource [
    "letsesign-init"
    "letsesign-server"
  ]
  // {
    cargoVendorDir = vendor;
    cargoArtifacts = null;
    pname = "letsesign-programs";
    inherit (members) version;
    base = select { paths = [ "enclave" ]; };
    buildPhaseCargoCommand = ''
      cp -r --no-preserve=mode "$base"/enclave .
      ${tools.xtask}/bin/xtask build --verify ${init} --verify ${server} \
        --private "$NIX_BUILD_TOP" --private /nix/store --private ${toolchain} \
        --private "$(rustc --print sysroot)"
    '';
    doInstallCargoArtifacts = false;
  }
)
