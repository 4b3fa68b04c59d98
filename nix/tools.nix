# The tools, for everybody: release builds, one package each, with shell completions.
#
# They share their dependencies: all are selected together, so that a crate has the same features for
# each of them, and each derivation builds one program.
{
  cargoSource,
  craneLib,
  lib,
  members,
  vendor,
  ...
}:
let
  packages = {
    canoni = "Make container images canonical";
    eif = "Build, describe, compare and verify AWS Nitro enclave images";
    letsesign-verify = "Verify signed documents, key policies and releases of letsesign-enclave";
    xtask = "Build, measure, reproduce and test the letsesign enclave";
  };
  names = builtins.attrNames packages;
  selection = lib.concatMapStringsSep " " (name: "--package ${name}") names;
  common = {
    cargoVendorDir = vendor;
    inherit (members) version;
    strictDeps = true;
    # Tests are a check of their own.
    doCheck = false;
    CARGO_PROFILE = "release";
    # crane's hook takes for granted that the toolchain is in the store. It need not be: auditors may
    # bring their own. Without rust-src, the compiler writes no path of it into a program.
    doNotRemoveReferencesToRustToolchain = true;
  };
  # A check of all dependencies before they are built has no use: nothing that only checks follows.
  cargoArtifacts = craneLib.buildDepsOnly (
    common
    // cargoSource names
    // {
      pname = "letsesign-tools";
      cargoExtraArgs = "--locked ${selection}";
      cargoCheckCommand = "true";
    }
  );
  tool =
    name: description:
    craneLib.buildPackage (
      common
      // cargoSource [ name ]
      // {
        inherit cargoArtifacts;
        pname = name;
        cargoExtraArgs = "--locked ${selection} --bin ${name}";
        postInstall = ''
          ${completions.${name} or ""}
        '';
        meta = {
          inherit description;
          license = [
            lib.licenses.mit
            lib.licenses.asl20
          ];
          mainProgram = name;
          platforms = lib.platforms.unix;
        };
      }
      # It embeds them. Apart from the source: a new measurement compiles nothing else again.
      // lib.optionalAttrs (name == "letsesign-verify") {
        LETSESIGN_MEASUREMENTS = ../measurements;
      }
    );
  # In the places where bash, zsh and fish look for the completions of a profile.
  completions = lib.mapAttrs (
    name: _:
    let
      # canoni has no subcommands; xtask is for developers, who run it by cargo.
      command = "$out/bin/${name} ${if name == "canoni" then "--completions" else "completions"}";
    in
    lib.optionalString (name != "xtask") ''
      mkdir -p $out/share/bash-completion/completions $out/share/zsh/site-functions \
        $out/share/fish/vendor_completions.d
      ${command} bash > $out/share/bash-completion/completions/${name}
      ${command} zsh > $out/share/zsh/site-functions/_${name}
      ${command} fish > $out/share/fish/vendor_completions.d/${name}.fish
    ''
  ) packages;
  all = lib.mapAttrs tool packages;
in
{
  inherit (all) canoni letsesign-verify xtask;
  # `eif` is the image in packages and overlay.
  eif-cli = all.eif;
}
